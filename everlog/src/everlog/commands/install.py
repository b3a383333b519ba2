"""`everlog install`: fetch what is fetched once, without starting anything."""

from __future__ import annotations

import os

from embedded.toolchain import ALL, require
from everlog.home import Home
from everlog.lifecycle import install_all
from everlog.output import Json, reporting


def install(json: Json = False) -> None:
    """Fetch the servers and the web assets; `up` does it too. Again: no harm."""
    with reporting(json) as report:
        require(ALL)
        install_all(Home.of(os.environ), report.say)
        report.show({"installed": True}, "Everything is installed.")
