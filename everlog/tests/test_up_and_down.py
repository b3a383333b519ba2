"""`everlog up`, `status`, `logs` and `down` on a home of their own, beside whatever else runs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded.ports import free_base, free_ports
from everlog import pids
from everlog.home import PORTS, Home
from everlog.lifecycle import take_down

OURS = ("EVERLOG_POSTGRES", "EVERLOG_KAFKA", "EVERLOG_SMTP", "EVERLOG_HOME", "EVERLOG_PORT")


class Copy:
    """One copy of Everlog, driven through its command."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        environ = {name: value for name, value in os.environ.items() if name not in OURS}
        own = {"EVERLOG_HOME": str(home), "EVERLOG_PORT": str(port), "EVERLOG_SAMPLE": "none"}
        self.environ = {**environ, **own}

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "everlog", *arguments],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def ask(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def process(self, name: str) -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = (each for each in self.ask("status")["processes"] if each["name"] == name)
        return found


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    copy = Copy(tmp_path / "home", free_base(PORTS))
    yield copy
    take_down(Home.of(copy.environ))


@pytest.mark.e2e
def test_up_again_and_after_a_crash_and_down(copy: Copy) -> None:
    first = copy.run("up")
    assert first.returncode == 0, first.stderr
    assert f"http://127.0.0.1:{copy.environ['EVERLOG_PORT']}" in first.stdout
    password = Home.of(copy.environ).credentials().password
    assert password in first.stdout

    again = copy.run("up")
    assert again.returncode == 0
    assert password not in again.stdout

    status = copy.ask("status")
    assert status["ready"] is True
    assert {"supervisor", "postgres", "kafka", "mailbox", "setup"} <= {
        each["name"] for each in status["processes"]
    }

    os.kill(copy.process("postgres")["pid"], signal.SIGKILL)
    end = time.monotonic() + 30
    while copy.process("postgres")["restarts"] != 1 or not copy.process("postgres")["ready"]:
        assert time.monotonic() < end

    assert "ready to accept connections" in "\n".join(copy.ask("logs", "postgres")["postgres"])

    pids_before = [each["pid"] for each in copy.ask("status")["processes"] if each["pid"]]
    down = copy.run("down", "--json")
    assert {"supervisor", "postgres", "kafka"} <= set(json.loads(down.stdout)["stopped"])
    assert not [pid for pid in pids_before if _lives(pid)]
    assert copy.run("status").returncode == 1
    assert copy.run("down").returncode == 0


def _lives(pid: int) -> bool:
    try:
        return pids.is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def test_a_port_taken_by_another_program_is_named_with_what_to_change(copy: Copy) -> None:
    port = int(copy.environ["EVERLOG_PORT"]) + 20
    with socket.create_server(("127.0.0.1", port)):
        answer = copy.run("up")
    assert answer.returncode == 1
    assert f"{port} (for postgres)" in answer.stderr
    assert "EVERLOG_PORT=" in answer.stderr
    assert not list((copy.home / "run").glob("*.pid"))


def test_up_without_the_master_key_of_its_data_starts_nothing(copy: Copy) -> None:
    Home.of(copy.environ).ensure()
    (copy.home / "secrets" / "master.key").unlink()
    for command in ("up", "setup", "supervise"):
        answer = copy.run(command)
        assert answer.returncode == 1
        said = answer.stdout + answer.stderr  # the supervisor's log is its output
        assert "master.key is missing" in said
        assert "from your copy" in said
    assert not list((copy.home / "run").glob("*.pid"))
    assert copy.run("down").returncode == 0


def test_up_with_servers_that_do_not_answer_fails_with_the_end_of_the_log(copy: Copy) -> None:
    postgres, kafka = free_ports(2)
    answer = copy.run(
        "up",
        "--json",
        EVERLOG_POSTGRES=f"postgresql://postgres:x@127.0.0.1:{postgres}/postgres",
        EVERLOG_KAFKA=f"127.0.0.1:{kafka}",
    )
    problem = json.loads(answer.stdout)
    assert answer.returncode == 1
    assert "setup does not stay up" in problem["error"]
    assert f"PostgreSQL does not answer at 127.0.0.1:{postgres}" in problem["detail"]
    assert not [path for path in (copy.home / "run").glob("*.pid") if pids.read(path)]


def test_what_does_not_run_has_no_status_and_can_be_stopped(copy: Copy) -> None:
    status = copy.run("status", "--json")
    assert status.returncode == 1
    assert json.loads(status.stdout)["running"] is False
    down = copy.run("down", "--json")
    assert down.returncode == 0
    assert json.loads(down.stdout)["stopped"] == []


def test_the_log_of_nobody_is_refused_with_the_names_there_are(copy: Copy) -> None:
    answer = copy.run("logs", "nobody", "--json")
    assert answer.returncode == 1
    assert "nobody" in json.loads(answer.stdout)["error"]


def test_a_port_that_is_none_is_refused_as_json_too(copy: Copy) -> None:
    answer = copy.run("up", "--json", EVERLOG_PORT="web")
    assert answer.returncode == 1
    assert "EVERLOG_PORT is 'web'" in json.loads(answer.stdout)["error"]
