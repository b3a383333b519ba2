"""Pid files: a process is known by its number and the moment it was started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from everlog import pids


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "300"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_process_that_was_noted_is_found(tmp_path: Path) -> None:
    pids.write(tmp_path / "us.pid", os.getpid())
    found = pids.read(tmp_path / "us.pid")
    assert found is not None
    assert found.pid == os.getpid()


def test_a_later_process_with_the_same_number_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "us.pid").write_text(f"{os.getpid()} 1000.0\n")
    assert pids.read(tmp_path / "us.pid") is None


@pytest.mark.parametrize("content", ["", "garbage", "12345678 1.0", "1"])
def test_a_pid_file_that_says_nothing_names_nobody(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.pid").write_text(content)
    assert pids.read(tmp_path / "x.pid") is None
    assert pids.read(tmp_path / "none.pid") is None


def test_what_an_earlier_run_left_is_ended_and_forgotten(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    pids.write(tmp_path / "contacts.pid", sleeper.pid)
    (tmp_path / "kafka.pid").write_text("12345678 1.0\n")
    assert pids.end_leftovers(tmp_path) == ["contacts"]
    assert sleeper.wait(5) == -signal.SIGTERM
    assert not list(tmp_path.iterdir())


def test_another_process_with_a_reused_number_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    (tmp_path / "contacts.pid").write_text(f"{sleeper.pid} 1000.0\n")
    assert pids.end_leftovers(tmp_path) == []
    assert sleeper.poll() is None


def test_who_does_not_end_when_asked_is_ended(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["bash", "-c", "trap '' TERM; echo; while :; do sleep 0.05; done"],
        start_new_session=True,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    pids.write(tmp_path / "deaf.pid", process.pid)
    assert pids.end_leftovers(tmp_path, grace_s=0.3) == ["deaf"]
    assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()
