"""`everlog down`: stop everything."""

from __future__ import annotations

import os

from everlog.lifecycle import take_down
from everlog.output import Json, reporting
from everlog.status import current_home


def down(json: Json = False) -> None:
    """Stop every process of this copy; its data stays."""
    with reporting(json) as report:
        home = current_home(os.environ)
        with report.waiting("Stopping Everlog"):
            stopped = take_down(home)
        text = f"Stopped: {', '.join(stopped)}" if stopped else "Everlog was not running."
        report.show({"stopped": stopped, "home": str(home.path)}, text)
