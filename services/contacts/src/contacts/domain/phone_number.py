"""A phone number: kept as it was entered, and as E.164 where that is known. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import phonenumbers

from contacts.domain.entry import Entry, with_one_primary
from contacts.domain.words import malformed, tidy

KINDS = ("mobile", "work", "home", "fax", "other")

_NOT_DIGITS = re.compile(r"\D")
_WRITTEN = re.compile(r"^[\d\s()+./,;:*#x~-]+$", re.IGNORECASE)
_LEAST_DIGITS, _MOST_DIGITS = 3, 20


class PhoneNumber(msgspec.Struct, frozen=True):
    """`number` as entered; `e164` is missing where the country is not known."""

    number: str
    kind: str = "mobile"
    primary: bool = False
    e164: str | None = None


def parse_phone(entry: Entry, region: str | None, *, pointer: str = "#/phone") -> PhoneNumber:
    """The number in an entry. `region`: the country (ISO code) numbers without + belong to.

    Raises BadInput if no number can be meant. A number whose country is unknown is kept as it is.
    """
    text, kind = tidy(entry.text, "phone") or "", (entry.kind or "mobile").strip().lower()
    if kind not in KINDS:
        raise malformed("phone", f"there is no kind {kind!r}; use one of {KINDS}", pointer=pointer)
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        international = text.startswith("+")
        if international or region is not None or not _could_be_national(text):
            raise malformed("phone", _why(text, error), pointer=pointer) from None
        return PhoneNumber(text, kind, entry.primary)
    if not phonenumbers.is_possible_number(parsed):
        why = f"{text!r} has too few or too many digits for a number of its country."
        raise malformed("phone", why, pointer=pointer)
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return PhoneNumber(text, kind, entry.primary, e164)


def _why(text: str, error: Any) -> str:
    no_country = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
    if no_country and text.startswith("+"):
        return f"{text!r} begins with + but not with a country's code."
    return f"{text!r} is no phone number; write it like +44 20 7946 0958."


def _could_be_national(text: str) -> bool:
    without_extension = re.split(r"(?i)\s*(?:ext|x|#)\.?\s*\d+$", text)[0]
    digits = _NOT_DIGITS.sub("", without_extension)
    written = _WRITTEN.match(without_extension) is not None
    return written and _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS


def parse_phones(
    entries: Iterable[Entry], region: str | None, *, pointer: str = "#/phones"
) -> tuple[PhoneNumber, ...]:
    """Several numbers, each once, exactly one of them primary."""
    kept: dict[str, PhoneNumber] = {}
    for number, entry in enumerate(entries):
        phone = parse_phone(entry, region, pointer=f"{pointer}/{number}/number")
        kept.setdefault(matched_as(phone), phone)
    return with_one_primary(tuple(kept.values()))


def national_digits(phone: PhoneNumber) -> str:
    """What one dials inside the country, without the 0 before it."""
    if phone.e164 is None:
        return _NOT_DIGITS.sub("", phone.number).lstrip("0")
    return str(phonenumbers.parse(phone.e164, None).national_number)


def matched_as(phone: PhoneNumber) -> str:
    """What two spellings of one number have in common: the digits that one dials."""
    return (phone.e164 or _NOT_DIGITS.sub("", phone.number)).lstrip("+")
