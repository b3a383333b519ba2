"""Loads the sample workspace into a fresh installation, once, as `everlog up` does."""

from __future__ import annotations

import os
import sys

from everlog import sampling
from everlog.home import Home


def gateway_of(home: Home) -> str:
    """Where the gateway answers inside the composition: under its name, on EVERLOG_PORT."""
    return f"http://gateway:{home.port}"


def main() -> int:
    """Load it unless that was done before, or EVERLOG_SAMPLE=none."""
    home = Home.of(os.environ)
    if sampling.is_due(home):
        sampling.load(home, gateway_of(home), _say)
        _say("The sample workspace is loaded")
    else:
        said = (home.path / sampling.NAME).read_text().strip()
        _say(f"Nothing to do: the sample workspace is marked as {said}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
