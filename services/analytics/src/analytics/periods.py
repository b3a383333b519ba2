"""Days, weeks, months, quarters and years: where they begin and end, what they are called. Pure.

Weeks begin on Monday (ISO 8601). Days are those of the reporting zone (UTC).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from chassis.errors import BadInput

PERIODS = ("day", "week", "month", "quarter", "year")
POINTS_MOST = 1_000
"""How many points of a period a series may have."""

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_END_OF_DAY = time(23, 59, 59, 999_999, tzinfo=UTC)


def begin_of(period: str, day: date) -> date:
    """The first day of the period a day lies in."""
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def next_begin(period: str, begin: date) -> date:
    """The first day of the period after the one that begins on a day."""
    if period in ("day", "week"):
        return begin + timedelta(days=1 if period == "day" else 7)
    month = begin.month - 1 + _MONTHS[period]
    return date(begin.year + month // 12, month % 12 + 1, 1)


def last_day(period: str, begin: date) -> date:
    """The last day of the period that begins on a day."""
    return next_begin(period, begin) - timedelta(days=1)


def begins(period: str, first: date, last: date) -> list[date]:
    """The beginnings of all periods from the one with `first` in it to the one with `last` in it.

    Raises BadInput if there are more than a series may have.
    """
    found = []
    for begin in _walk(period, first, last):
        found.append(begin)
        if len(found) > POINTS_MOST:
            raise BadInput(
                f"From {first} to {last} there are more than {POINTS_MOST} {period}s. Ask for "
                "fewer days with `from` and `to`, or group by a longer period."
            )
    return found


def _walk(period: str, first: date, last: date) -> Iterator[date]:
    begin = begin_of(period, first)
    while begin <= last:
        yield begin
        begin = next_begin(period, begin)


def key_of(period: str, begin: date) -> str:
    """How a period is written: 2017-03-05, 2017-W09, 2017-03, 2017-Q1, 2017."""
    if period == "day":
        return begin.isoformat()
    if period == "week":
        year, week, _ = begin.isocalendar()
        return f"{year}-W{week:02}"
    if period == "quarter":
        return f"{begin.year}-Q{(begin.month + 2) // 3}"
    return begin.strftime("%Y-%m") if period == "month" else str(begin.year)


def label_of(period: str, begin: date) -> str:
    """What a period is called: 5 Mar 2017, week 9 of 2017, Mar 2017, Q1 2017, 2017."""
    if period == "day":
        return f"{begin.day} {begin:%b %Y}"
    if period == "week":
        year, week, _ = begin.isocalendar()
        return f"week {week} of {year}"
    if period == "quarter":
        return f"Q{(begin.month + 2) // 3} {begin.year}"
    return f"{begin:%b %Y}" if period == "month" else str(begin.year)


def parse_day(text: str, name: str) -> date:
    """A day as `2017-03-05`. Raises BadInput."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"`{name}` must be a day like 2017-03-31, not {text!r}.") from error


def parse_moment(text: str, name: str) -> datetime:
    """A moment; a day alone means its end. Raises BadInput."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), _END_OF_DAY)
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"`{name}` must be a day like 2017-03-31 (its end is meant) or a moment like "
            f"2017-03-31T12:00:00Z, not {text!r}."
        ) from error
    if at.tzinfo is None:
        raise BadInput(f"`{name}` needs a time zone: write {text}Z for UTC.")
    return at.astimezone(UTC)
