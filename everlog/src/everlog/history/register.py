"""The register of exports: who took what out of the log, when, and how much of it.

$EVERLOG_HOME/exports.jsonl, for the owner's eyes only. Every export and every replay writes a line
before it begins and one when it has ended; one without an end was broken off.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chassis.clock import SystemClock
from chassis.ids import new_id
from embedded.errors import Trouble
from everlog.home import Home

NAME = "exports.jsonl"


class Entry:
    """One export in the register; what is known in the end is added to `found`."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}


@contextmanager
def registered(home: Home, what: str, **asked: Any) -> Iterator[Entry]:
    """Note an export before it begins and how it ended. Raises Trouble if it cannot be noted."""
    entry, id_ = Entry(), str(new_id())
    begun = {"id": id_, "what": what, "by": who(home.environ), **asked}
    _note(home, {**begun, "status": "begun"})
    try:
        yield entry
    except BaseException as error:
        _note(home, {"id": id_, "status": "failed", "error": _reason(error)})
        raise
    _note(home, {"id": id_, "status": "done", **entry.found})


def who(environ: Any) -> str:
    """The account and the machine: `ada@crm-1`, with whoever became root in front."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers may have
        account = f"uid {os.getuid()}"
    before = environ.get("SUDO_USER")
    account = f"{before} as {account}" if before and before != account else account
    return f"{account}@{socket.gethostname()}"


def _reason(error: BaseException) -> str:
    return error.what if isinstance(error, Trouble) else type(error).__name__


def _note(home: Home, line: dict[str, Any]) -> None:
    """Append a line, durably, in one write."""
    at = SystemClock().now().isoformat()
    text = json.dumps({"at": at, **line}, default=str) + "\n"
    path = home.path / NAME
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, text.encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise Trouble(
            f"The export cannot be noted in {path}: {error}",
            "Nothing is exported without a note. EVERLOG_HOME has to name a copy you may write to.",
        ) from error


def entries(home: Home) -> list[dict[str, Any]]:
    """All exports, the oldest first: begin and end put together."""
    found: dict[str, dict[str, Any]] = {}
    path: Path = home.path / NAME
    if not path.exists():
        return []
    for text in path.read_text().splitlines():
        line = json.loads(text)
        if line["status"] != "begun":
            line["ended_at"] = line.pop("at")
        found.setdefault(line["id"], {}).update(line)
    return list(found.values())
