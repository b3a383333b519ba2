"""Cells of a file as values: dates, numbers, lists. What is none is refused. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from contacts.domain.words import malformed

_LISTED = re.compile(r"[,;]")
_GROUPED = re.compile(r"^-?\d{1,3}(,\d{3})+(\.\d+)?$")
_ZONE = re.compile(r"\s+(?:UTC|([+-]\d\d:?\d\d))$")
_DIGITS_MOST = 30


def moment(text: str, field: str) -> datetime:
    """`2024-03-10`, `2024-03-10 09:14`, `2024-03-10 09:14:00 +0100`, RFC 3339; without a zone it is
    UTC. Raises BadInput."""
    try:
        at = datetime.fromisoformat(_ZONE.sub(r"\1", text))
    except ValueError:
        raise malformed(field, f"{text!r} is no time; write it like 2024-03-10 09:14.") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def day(text: str, field: str) -> date:
    """`1985-12-10`. Raises BadInput."""
    return moment(text, field).date()


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
