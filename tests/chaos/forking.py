"""Services as processes that start at once: forked from one in which all is imported already."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from chassis.postgres import outbox
from tests.chaos.crashing import POINTS, run, strike_at

_GRACE_S = 15.0
_PRELOADED = [
    "tests.chaos.forking",
    "chassis.testing.workshop",
    "contacts.manifest",
    "contacts.settings",
    "campaigns.manifest",
    "campaigns.settings",
]


@dataclass(frozen=True, slots=True)
class Program:
    """What is run, with what it is told. `point`: where it strikes itself `with_` a signal, once
    `when` is there. `relay_silent_s`: for half a minute, which nobody wants to wait for."""

    module: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    point: str | None = None
    when: Path | None = None
    with_: signal.Signals = signal.SIGKILL
    relay_silent_s: float | None = None


def _run(program: Program) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(program.environ)
    sys.path += filter(None, program.environ.get("PYTHONPATH", "").split(os.pathsep))
    with program.log.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if program.point is not None:
        strike_at(POINTS[program.point], program.when, program.with_)
    outbox.SILENT_S = program.relay_silent_s or outbox.SILENT_S
    run(program.module, program.arguments)


@contextlib.contextmanager
def running(program: Program) -> Iterator[ForkServerProcess]:
    """The process; killed at the end, if it still lives, and thawed for that if need be."""
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=_run, args=(program,), daemon=False)
    process.start()
    try:
        yield process
        process.terminate()  # it leaves its groups, and the next one need not wait
        process.join(_GRACE_S)
    finally:
        process.kill()
        process.join()
