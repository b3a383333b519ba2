"""Runs the ceiling: FastAPI's "hello" with two workers, asked by the same load."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from benchmarks.load import Outcome, Plan, load
from benchmarks.rig import ROOT
from embedded.ports import free_port

WORKERS = 2


def ceiling(clients: int, seconds: float) -> Outcome:
    """How fast "hello" is for so many clients."""
    with _serving() as port:
        plan = Plan(port, [("GET", "/hello", None)], clients=clients, seconds=seconds)
        return asyncio.run(load(plan))


@contextlib.contextmanager
def _serving() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.peers.hello:app", "--port", str(port)]
    command += ["--workers", str(WORKERS), "--no-access-log", "--log-level", "error"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _until_it_answers(f"http://127.0.0.1:{port}/hello")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _until_it_answers(url: str) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), urllib.request.urlopen(url) as answer:
            if answer.status == 200:
                time.sleep(1)  # the other worker comes up too
                return
        time.sleep(0.1)
    raise RuntimeError("hello does not answer")
