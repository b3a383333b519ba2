"""Cells of a file as values: dates, numbers, lists. What is none is refused. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from contacts.domain.words import malformed

_LISTED = re.compile(r"[,;]")
_GROUPED = re.compile(r"^-?\d{1,3}(,\d{3})+(\.\d+)?$")
_ZONE = re.compile(r"\s+(?:UTC|([+-]\d\d:?\d\d))$")
_DIGITS_MOST = 30
_NUMBERS = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?!\d)(.*)$")
_NAMED = re.compile(
    r"^(?P<day>\d{1,2})[. -]+(?P<month>[A-Za-z]{3,9})[., -]+(?P<year>\d{4})(?P<rest>.*)$"
)
_NAMED_FIRST = re.compile(
    r"^(?P<month>[A-Za-z]{3,9})[. ]+(?P<day>\d{1,2})(?:st|nd|rd|th)?,? +"
    r"(?P<year>\d{4})(?P<rest>.*)$"
)
_CLOCK = re.compile(r"^[ ,T]*(?:(\d{1,2}):(\d\d)(?::(\d\d))?)?\s*([AaPp][Mm])?$")
_NO_YEAR = re.compile(r"^(?:--)?(\d\d?)[/-]?(\d\d?)$")
_MONTH_NAMES = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTHS = {_MONTH_NAMES[n * 3 : n * 3 + 3]: n + 1 for n in range(12)}
_CENTURY = 69
_SEVERAL_TAGS = re.compile(r" ::: |[,;]")
_EVERYBODY = frozenset({"myContacts"})


def moment(text: str, field: str, order: str | None = None) -> datetime:
    """`2024-03-10`, `2024-03-10 09:14`, `2024-03-10 09:14:00 +0100`, RFC 3339, `10 Mar 2024`; with
    an `order` (dmy, mdy) also `10/3/2024 9:14 PM`. Without a zone it is UTC. Raises BadInput."""
    try:
        at = datetime.fromisoformat(_ZONE.sub(r"\1", text))
    except ValueError:
        at = _written(text.strip(), order) or _refuse(text, field)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _refuse(text: str, field: str) -> NoReturn:
    raise malformed(field, f"{text!r} is no time; write it like 2024-03-10 09:14.")


def _written(text: str, order: str | None) -> datetime | None:
    """A time with a named month, or in numbers of which the order is known."""
    numbers = _NUMBERS.match(text) if order is not None else None
    if numbers is not None:
        first, second, year = (int(numbers[n]) for n in (1, 2, 3))
        day_, month = (first, second) if order == "dmy" else (second, first)
        return _at(year, month, day_, numbers[4])
    named = _NAMED.match(text) or _NAMED_FIRST.match(text)
    if named is not None:
        month = _MONTHS.get(named["month"][:3].lower(), 0)
        return _at(int(named["year"]), month, int(named["day"]), named["rest"])
    return None


def _at(year: int, month: int, day_: int, clock: str) -> datetime | None:
    if year < 100:
        year += 1900 if year >= _CENTURY else 2000
    parts = _CLOCK.match(clock)
    if parts is None:
        return None
    hour, half = int(parts[1] or 0), (parts[4] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return datetime(year, month, day_, hour, int(parts[2] or 0), int(parts[3] or 0), tzinfo=UTC)
    except ValueError:
        return None


def day(text: str, field: str, order: str | None = None) -> date:
    """`1985-12-10`; other ways as `moment` reads them. Raises BadInput."""
    return moment(text, field, order).date()


def birthday(text: str, order: str | None = None) -> date | str:
    """A day, or `12-10` if the year is not told (`--1210`, `12/10`). Raises BadInput."""
    yearless = _NO_YEAR.match(text)
    if yearless is None:
        return day(text, "birthday", order)
    month, day_ = int(yearless[1]), int(yearless[2])
    if (order == "dmy" or month > 12) and not text.startswith("-"):
        month, day_ = day_, month
    try:
        return date(2000, month, day_).strftime("%m-%d")  # 2000 has a 29 February
    except ValueError:
        raise malformed("birthday", f"{text!r} is no day; write it like 1985-12-10.") from None


def number(text: str, field: str) -> Decimal:
    """`1100.04`, `1,100.04`. Raises BadInput."""
    bare = text.replace(",", "") if _GROUPED.match(text) else text
    try:
        value = Decimal(bare.replace(" ", ""))
    except InvalidOperation:
        raise malformed(field, f"{text!r} is no number; write it like 1100.04.") from None
    # 1e999999 would be a number of a million digits.
    if not value.is_finite() or value.adjusted() >= _DIGITS_MOST:
        raise malformed(field, f"{text!r} is no number; write it like 1100.04.")
    return value


def whole(text: str, field: str) -> int:
    """`2822`. Raises BadInput."""
    value = number(text, field)
    if value != int(value):
        raise malformed(field, f"{text!r} is no whole number.")
    return int(value)


def listed(text: str) -> tuple[str, ...]:
    """`VIP; math` → VIP, math."""
    return tuple(part.strip() for part in _LISTED.split(text) if part.strip())


def labels(text: str) -> tuple[tuple[str, ...], list[str]]:
    """Tags as systems write them: `* myContacts ::: Customers`, `"VIP","Blog"`; and a remark if
    Google's group of everybody is among them."""
    found = [part.strip(' "').removeprefix("* ") for part in _SEVERAL_TAGS.split(text)]
    kept = tuple(tag for tag in found if tag and tag not in _EVERYBODY)
    notes = ["label myContacts holds everybody: left out"] if _EVERYBODY & {*found} else []
    return kept, notes
