"""Log files: kept small, read from their ends, followed, searched for a trace."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_BYTES_MAX = 10 << 20
_TRACE = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-.*)?")


def rotate(log: Path, bytes_max: int = _BYTES_MAX) -> None:
    """Move what was written to `<log>.1` once it is too much.

    Copied and emptied, not renamed: the process that writes keeps its file open (for appending, so
    its next line lands at the new beginning). Raises OSError if there is no room for the copy; the
    log is whole then.
    """
    try:
        if log.stat().st_size <= bytes_max:
            return
    except FileNotFoundError:
        return
    copy = log.with_suffix(log.suffix + ".1")
    try:
        shutil.copyfile(log, copy)
    except OSError:
        copy.unlink(missing_ok=True)
        raise
    os.truncate(log, 0)


class Follower:
    """Reads what is added to a log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size if log.exists() else 0
        self._rest = b""

    def new_lines(self) -> Iterator[str]:
        """The lines completed since the last call."""
        try:
            size = self._log.stat().st_size
        except FileNotFoundError:
            return
        if size < self._at:  # rotated
            self._at, self._rest = 0, b""
        with self._log.open("rb") as file:
            file.seek(self._at)
            added = file.read()
        self._at += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")


def trace_in(text: str) -> str | None:
    """The trace that a trace id, a `traceparent` or a `traceresponse` names; None if it is none."""
    found = _TRACE.fullmatch(text.strip().lower())
    return found[1] if found else None


def of_trace(logs: Mapping[str, Path], trace: str) -> list[dict[str, Any]]:
    """What all processes said within a trace, in order, each line with its `process`."""
    found = []
    for process, log in logs.items():
        for path in (log.with_suffix(log.suffix + ".1"), log):
            if path.exists():
                with path.open(errors="replace") as lines:
                    found += [_line(process, line) for line in lines if trace in line]
    told = [line for line in found if line.get("trace_id") == trace]
    return sorted(told, key=lambda line: str(line.get("timestamp")))


def _line(process: str, text: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return {"process": process, **said} if isinstance(said, dict) else {}
