"""How much memory the whole embedded platform takes, idle, with the sample workspace in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.report import Result
from benchmarks.rig import say
from embedded.ports import free_base
from everlog.home import PORTS, Home
from everlog.lifecycle import take_down
from everlog.status import look

IDLE_S = 20


def measure(scale: float) -> list[Result]:
    """Resident memory in all, and proportional, where pages that are shared count once."""
    with tempfile.TemporaryDirectory(prefix="everlog-bench-") as folder:
        port = free_base(PORTS)
        own = {"EVERLOG_HOME": str(Path(folder) / "home"), "EVERLOG_PORT": str(port)}
        environ = {**os.environ, **own}
        say("memory: bringing up a copy with the sample workspace")
        begin = time.perf_counter()
        up = [sys.executable, "-P", "-m", "everlog", "up", "--json"]
        home = Home.of(environ)
        try:
            subprocess.run(up, env=environ, check=True, capture_output=True)
            up_s = time.perf_counter() - begin
            time.sleep(IDLE_S)
            status = look(home)
            rss = sum(_rss_mb(each.pid) for each in status.processes if each.pid)
            shared = sum(each.rss_mb or 0 for each in status.processes)
        finally:
            take_down(home)
    return [
        Result("memory, everything embedded, RSS", rss, "MB", goal=1_300, at_most=True),
        Result("… what is shared counted once (PSS)", shared, "MB"),
        Result("first `everlog up` with the sample workspace", up_s, "s"),
    ]


def _rss_mb(pid: int) -> float:
    """Of a process and its children."""
    try:
        process = psutil.Process(pid)
        family = (process, *process.children(recursive=True))
        return sum(each.memory_info().rss for each in family) / (1 << 20)
    except psutil.NoSuchProcess:
        return 0.0
