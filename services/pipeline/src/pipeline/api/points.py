"""Places on the two time axes, as requests name them: `as_of` and `known_at`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import Query

from chassis.errors import BadInput

AsOf = Annotated[
    str | None,
    Query(description="As things had happened by then: a time (RFC 3339), or a day, to its end."),
]
KnownAt = Annotated[
    str | None,
    Query(description="As far as it had been recorded by then: a time, or a day, to its end."),
]


def point(text: str | None, name: str) -> datetime | None:
    """The moment that is named; a day means its last moment (UTC)."""
    if text is None:
        return None
    try:
        if len(text) == len("2026-03-30"):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        # In a query string a plus that was not encoded arrives as a blank.
        moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError as error:
        raise BadInput(
            f"{name}={text} is no time. Write it like 2026-03-30 or 2026-03-30T14:00:00Z."
        ) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
