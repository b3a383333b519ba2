"""The servers alone under the real supervisor: `EVERLOG_HOME=… python -m tests.chaos.watching`."""

from __future__ import annotations

import os

from chassis import logs
from embedded.download import fetch
from embedded.kafka import make_archive
from everlog.home import Home
from everlog.services import Stage, members
from everlog.supervisor import Supervisor, alone


def main() -> None:
    """Watch until asked to stop."""
    logs.configure("supervisor")
    home = Home.of(os.environ)
    home.ensure()
    servers = fetch(print)
    make_archive(servers, print)
    watched = [each for each in members(home, servers) if each.stage is Stage.SERVERS]
    with alone(home):
        Supervisor(home, watched, None).run()


if __name__ == "__main__":
    main()
