"""What is up, by what the supervisor wrote down."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from everlog import pids
from everlog.home import Home
from everlog.status import look


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose supervisor is this process."""
    home = Home.of({"EVERLOG_HOME": str(tmp_path / "home")})
    home.ensure()
    pids.write(home.run / "supervisor.pid", os.getpid())
    return home


def write(home: Home, *states: str) -> None:
    """What a supervisor writes of processes without ports in these states."""
    rest: dict[str, Any] = {"pid": None, "port": None, "speaks": None, "since": 0.0}
    rest |= {"restarts": 0, "last_exit": None, "log": "", "essential": True}
    processes = [{"name": f"p{n}", "state": state, **rest} for n, state in enumerate(states)]
    told = {"pid": os.getpid(), "port": home.port, "processes": processes}
    (home.run / "status.json").write_text(json.dumps(told))


def test_a_supervisor_that_has_said_nothing_yet_is_not_ready(home: Home) -> None:
    status = look(home)
    assert (status.running, status.ready) == (True, False)


def test_what_another_supervisor_wrote_before_does_not_count(home: Home) -> None:
    write(home, "done")
    text = (home.run / "status.json").read_text()
    (home.run / "status.json").write_text(text.replace(str(os.getpid()), "1", 1))
    assert not look(home).ready


def test_it_is_ready_when_every_process_is(home: Home) -> None:
    write(home, "done", "waiting")
    assert not look(home).ready
    write(home, "done", "done")
    assert look(home).ready
