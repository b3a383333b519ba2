"""Pid files: which processes of a home are alive, and the end of those that nobody watches."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from embedded.launch import sweep

_SAME_START_S = 2.0


def write(path: Path, pid: int) -> None:
    """Note a process. The moment it was started tells it from a later one with the same number."""
    with contextlib.suppress(psutil.NoSuchProcess):
        path.write_text(f"{pid} {psutil.Process(pid).create_time()}\n")


def read(path: Path) -> psutil.Process | None:
    """The noted process, if it is alive."""
    try:
        number, started = path.read_text().split()
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(started)) < _SAME_START_S
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return process if same and is_alive(process) else None


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(processes: Iterable[tuple[psutil.Process, signal.Signals]], grace_s: float) -> list[int]:
    """Ask the processes to end, end those that do not; the numbers of the latter."""
    asked = list(processes)
    for process, stop_signal in asked:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(stop_signal)
    limit = time.monotonic() + grace_s
    while any(is_alive(process) for process, _ in asked) and time.monotonic() < limit:
        time.sleep(0.05)
    stubborn = [process for process, _ in asked if is_alive(process)]
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    for process, _ in asked:
        sweep(process.pid)
    return [process.pid for process in stubborn]


def end_leftovers(run: Path, grace_s: float = 20) -> list[str]:
    """End every process noted in the directory; the names of those that were still alive."""
    found = {path: read(path) for path in sorted(run.glob("*.pid"))}
    alive = {path.stem: process for path, process in found.items() if process is not None}
    # First those who use the servers, then the servers.
    servers = {"postgres": signal.SIGINT, "kafka": signal.SIGTERM}
    end(((alive[name], signal.SIGTERM) for name in alive if name not in servers), grace_s)
    end(((alive[name], how) for name, how in servers.items() if name in alive), grace_s)
    for path in found:
        path.unlink(missing_ok=True)
    return sorted(alive)
