"""Is everything up? What the supervisor wrote down, compared with what is really there."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil

from everlog import pids
from everlog.home import Home
from everlog.services import is_ready

SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process as it is now."""

    name: str
    state: str
    ready: bool
    essential: bool
    pid: int | None
    port: int | None
    up_s: float | None
    restarts: int
    last_exit: int | None
    rss_mb: float | None
    log: str


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """All processes of a home; `running` says whether there is a supervisor."""

    running: bool
    port: int
    processes: list[ProcessStatus]

    @property
    def ready(self) -> bool:
        """Whether people can work with it. A supervisor that has not yet said what it watches
        over is not ready."""
        return bool(self.processes) and all(e.ready for e in self.processes if e.essential)


def supervisor_of(home: Home) -> psutil.Process | None:
    """The supervisor's process, if there is one."""
    return pids.read(home.run / "supervisor.pid")


def running_port(home: Home) -> int | None:
    """The port of the running copy; None if it does not run."""
    if supervisor_of(home) is None:
        return None
    written = _written(home)
    return int(written["port"]) if written else None


def current_home(environ: Mapping[str, str]) -> Home:
    """The home of the environment, on the port it runs on if it runs."""
    home = Home.of(environ)
    running = running_port(home)
    return home if running in (None, home.port) else Home.of(environ, running)


def look(home: Home, *, measure: bool = True) -> PlatformStatus:
    """Look at every process; `measure` adds its memory, which takes a while."""
    supervisor = supervisor_of(home)
    written = _written(home)
    if supervisor is None or written is None or written["pid"] != supervisor.pid:
        return PlatformStatus(supervisor is not None, home.port, [])
    processes = written["processes"]
    with ThreadPoolExecutor(len(processes) or 1) as pool:
        seen = list(pool.map(lambda each: _look_at(each, measure=measure), processes))
    own = ProcessStatus(
        name=SUPERVISOR,
        state="running",
        ready=True,
        essential=True,
        pid=supervisor.pid,
        port=None,
        up_s=round(time.time() - supervisor.create_time(), 1),
        restarts=0,
        last_exit=None,
        rss_mb=_rss_mb(supervisor.pid, alone=True) if measure else None,
        log=str(home.log(SUPERVISOR)),
    )
    return PlatformStatus(True, int(written["port"]), [own, *seen])


def _written(home: Home) -> dict[str, Any] | None:
    try:
        written: dict[str, Any] = json.loads((home.run / "status.json").read_text())
    except (OSError, ValueError):
        return None
    return written


def _look_at(written: dict[str, Any], *, measure: bool) -> ProcessStatus:
    state, pid, port = written["state"], written["pid"], written["port"]
    ready = state == "done"
    if pid is not None and port is not None and state == "running":
        ready = is_ready(port, written["speaks"])
    return ProcessStatus(
        name=written["name"],
        state=state,
        ready=ready,
        essential=written["essential"],
        pid=pid,
        port=port,
        up_s=round(time.time() - written["since"], 1) if pid is not None else None,
        restarts=written["restarts"],
        last_exit=written["last_exit"],
        rss_mb=_rss_mb(pid) if measure and pid is not None else None,
        log=written["log"],
    )


def _rss_mb(pid: int, *, alone: bool = False) -> float | None:
    """The memory of the process and its children; what they share is counted once where the
    system tells (PostgreSQL's processes share nearly everything)."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        children = [] if alone else process.children(recursive=True)
        total = sum(_memory(each) for each in (process, *children))
        return round(total / (1 << 20), 1)
    return None


def _memory(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
