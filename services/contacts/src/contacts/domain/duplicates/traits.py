"""What of a person is compared: names, ways to reach them, and what else is known. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from contacts.domain.words import folded, words

Traits = Mapping[str, tuple[str, ...]]
"""Values by field, folded; a field without any is left out."""

FIRST, LAST, EMAIL, PHONE = "first_name", "last_name", "email", "phone"
BIRTHDAY, CITY, COMPANY = "birthday", "city", "company"
CUSTOM = "custom."
CUSTOM_MOST = 16
_VALUE_MOST = 100
_VALUES_MOST = 5


def name_traits(first: str, last: str) -> dict[str, tuple[str, ...]]:
    """The names of a person."""
    return _kept({FIRST: [" ".join(words(first))], LAST: [" ".join(words(last))]})


def profile_traits(
    birthday: date | None, city: str | None, custom: Mapping[str, Any]
) -> dict[str, tuple[str, ...]]:
    """What a profile says of somebody. Of the custom fields texts and numbers, in order of name."""
    born = f"{birthday:%Y%m%d}" if birthday else ""
    said = {name: custom[name] for name in sorted(custom) if _comparable(custom[name])}
    own = {f"{CUSTOM}{name}": [folded(str(said[name]))] for name in list(said)[:CUSTOM_MOST]}
    return _kept({BIRTHDAY: [born], CITY: [folded(city or "")], **own})


def _comparable(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def traits(
    names: Mapping[str, tuple[str, ...]],
    profile: Mapping[str, tuple[str, ...]],
    *,
    emails: Iterable[str] = (),
    phones: Iterable[str] = (),
    companies: Iterable[str] = (),
) -> Traits:
    """All traits of a person; e-mail addresses folded, phone numbers as they are matched."""
    ways = {EMAIL: list(emails), PHONE: list(phones), COMPANY: list(companies)}
    return {**names, **profile, **_kept(ways)}


def _kept(found: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    values = {
        field: tuple(value[:_VALUE_MOST] for value in said if value)[:_VALUES_MOST]
        for field, said in found.items()
    }
    return {field: said for field, said in values.items() if said}
