"""The sample workspace, loaded once beside everything else: nobody waits for it to sign in.

The supervisor runs this on the first start alone; ended half-way it goes on, since whatever it asks
for it asks for under the same keys.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import time

from chassis import logs as json_logs
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
    marker = home.path / NAME
    if marker.exists():
        return None
    if home.environ.get("EVERLOG_SAMPLE") == "none":
        marker.write_text("none\n")  # later it would land among real customers
        return None
    if not is_installed("everlog.sample") or all(p.name != "gateway" for p in programs(home)):
        return None
    env = {**home.environ, "EVERLOG_HOME": str(home.path), "EVERLOG_PORT": str(home.port)}
    argv = (sys.executable, "-P", "-m", "everlog", NAME)
    return Launch(NAME, argv, env, home.path, home.log(NAME))


def main() -> int:
    """`python -m everlog sample`: wait until people can work, then load it."""
    json_logs.configure(NAME)
    home = Home.of(os.environ)
    while not look(home, measure=False).ready:
        time.sleep(_POLL_S)
    credentials = home.credentials()
    try:
        sample = importlib.import_module("everlog.sample")
        sample.load(home.url, credentials.email, credentials.password, _say)
    except Trouble as trouble:
        _log.error("%s %s %s", trouble.what, trouble.advice, trouble.detail)
        return 1
    (home.path / NAME).write_text("loaded\n")
    _say("The sample workspace is loaded")
    return 0


def _say(text: str) -> None:
    _log.info("%s", text.strip())
