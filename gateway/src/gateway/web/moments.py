"""The moments at which a record changed: where its time machine can stop. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.web import formatting
from gateway.web.sentences import HistoryRow, history_rows

_TOLD_MOST = 2


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: as the API takes it, as people read it, and what happened."""

    at: str
    when: str
    said: str


def moments(items: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> list[Moment]:
    """The moments of a history, the earliest first; what happened at once is one moment."""
    at_once: dict[datetime, list[HistoryRow]] = {}
    for row in reversed(history_rows(items)):
        time = formatting.parse_time(row.at)
        if time is not None:
            at_once.setdefault(time, []).append(row)
    return [
        Moment(rows[0].at, formatting.moment(rows[0].at, zone), _told(rows))
        for _, rows in sorted(at_once.items(), key=lambda each: each[0])
    ]


def _told(rows: Sequence[HistoryRow]) -> str:
    told = list(dict.fromkeys(row.text or row.said.text for row in rows))
    more = len(told) - _TOLD_MOST
    text = ", ".join(told[:_TOLD_MOST]) + (f" and {more} more" if more > 0 else "")
    who = rows[0].who
    if not who:
        return text
    return f"{who} {text}" if rows[0].text else f"{text} by {who}"


def place(known: Sequence[Moment], as_of: str) -> int:
    """Where a point stands among them: the last moment up to it; after all of them is now."""
    if not as_of:
        return len(known)
    passed = [n for n, each in enumerate(known) if happened_by(as_of, each.at)]
    return passed[-1] if passed else 0


def happened_by(as_of: str | None, at: str) -> bool:
    """Whether something had happened by a point: a time, or a day, to its end; none is now."""
    happened = formatting.parse_time(at)
    if not as_of or happened is None:
        return True
    then = formatting.parse_time(as_of)
    if len(as_of) == formatting.A_DAY and then is not None:
        then += timedelta(days=1)
    return then is None or happened <= then
