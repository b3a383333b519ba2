"""Values of a workspace's own fields, read from what people, programs and files say. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urlsplit

from chassis.errors import BadInput
from contacts.domain.own_field import OwnField
from contacts.domain.words import folded, malformed, tidy

TEXT_MOST = 1_000
_NUMBER_MOST: Final = Decimal(10) ** 15
_DIGITS_MOST = 15
_GROUPED = re.compile(r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$")
_COMMA = re.compile(r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+$")
_PARTING = re.compile(r" ::: |[,;\n]")
_YES = frozenset({"yes", "true", "1", "y", "on", "ja", "oui", "si"})
_NO = frozenset({"no", "false", "0", "n", "off", "nein", "non"})

Days = Callable[[str], date]
"""Reads a day from a text; a file may write days in an order of its own."""


def clean(field: OwnField, value: Any, days: Days = date.fromisoformat) -> Any:
    """A value as it is kept, None for none. Raises BadInput that says what is expected."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    match field.type:
        case "text":
            return _text(field, value)
        case "number":
            return _number(field, value)
        case "date":
            return _date(field, value, days)
        case "yes_no":
            return _yes_no(field, value)
        case "choice":
            return _choice(field, value)
        case "choices":
            return _choices(field, value)
        case "url":
            return _url(field, value)


def cleaned(
    fields: Mapping[str, OwnField], custom: Mapping[str, Any], days: Days = date.fromisoformat
) -> dict[str, Any]:
    """Values by key as they are kept; those of keys that nobody defined stay as they are."""
    return {
        key: clean(fields[key], value, days) if key in fields else value
        for key, value in custom.items()
    }


def check_required(fields: Iterable[OwnField], custom: Mapping[str, Any]) -> None:
    """Raises BadInput that names every field that is needed and has no value."""
    absent = [each for each in fields if each.required and custom.get(each.key) is None]
    if absent:
        titles = ", ".join(each.title for each in absent)
        errors = [{"detail": "This is needed.", "pointer": f"#/{each.name}"} for each in absent]
        raise BadInput(f"Needed, and not there: {titles}.", field=absent[0].name, errors=errors)


def _text(field: OwnField, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise malformed(field.name, "Give a text.")
    return tidy(str(value), field.name, most=TEXT_MOST)


def _number(field: OwnField, value: Any) -> int | float:
    """Whole, or with a fraction that a program's number holds without loss."""
    expected = f"{_shown(value)} is no number; write it like 1100.04."
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise malformed(field.name, expected)
    try:
        number = Decimal(_bare(value) if isinstance(value, str) else str(value))
    except (InvalidOperation, ValueError):  # the latter for one of thousands of digits
        raise malformed(field.name, expected) from None
    if not number.is_finite():
        raise malformed(field.name, expected)
    if abs(number) >= _NUMBER_MOST or len(number.normalize().as_tuple().digits) > _DIGITS_MOST:
        raise malformed(field.name, f"{_shown(value)} has more than {_DIGITS_MOST} digits.")
    return int(number) if number == number.to_integral_value() else float(number)


def _bare(text: str) -> str:
    """`1,100.04`, `1.100,04` and `1100,5` as programs write them. `1,100` is a thousand more."""
    text = "".join(text.split())
    if _GROUPED.match(text):
        return text.replace(",", "")
    if _COMMA.match(text):
        return text.replace(".", "").replace(",", ".")
    return text if "_" not in text else ""


def _date(field: OwnField, value: Any, days: Days) -> str:
    expected = f"{_shown(value)} is no day; write it like 2026-03-30."
    if not isinstance(value, str):
        raise malformed(field.name, expected)
    try:
        return days(value.strip()).isoformat()
    except (ValueError, BadInput):
        raise malformed(field.name, expected) from None


def _yes_no(field: OwnField, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    said = folded(str(value)) if isinstance(value, str | int) else ""
    if said not in _YES | _NO:
        raise malformed(field.name, f"{_shown(value)} is neither yes nor no.")
    return said in _YES


def _choice(field: OwnField, value: Any) -> str:
    known = {folded(choice): choice for choice in field.choices}
    found = known.get(folded(value)) if isinstance(value, str) else None
    if found is None:
        offered = ", ".join(field.choices)
        raise malformed(field.name, f"{_shown(value)} is no choice here; there are {offered}.")
    return found


def _choices(field: OwnField, value: Any) -> list[str] | None:
    """Each once, in the order in which they are offered."""
    said = _PARTING.split(value) if isinstance(value, str) else value
    if not isinstance(said, list):
        raise malformed(field.name, "Give a list of choices.")
    named = [each for each in said if not isinstance(each, str) or each.strip()]
    found = {_choice(field, each) for each in named}
    return [choice for choice in field.choices if choice in found] or None


def _url(field: OwnField, value: Any) -> str:
    expected = f"{_shown(value)} is no address of a page; write it like https://example.org."
    text = tidy(value, field.name, most=TEXT_MOST) if isinstance(value, str) else None
    if text is None or " " in text:
        raise malformed(field.name, expected)
    address = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        raise malformed(field.name, expected) from None
    if parts.scheme.lower() not in ("http", "https") or "." not in host.strip("."):
        raise malformed(field.name, expected)
    return address


def _shown(value: Any) -> str:
    return f"“{str(value)[:60]}”"
