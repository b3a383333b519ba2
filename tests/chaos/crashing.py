"""A service's process that kills itself at a point of one's choice, once: the code is the real one.

python -m tests.chaos.crashing "row written" contacts both      (SIGKILL as soon as it gets there)

One named function of the product is wrapped before the service's own `__main__` runs; nothing in
the product knows of it. With --when FILE it lives on until that file is there.
"""

from __future__ import annotations

import argparse
import functools
import os
import runpy
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from chassis.lane import LIVE
from chassis.wire import KEYS_TOPIC

BEFORE: Literal["before"] = "before"
AFTER: Literal["after"] = "after"


def _any(*_: Any, **__: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Point:
    """Before or after a call of `function` in `module`, if its arguments are the right ones."""

    name: str
    module: str
    function: str
    when: Literal["before", "after"]
    counts: Callable[..., bool] = _any


_LOG = ("chassis.postgres.event_log", "PostgresEventLog._append")
_OUTBOX_DONE = ("chassis.postgres.outbox", "PostgresOutbox.done")
_LANE_COMMIT = ("chassis.postgres.lanes", "PostgresLanes.commit")
_ORDERS = ("chassis.reactor", "run_orders")
_HAND_OVER = ("campaigns.sending.smtp", "_Line.deliver")


def _has_events(_: Any, batch: Any) -> bool:
    return bool(batch.events)


def _has_keys(_: Any, messages: Sequence[Any]) -> bool:
    return any(message.topic == KEYS_TOPIC for message in messages)


def _has_rows(_: Any, lane: str, commit: Any) -> bool:
    return lane == LIVE and bool(commit.rows)


WRITING = (
    Point("append committed, not answered", *_LOG, AFTER),
    Point(
        "keys published, their events not",
        "chassis.kafka.sink",
        "KafkaSink.publish",
        AFTER,
        _has_keys,
    ),
    Point("published, still in the outbox", *_OUTBOX_DONE, BEFORE, _has_events),
    Point("published and out of the outbox", *_OUTBOX_DONE, AFTER, _has_events),
    Point("batch folded, nothing written", *_LANE_COMMIT, BEFORE, _has_rows),
    Point("rows written, not committed", "chassis.postgres.lanes", "write_rows", AFTER),
    Point("batch committed", *_LANE_COMMIT, AFTER, _has_rows),
)
REACTING = (
    Point("event come, nothing ordered", *_ORDERS, BEFORE),
    Point("first order carried out", "chassis.orders", "handle", AFTER),
    Point("orders carried out, offset not moved", *_ORDERS, AFTER),
)
MAILING = (
    Point("claimed, not handed over", *_HAND_OVER, BEFORE),
    Point("mail taken, nothing recorded", *_HAND_OVER, AFTER),
    Point("mail recorded, claim not settled", "chassis.postgres.effects", "Effects.settle", BEFORE),
)
REBUILDING = (
    Point("built, lane held, not swapped", "chassis.rebuild", "Rebuild._add_topics", AFTER),
    Point("swapped, nobody told", "chassis.rebuild", "Rebuild._join", AFTER),
)
IMPORTING = (
    Point("chunk written, not committed", "chassis.imports.store", "Jobs.write", AFTER),
    Point("chunk committed", "chassis.imports.engine", "Import._write", AFTER),
)
POINTS: Mapping[str, Point] = {
    point.name: point for point in (*WRITING, *REACTING, *MAILING, *REBUILDING, *IMPORTING)
}


def strike_at(
    point: Point, when: Path | None = None, with_: signal.Signals = signal.SIGKILL
) -> None:
    """Wrap the function: whoever comes to the point gets the signal there, from when the file is
    there on."""
    owner: Any = import_module(point.module)
    *path, name = point.function.split(".")
    for part in path:
        owner = getattr(owner, part)
    real = getattr(owner, name)

    def strike(*arguments: Any, **named: Any) -> None:
        if (when is None or when.exists()) and point.counts(*arguments, **named):
            os.kill(os.getpid(), with_)

    @functools.wraps(real)
    async def struck(*arguments: Any, **named: Any) -> Any:
        if point.when == BEFORE:
            strike(*arguments, **named)
        answer = await real(*arguments, **named)
        if point.when == AFTER:
            strike(*arguments, **named)
        return answer

    setattr(owner, name, struck)


def run(module: str, arguments: Sequence[str]) -> None:
    """The service's own program, in this process."""
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.crashing")
    parser.add_argument("point", choices=sorted(POINTS))
    parser.add_argument("service")
    parser.add_argument("arguments", nargs="+", help="both, worker, api; or rebuild READ_MODEL")
    parser.add_argument("--when", type=Path, help="not before this file is there")
    asked = parser.parse_args()
    strike_at(POINTS[asked.point], asked.when)
    run(asked.service, asked.arguments)


if __name__ == "__main__":
    main()
