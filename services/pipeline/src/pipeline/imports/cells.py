"""What is written in a cell, as a day or as money. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo

from chassis.errors import BadInput
from pipeline.domain.money import parse_amount

_DAY_FIRST, _MONTH_FIRST = "dmy", "mdy"
_DOTTED = re.compile(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})$")
_SLASHED = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})$")
_YEAR_FIRST = re.compile(r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ].*)?$")


class BadCell(BadInput):
    """A cell cannot be read; `field` says which."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


def day(field: str, text: str | None, order: str | None) -> date | None:
    """A day. `order`: how days with slashes are written, `dmy` or `mdy`. Raises BadCell."""
    if text is None:
        return None
    try:
        parts = _parts(text.strip(), order)
        if parts is not None:
            return date(*parts)
    except ValueError:
        pass
    hint = "" if order else ' (for 30/03/2026 set the option {"dates": "dmy"} or "mdy")'
    raise BadCell(field, f"{text!r} is no day; write it like 2026-03-30{hint}.")


def _parts(text: str, order: str | None) -> tuple[int, int, int] | None:
    """Year, month, day."""
    if found := _YEAR_FIRST.match(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _DOTTED.match(text):
        return int(found[3]), int(found[2]), int(found[1])
    found = _SLASHED.match(text)
    if found and order == _DAY_FIRST:
        return int(found[3]), int(found[2]), int(found[1])
    if found and order == _MONTH_FIRST:
        return int(found[3]), int(found[1]), int(found[2])
    return None


def amount(field: str, text: str | None, currency: str) -> int | None:
    """An amount in minor units. Raises BadCell."""
    if text is None:
        return None
    try:
        return parse_amount(text, currency)
    except BadInput as error:
        raise BadCell(field, error.detail) from error


def noon(on: date, now: datetime, zone: tzinfo) -> datetime:
    """A day as a moment: its noon (UTC), but today at the latest now."""
    moment = datetime.combine(on, time(12, tzinfo=UTC))
    return min(moment, now) if on == now.astimezone(zone).date() else moment
