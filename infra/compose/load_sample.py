"""Loads the sample workspace into a fresh installation, once, as `everlog up` does."""

from __future__ import annotations

import importlib
import os
import sys

from everlog.home import Home
from everlog.services import is_installed


def gateway_of(home: Home) -> str:
    """Where the gateway answers inside the composition: under its name, on EVERLOG_PORT."""
    return f"http://gateway:{home.port}"


def main() -> int:
    """Load it unless that was done before, or EVERLOG_SAMPLE=none."""
    home = Home.of(os.environ)
    marker = home.path / "sample"
    if marker.exists():
        _say(f"Nothing to do: the sample workspace is marked as {marker.read_text().strip()}")
    elif home.environ.get("EVERLOG_SAMPLE") == "none":
        # Marked as well: later it would land among real customers.
        marker.write_text("none\n")
        _say("EVERLOG_SAMPLE=none: the workspace stays empty")
    elif is_installed("everlog.sample"):
        credentials = home.credentials()
        sample = importlib.import_module("everlog.sample")
        sample.load(gateway_of(home), credentials.email, credentials.password, _say)
        marker.write_text("loaded\n")
        _say("The sample workspace is loaded")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
