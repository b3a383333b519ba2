"""Appends by `eventsourcing` on PostgreSQL.

    eventsourcing_append.py HOST PORT USER PASSWORD DB THREADS SECONDS

One new aggregate with one event per append, as its documentation shows; prints appends per second.
"""

from __future__ import annotations

import os
import sys
import threading
import time

HOST, PORT, USER, PASSWORD, DB, THREADS, SECONDS = sys.argv[1:8]
os.environ |= {
    "PERSISTENCE_MODULE": "eventsourcing.postgres",
    "POSTGRES_HOST": HOST,
    "POSTGRES_PORT": PORT,
    "POSTGRES_USER": USER,
    "POSTGRES_PASSWORD": PASSWORD,
    "POSTGRES_DBNAME": DB,
    "POSTGRES_POOL_SIZE": THREADS,
    "POSTGRES_MAX_OVERFLOW": "4",
}

from eventsourcing.application import Application  # noqa: E402
from eventsourcing.domain import Aggregate, event  # noqa: E402


class Order(Aggregate):
    """An order with the columns of ours."""

    @event("Placed")
    def __init__(self, number: str, city: str, channel: str, currency: str, total_minor: int):
        self.number, self.city, self.channel = number, city, channel
        self.currency, self.total_minor = currency, total_minor


def append_until(app: Application, end: float, done: list[int]) -> None:
    """Append one after the other."""
    count = 0
    while time.perf_counter() < end:
        app.save(Order(f"B-{count:08}", "Leipzig", "web", "EUR", 1_000))
        count += 1
    done.append(count)


def main() -> None:
    """Warm up, then measure."""
    app: Application = Application()
    for seconds in (1.0, float(SECONDS)):
        done: list[int] = []
        begin = time.perf_counter()
        threads = [
            threading.Thread(target=append_until, args=(app, begin + seconds, done))
            for _ in range(int(THREADS))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = sum(done) / (time.perf_counter() - begin)
    app.close()
    print(rate, flush=True)


main()
