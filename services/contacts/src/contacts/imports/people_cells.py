"""A row of a file of people as values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.imports import SEVERAL, ImportRow, ImportRun
from chassis.imports.likeness import likeness
from chassis.imports.mapping import OWN
from contacts.domain.country import country_code
from contacts.domain.email_address import EmailAddress, parse_email, parse_emails
from contacts.domain.entry import Entry
from contacts.domain.external_id import ExternalId
from contacts.domain.own_field import OwnField
from contacts.domain.own_values import cleaned
from contacts.domain.phone_number import PhoneNumber, parse_phone, parse_phones
from contacts.domain.words import folded, tidy
from contacts.imports.cells import birthday, day, labels, moment
from contacts.imports.consents import Choice, choices
from contacts.imports.spelling import Countries
from contacts.settings import ContactsSettings

KIND = "contacts"
_PROFILE = ("language", "time_zone", "city", "source")
_PLACEHOLDERS = frozenset({"[not provided]", "n/a", "-", "null"})
_SEVERAL_EMAILS = re.compile(r"\s*(?: ::: |[;,\n])\s*")
_SEVERAL_PHONES = re.compile(r"\s*(?: ::: |;(?!ext=)|\n)\s*")
_EMAIL_FIELDS = (("email", None), ("email_home", "home"), ("email_other", "other"))
_PHONE_FIELDS = (
    ("phone", None),
    ("phone_work", "work"),
    ("phone_home", "home"),
    ("phone_fax", "fax"),
    ("phone_other", "other"),
)


_MORE_EMAILS = ("email_home", "email_other", "email_label")
_MORE_PHONES = ("phone_work", "phone_home", "phone_fax", "phone_other", "phone_label")


@dataclass(frozen=True, slots=True)
class Cells:
    """A row's cells as values. `since`: when the business got to know the person."""

    first_name: str | None
    last_name: str | None
    emails: tuple[EmailAddress, ...]
    phones: tuple[PhoneNumber, ...]
    company: str | None
    profile: dict[str, Any]
    tags: tuple[str, ...]
    external_id: ExternalId | None
    likeness: bytes | None
    since: datetime | None
    consents: tuple[Choice, ...]
    notes: tuple[str, ...]

    @property
    def says_nothing(self) -> bool:
        """Whether the row names nobody."""
        return not (self.first_name or self.last_name or self.emails or self.phones)


def read_cells(
    row: ImportRow, run: ImportRun, countries: Countries, own: Mapping[str, OwnField]
) -> Cells:
    """The values in a row. Raises BadInput naming the field that holds none."""
    notes: list[str] = []
    profile = _profile(row, run, countries, notes)
    if custom := _own(row, run, own):
        profile["custom"] = {**custom, **profile.get("custom", {})}
    first, last = _names(row)
    external = row.get("external_id")
    emails = _emails(row)
    consents, unclear = choices(row, run.options)
    tags, left_out = labels(row.values["tags"]) if "tags" in row.values else ((), [])
    return Cells(
        first_name=first,
        last_name=last,
        emails=emails,
        phones=_phones(row, run, profile),
        company=tidy(row.get("company"), "company"),
        profile=profile,
        tags=tags,
        external_id=ExternalId(external, run.options.get("external_source")) if external else None,
        likeness=None if emails or external else likeness(run, KIND, row),
        since=_since(row, run, consents),
        consents=consents,
        notes=(*notes, *unclear, *left_out),
    )


def _names(row: ImportRow) -> tuple[str | None, str | None]:
    first, last = _said(row.get("first_name")), _said(row.get("last_name"))
    if not (first or last) and (name := row.get("name")):
        first, _, last = " ".join(name.split()).rpartition(" ")
        if not first:
            first, last = last, None
    if first and (middle := row.get("middle_name")):
        first = f"{first} {middle}"
    return first or None, last or None


def _said(text: str | None) -> str | None:
    """A name, unless it only says that there is none."""
    return None if text is None or text.lower() in _PLACEHOLDERS else text


def _profile(
    row: ImportRow, run: ImportRun, countries: Countries, notes: list[str]
) -> dict[str, Any]:
    country = countries.read(row.values["country"]) if row.get("country") else None
    profile: dict[str, Any] = {name: row.values[name] for name in _PROFILE if name in row.values}
    if country is not None:
        profile["country"] = country.word
        notes += [country.note] if country.note else []
    if text := row.get("birthday"):
        born = birthday(text, run.options.get("dates"))
        if isinstance(born, str):
            profile["custom"] = {"birthday": born}
            notes.append("birthdays without a year are kept as a field of your own")
        else:
            profile["birthday"] = born
    return profile


def _own(row: ImportRow, run: ImportRun, own: Mapping[str, OwnField]) -> dict[str, Any]:
    """Values of the workspace's own fields; days are read in the order the file writes them in."""
    said = {name[len(OWN) :]: text for name, text in row.values.items() if name.startswith(OWN)}
    order = run.options.get("dates")
    return cleaned(own, said, lambda text: day(text, "custom", order)) if said else {}


def _since(row: ImportRow, run: ImportRun, consents: Sequence[Choice]) -> datetime | None:
    if text := row.get("created_at"):
        return moment(text, "created_at", run.options.get("dates"))
    return min((choice.at for choice in consents if choice.at), default=None)


def _emails(row: ImportRow) -> tuple[EmailAddress, ...]:
    plain = row.get("email")
    if plain and _lone(plain) and row.values.keys().isdisjoint(_MORE_EMAILS):
        return (parse_email(Entry(plain, primary=True)),)
    return parse_emails(_entries(row, "email", _EMAIL_FIELDS, _SEVERAL_EMAILS, _email_kind))


def _lone(text: str) -> bool:
    return not any(sign in text for sign in ";,\n") and SEVERAL not in text


def _phones(row: ImportRow, run: ImportRun, profile: dict[str, Any]) -> tuple[PhoneNumber, ...]:
    plain = row.get("phone")
    alone = row.values.keys().isdisjoint(_MORE_PHONES)
    if plain is None and alone:
        return ()
    settings = run.service.settings
    region = country_code(profile.get("country"))
    if region is None and isinstance(settings, ContactsSettings):
        region = settings.phone_region
    if plain and alone and _lone(plain):
        return (parse_phone(Entry(plain, primary=True), region),)
    entries = _entries(row, "phone", _PHONE_FIELDS, _SEVERAL_PHONES, _phone_kind)
    return parse_phones(entries, region)


def _entries(
    row: ImportRow, what: str, fields: Any, several: re.Pattern[str], kind_of: Any
) -> Iterable[Entry]:
    """The ways to reach somebody in a row. Labels stand beside the plain ones, in their order."""
    marks = (row.get(f"{what}_label") or "").split(SEVERAL)
    first = True
    for field, kind in fields:
        for number, text in enumerate(several.split(row.values.get(field, ""))):
            if not text:
                continue
            label = marks[number] if kind is None and number < len(marks) else ""
            yield Entry(text, kind or kind_of(label), first)
            first = False


def _email_kind(label: str) -> str | None:
    word = folded(label.strip("* "))
    return {"": None, "home": "home", "work": "work", "privat": "home"}.get(word, "other")


def _phone_kind(label: str) -> str | None:
    word = folded(label.strip("* "))
    if "fax" in word:
        return "fax"
    return {"": None, "mobile": "mobile", "cell": "mobile", "home": "home", "work": "work"}.get(
        word, "other"
    )
