"""`everlog up`: install, start, wait, say where to sign in."""

from __future__ import annotations

import os

from embedded.errors import Trouble
from everlog import sampling
from everlog.home import Home
from everlog.lifecycle import Up, bring_up
from everlog.output import Json, reporting
from everlog.status import current_home


def up(json: Json = False) -> None:
    """Start Kafka, PostgreSQL and every service; print where to sign in. Again: no harm."""
    with reporting(json) as report:
        home = _home()
        with report.waiting("Starting Everlog"):
            done = bring_up(home, report.say)
        report.show(_as_json(home, done), *_as_text(home, done))


def _home() -> Home:
    home = current_home(os.environ)
    asked = os.environ.get("EVERLOG_PORT")
    if asked and asked != str(home.port):
        raise Trouble(
            f"{home.path} runs already, on port {home.port} and not on {asked}.",
            "Stop it first (make down), or set another EVERLOG_HOME for a second copy.",
        )
    return home


def _as_json(home: Home, done: Up) -> dict[str, object]:
    credentials = home.credentials()
    return {
        "url": home.url,
        "email": credentials.email,
        "credentials": str(home.credentials_file),
        "home": str(home.path),
        "started": done.started,
        "seconds": done.seconds,
        "processes": [each.name for each in done.status.processes],
    }


def _as_text(home: Home, done: Up) -> list[str]:
    credentials = home.credentials()
    lines = [
        "",
        f"Everlog {'is ready' if done.started else 'runs'}: [bold]{home.url}[/]",
        f"Sign in as [bold]{credentials.email}[/]",
    ]
    if done.password_is_new:
        lines.append(f"Password   [bold]{credentials.password}[/]  (shown once)")
    lines.append(f"The password is kept in {home.credentials_file}")
    late = [each.name for each in done.status.processes if not each.ready]
    if sampling.NAME in late:
        late.remove(sampling.NAME)
        lines.append("A sample bookshop moves in meanwhile, within a minute (see: make status)")
    if late:
        lines.append(f"Still starting: {', '.join(late)} (see: make status)")
    return lines
