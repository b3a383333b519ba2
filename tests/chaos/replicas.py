"""Second workers of services, as processes of their own: they share partitions and take over."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

from embedded.ports import free_ports
from everlog.home import Home
from everlog.services import PROGRAMS, environment


@contextlib.contextmanager
def replicas(home: Home, services: Sequence[str]) -> Iterator[None]:
    """One more worker for each of these services, until the end."""
    programs = {program.name: program for program in PROGRAMS}
    started: list[subprocess.Popen[bytes]] = []
    with contextlib.ExitStack() as logs:
        try:
            for name, port in zip(services, free_ports(len(services)), strict=True):
                log = logs.enter_context((home.path / "logs" / f"{name}-2.log").open("ab"))
                env = {**os.environ, **environment(home, programs[name])}
                env["EVERLOG_LISTEN"] = f"127.0.0.1:{port}"
                command = [sys.executable, "-P", "-m", name, "worker"]
                started.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
            yield
        finally:
            for process in started:
                process.kill()
                process.wait()
