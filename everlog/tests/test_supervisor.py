"""The supervisor, over real processes: order, restarts, and no orphan whatever is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from everlog import pids

SERVICE = "echo {0} up >> order; trap 'echo {0} down >> order; exit' TERM; "
SERVICE += "while :; do sleep 0.05; done"
SERVER = "touch {0}.ready; " + SERVICE


def eventually(holds: Callable[[], bool], limit_s: float = 15) -> bool:
    end = time.monotonic() + limit_s
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.03)
    return held


class Platform:
    """A running supervisor and a look at what it does."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **commands: tuple[int, str]) -> None:
        env = {
            **os.environ,
            "EVERLOG_HOME": str(self.home),
            "EVERLOG_TEST_COMMANDS": json.dumps(commands),
        }
        script = Path(__file__).with_name("watched_sleepers.py")
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, script], env=env, stderr=log)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def seen(self, name: str) -> dict[str, Any]:
        try:
            status = json.loads((self.home / "run" / "status.json").read_text())
        except FileNotFoundError:
            return {"state": "", "restarts": 0, "pid": None}
        found: dict[str, Any] = next(p for p in status["processes"] if p["name"] == name)
        return found

    def is_running(self, name: str) -> bool:
        return eventually(lambda: self.seen(name)["state"] == "running")

    def has_been_restarted(self, name: str) -> bool:
        return int(self.seen(name)["restarts"]) == 1

    def pid(self, name: str) -> int:
        assert self.is_running(name)
        return int(self.seen(name)["pid"])

    def order(self) -> list[str]:
        order = self.home / "order"
        return order.read_text().splitlines() if order.exists() else []


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    yield platform
    if platform.process is not None:
        platform.process.kill()
        platform.process.wait()
    pids.end_leftovers(tmp_path / "run", grace_s=0.2)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_servers_come_before_setup_and_setup_before_services_and_all_stop_in_reverse(
    platform: Platform,
) -> None:
    platform.start(
        database=(0, "sleep 0.3; " + SERVER.format("database")),
        setup=(0, "echo setup >> order"),
        contacts=(1, SERVICE.format("contacts")),
        gateway=(2, "sleep 0.2; " + SERVICE.format("gateway")),
    )
    assert eventually(lambda: "gateway up" in platform.order())
    assert platform.end() == 0
    assert platform.order() == [
        "database up",
        "setup",
        "contacts up",
        "gateway up",
        "gateway down",
        "contacts down",
        "database down",
    ]
    assert not list((platform.home / "run").glob("*.pid"))


def test_a_process_that_is_killed_comes_back(platform: Platform) -> None:
    platform.start(
        database=(0, SERVER.format("database")), contacts=(1, SERVICE.format("contacts"))
    )
    for name in ("contacts", "database"):
        before = platform.pid(name)
        os.kill(before, signal.SIGKILL)
        assert eventually(partial(platform.has_been_restarted, name))
        assert platform.pid(name) != before
        assert platform.seen(name)["last_exit"] == -signal.SIGKILL


def test_a_process_that_keeps_crashing_is_tried_again_ever_more_slowly(platform: Platform) -> None:
    platform.start(contacts=(1, "date +%s.%N >> starts; exit 3"))
    starts = platform.home / "starts"
    assert eventually(lambda: starts.exists() and len(starts.read_text().split()) >= 4)
    at = [float(text) for text in starts.read_text().split()]
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert waits[0] >= 0.2
    assert waits[1] >= 0.4
    assert waits[2] >= 0.8
    assert platform.seen("contacts")["last_exit"] == 3


def test_services_wait_for_a_setup_that_fails_at_first(platform: Platform) -> None:
    platform.start(
        setup=(0, "echo setup >> order; [ $(wc -l < order) -ge 2 ]"),
        contacts=(1, SERVICE.format("contacts")),
    )
    assert platform.is_running("contacts")
    assert eventually(lambda: platform.order() == ["setup", "setup", "contacts up"])


def test_what_is_done_once_beside_the_rest_comes_last_and_again_until_it_is_done(
    platform: Platform,
) -> None:
    platform.start(
        sample=(2, "echo sample >> order; [ $(grep -c sample order) -ge 2 ]"),
        database=(0, "sleep 0.3; " + SERVER.format("database")),
        gateway=(2, SERVICE.format("gateway")),
    )
    assert eventually(lambda: platform.seen("sample")["state"] == "done")
    assert not platform.seen("sample")["essential"]
    assert platform.order()[0] == "database up"
    assert platform.order().count("sample") == 2
    os.kill(platform.pid("gateway"), signal.SIGKILL)
    assert eventually(partial(platform.has_been_restarted, "gateway"))
    assert platform.end() == 0
    assert platform.order().count("sample") == 2


def test_no_child_outlives_a_supervisor_that_is_killed(platform: Platform) -> None:
    platform.start(
        database=(0, SERVER.format("database")), contacts=(1, SERVICE.format("contacts"))
    )
    children = [platform.pid("database"), platform.pid("contacts")]
    platform.end(signal.SIGKILL)
    if sys.platform != "linux":
        pids.end_leftovers(platform.home / "run")
    assert eventually(lambda: all(gone(pid) for pid in children))


def test_children_of_a_process_end_with_it(platform: Platform) -> None:
    platform.start(contacts=(1, "sleep 300 & echo $! > child; exec sleep 300"))
    leader = platform.pid("contacts")
    assert eventually(lambda: (platform.home / "child").exists())
    child = int((platform.home / "child").read_text())
    os.kill(leader, signal.SIGKILL)
    assert eventually(lambda: gone(child))


def test_a_process_that_cannot_be_started_says_why_and_is_tried_again(platform: Platform) -> None:
    program = platform.home / "late"
    platform.start(contacts=(1, str(program)))
    assert eventually(lambda: platform.seen("contacts")["restarts"] >= 1)
    assert "cannot be started" in (platform.home / "logs" / "contacts.log").read_text()
    program.write_text("#!/bin/sh\nexec sleep 300\n")
    program.chmod(0o755)
    assert platform.is_running("contacts")


class Disk:
    """The file system of a home. `fill` leaves no room for a byte."""

    def __init__(self, home: Path) -> None:
        self._ballast = home / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def free(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk of its own, mounted over the home."""
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield Disk(tmp_path)
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


SLEEPER = (1, "sleep 3131 & wait")  # it writes nothing itself


def killed_and_back(platform: Platform, spoil: Callable[[], object]) -> int:
    """Kill a process while nothing can be written; the pid of the one that came in its place."""
    before = platform.pid("contacts")
    spoil()
    os.kill(before, signal.SIGKILL)
    assert platform.process is not None
    supervisor = psutil.Process(platform.process.pid)

    def others() -> list[int]:
        return [each.pid for each in supervisor.children() if each.pid != before]

    assert eventually(lambda: len(others()) == 1)
    time.sleep(0.5)
    (after,) = others()
    assert platform.process.poll() is None, "the watch goes on"
    assert platform.seen("contacts")["pid"] != after, "it could not be written down"
    return after


def says_once(platform: Platform, text: str) -> bool:
    return (platform.home / "log").read_text().count(text) == 1


def told_once(platform: Platform, pid: int, *names: str) -> None:
    """What could not be written is written now, and the log says so once."""
    assert eventually(lambda: bool(platform.seen("contacts")["pid"] == pid))
    noted = platform.home / "run" / "contacts.pid"
    assert eventually(lambda: pids.read(noted) == psutil.Process(pid))
    for name in names:
        assert eventually(partial(says_once, platform, f"{name} can be written again; it could"))
    assert platform.end() == 0


def test_a_full_disk_does_not_end_the_watch(disk: Disk, platform: Platform) -> None:
    platform.start(contacts=SLEEPER)
    pid = killed_and_back(platform, disk.fill)
    disk.free()
    told_once(platform, pid, "status.json")


@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="limits are set from here")
def test_files_that_cannot_grow_do_not_end_the_watch(platform: Platform) -> None:
    platform.start(contacts=SLEEPER)
    assert platform.process is not None
    supervisor = psutil.Process(platform.process.pid)
    soft, hard = supervisor.rlimit(psutil.RLIMIT_FSIZE)
    pid = killed_and_back(platform, lambda: supervisor.rlimit(psutil.RLIMIT_FSIZE, (0, hard)))
    supervisor.rlimit(psutil.RLIMIT_FSIZE, (soft, hard))
    told_once(platform, pid, "status.json", "contacts.pid")


def test_a_home_has_one_supervisor(platform: Platform) -> None:
    platform.start(contacts=(1, SERVICE.format("contacts")))
    first = platform.process
    assert platform.is_running("contacts")
    platform.start(contacts=(1, SERVICE.format("contacts")))
    assert platform.process is not None
    assert platform.process.wait(15) != 0
    assert "has a supervisor already" in (platform.home / "log").read_text()
    platform.process = first
    assert platform.order().count("contacts up") == 1
