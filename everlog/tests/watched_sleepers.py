"""A platform of harmless processes, for the supervisor's tests: `python watched_sleepers.py`.

It runs the real supervisor over shell commands. EVERLOG_TEST_COMMANDS is a JSON object of
name → [stage, command].
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

from embedded.launch import Launch
from everlog.home import Home
from everlog.services import Member, Stage
from everlog.supervisor import Supervisor, alone


class Command:
    """A shell command as a server that is ready once it has made a file `<name>.ready`."""

    def __init__(self, home: Home, name: str, command: str) -> None:
        self.name = name
        self._home = home
        self._command = command

    def prepare(self) -> None:
        (self._home.path / f"{self.name}.ready").unlink(missing_ok=True)

    def launch(self, log: Path) -> Launch:
        argv = (self._command,) if self._command[0] == "/" else ("bash", "-c", self._command)
        return Launch(self.name, argv, dict(os.environ), self._home.path, log)

    def is_ready(self) -> bool:
        return (self._home.path / f"{self.name}.ready").exists()


def main() -> None:
    """Run until asked to stop."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    home = Home.of(os.environ)
    home.ensure()
    commands = json.loads(os.environ["EVERLOG_TEST_COMMANDS"])
    once = {
        name: Launch(
            name, ("bash", "-c", commands.pop(name)[1]), dict(os.environ), home.path, home.log(name)
        )
        for name in ("setup", "sample")
        if name in commands
    }
    if "setup" not in once:
        once["setup"] = Launch("setup", ("true",), {}, home.path, home.log("setup"))
    members = [
        Member(Command(home, name, command), Stage(stage), 1, essential=True, speaks="smtp")
        for name, (stage, command) in commands.items()
    ]
    with alone(home):
        Supervisor(home, members, once["setup"], once.get("sample")).run()


if __name__ == "__main__":
    main()
