"""In what order a file writes day, month and year. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NUMERIC = re.compile(r"^\s*(\d{1,2})[/.-](\d{1,2})[/.-](?:\d{4}|\d{2})\b")
DAY_FIRST, MONTH_FIRST = "dmy", "mdy"
ORDERS = (DAY_FIRST, MONTH_FIRST)


@dataclass(frozen=True, slots=True)
class DateOrder:
    """`sure`: some date in the file can be read in this order only."""

    order: str
    sure: bool


def order_of(texts: Iterable[str]) -> DateOrder | None:
    """The order of dates like 3/4/2024; None if there are none. With dots the day comes first."""
    found = dots = False
    for text in texts:
        match = _NUMERIC.match(text)
        if match is None:
            continue
        found, dots = True, dots or "." in text[:6]
        first, second = int(match[1]), int(match[2])
        if first > 12 >= second:
            return DateOrder(DAY_FIRST, True)
        if second > 12 >= first:
            return DateOrder(MONTH_FIRST, True)
    return DateOrder(DAY_FIRST, dots) if found else None
