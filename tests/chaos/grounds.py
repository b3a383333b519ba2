"""Where services are hurt: servers of their own under the real supervisor, each on a small disk."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from embedded import kafka, postgres
from everlog import pids
from everlog.home import CHECKOUT, KAFKA_OFFSET, POSTGRES_OFFSET, Home
from everlog.testing import environ_of

_READY_WITHIN_S = 60.0
_SIZES_MB = {"postgres": 400, "kafka": 200}
"""More than an empty server takes, by far; what is left over a test fills."""


class Disk:
    """A file system of a server's own. `fill` leaves no room for a byte."""

    def __init__(self, path: Path) -> None:
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Take all that is left."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)


@dataclass
class Grounds:
    """The servers. `disks`: by the server's name; none where mounting is not allowed."""

    home: Home
    disks: Mapping[str, Disk] = field(default_factory=dict)

    def process(self, name: str) -> psutil.Process | None:
        """A server's process, if it lives."""
        return pids.read(self.home.run / f"{name}.pid")

    def answers(self, name: str) -> bool:
        """Whether a server does."""
        offset, asked = {
            "kafka": (KAFKA_OFFSET, kafka.answers),
            "postgres": (POSTGRES_OFFSET, postgres.answers),
        }[name]
        return asked(self.home.port + offset)

    def log(self, name: str) -> str:
        """What a server has said so far."""
        return self.home.log(name).read_text(errors="replace")


def eventually(holds: Callable[[], bool], limit_s: float = _READY_WITHIN_S) -> bool:
    """Whether it holds in time."""
    end = time.monotonic() + limit_s
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


@contextlib.contextmanager
def grounds(path: Path) -> Iterator[Grounds]:
    """The servers, ready; stopped at the end."""
    home = Home.of({**environ_of(path), "EVERLOG_POSTGRES": "", "EVERLOG_KAFKA": ""})
    home.ensure()
    with _small_disks(home) as disks, (path / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.watching"],
            cwd=CHECKOUT,
            env=dict(home.environ),
            stdout=log,
            stderr=log,
        )
        made = Grounds(home, disks)
        try:
            assert eventually(lambda: made.answers("kafka") and made.answers("postgres")), (
                path / "supervisor.log"
            ).read_text()
            yield made
        finally:
            supervisor.terminate()
            try:
                supervisor.wait(50)
            except subprocess.TimeoutExpired:
                supervisor.kill()
                supervisor.wait()


@contextlib.contextmanager
def _small_disks(home: Home) -> Iterator[dict[str, Disk]]:
    with contextlib.ExitStack() as mounted:
        disks = {}
        for name, size in _SIZES_MB.items():
            path = home.path / name
            if not _mount(path, size):
                break
            mounted.callback(subprocess.run, ["umount", "--lazy", str(path)], check=True)
            disks[name] = Disk(path)
        yield disks if len(disks) == len(_SIZES_MB) else {}


def _mount(path: Path, size_mb: int) -> bool:
    options = f"size={size_mb}m,mode=755"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(path)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
