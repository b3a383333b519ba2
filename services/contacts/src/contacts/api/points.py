"""Places on the two time axes, as requests name them: `as_of` and `known_at`."""

from __future__ import annotations

from dataclasses import dataclass
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
    """The moment that is named; a day means its last moment (UTC). Raises BadInput."""
    if not text:
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


def since(text: str | None, name: str) -> datetime | None:
    """The moment from which on; a day means its first moment (UTC). Raises BadInput."""
    moment = point(text, name)
    if moment is not None and text and len(text) == len("2026-03-30"):
        return moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return moment


From = Annotated[
    str | None,
    Query(alias="from", description="From then on: a time (RFC 3339), or a day, from its start."),
]
To = Annotated[str | None, Query(description="Until then: a time, or a day, to its end.")]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time; None: without an end on that side."""

    since: datetime | None
    until: datetime | None


def span(earlier: From = None, to: To = None) -> Span:
    """A dependency: the time that is asked for. Raises BadInput."""
    begins, ends = since(earlier, "from"), point(to, "to")
    if begins is not None and ends is not None and ends < begins:
        raise BadInput("from lies after to. Exchange them.", field="from")
    return Span(begins, ends)
