"""The sample workspace, loaded once beside everything else: nobody waits for it to sign in.

The supervisor runs this on the first start alone. Ended half-way it is begun again for the same
day, since what it asks for is done once.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import date

from chassis import logs as json_logs
from chassis.clock import SystemClock
from embedded.errors import Trouble
from embedded.launch import Launch
from everlog.home import Home
from everlog.services import is_installed, programs
from everlog.status import look

NAME = "sample"
_POLL_S = 0.2

_log = logging.getLogger("everlog.sample")


def sample_of(home: Home) -> Launch | None:
    """How to load it; None if that was done before, or is not wanted."""
    if not is_due(home) or all(program.name != "gateway" for program in programs(home)):
        return None
    env = {**home.environ, "EVERLOG_HOME": str(home.path), "EVERLOG_PORT": str(home.port)}
    argv = (sys.executable, "-P", "-m", "everlog", NAME)
    return Launch(NAME, argv, env, home.path, home.log(NAME))


def is_due(home: Home) -> bool:
    """Whether it is wanted and not there yet. That it is not wanted is kept, too."""
    marker = home.path / NAME
    if marker.exists():
        return False
    if home.environ.get("EVERLOG_SAMPLE") == "none":
        marker.write_text("none\n")  # later it would land among real customers
        return False
    return is_installed("everlog.sample")


def load(home: Home, url: str, say: Callable[[str], None]) -> None:
    """Load it through the gateway at this address. Raises Trouble."""
    begun = home.path / "sample.begun"
    if not begun.exists():
        begun.write_text(f"{SystemClock().now().date()}\n")
    day = date.fromisoformat(begun.read_text().strip())
    credentials = home.credentials()
    sample = importlib.import_module("everlog.sample")
    sample.load(url, credentials.email, credentials.password, say, day)
    (home.path / NAME).write_text("loaded\n")
    begun.unlink()


def main() -> int:
    """`python -m everlog sample`: wait until people can work, then load it."""
    json_logs.configure(NAME)
    home = Home.of(os.environ)
    while not look(home, measure=False).ready:
        time.sleep(_POLL_S)
    try:
        load(home, home.url, _say)
    except Trouble as trouble:
        _log.error("%s %s %s", trouble.what, trouble.advice, trouble.detail)
        return 1
    _say("The sample workspace is loaded")
    return 0


def _say(text: str) -> None:
    _log.info("%s", text.strip())
