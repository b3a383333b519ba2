"""Moments as operators and analysts write them: a day, or RFC 3339 with an offset. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from embedded.errors import Trouble

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NEXT = timedelta(microseconds=1)


def beginning(text: str) -> datetime:
    """The first moment that counts: of a day its beginning (UTC)."""
    moment, _ = _moment(text)
    return moment


def end(text: str) -> datetime:
    """The first moment that does not count any more: a day counts as a whole, a moment itself."""
    moment, is_day = _moment(text)
    return moment + (timedelta(days=1) if is_day else _NEXT)


def _moment(text: str) -> tuple[datetime, bool]:
    is_day = _DAY.fullmatch(text.strip()) is not None
    try:
        moment = datetime.fromisoformat(text.strip())
        if not is_day and moment.tzinfo is None:
            raise ValueError("without an offset from UTC")
    except ValueError as error:
        raise Trouble(
            f"{text!r} is no time that can be read.",
            "Write a day (2017-03-31) or a moment with its offset (2017-03-31T12:00:00Z).",
            str(error),
        ) from error
    return moment.replace(tzinfo=UTC) if is_day else moment.astimezone(UTC), is_day
