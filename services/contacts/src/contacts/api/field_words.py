"""Fields of people and companies, one by one, and their values as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from contacts.api.access import Names
from contacts.domain.money import readable
from contacts.domain.person.state import ConsentState, Job
from contacts.domain.sentences import field_name

_COMPANY = "companies."


def label(field: str, names: Names) -> str:
    """What to call a field; a place in a company by the company's name."""
    if not field.startswith(_COMPANY):
        return field_name(field)
    company = names.company(UUID(field.removeprefix(_COMPANY))) or {}
    return f"company {company.get('name') or ''}".rstrip()


def text(field: str, value: Any, names: Names) -> Any:
    """A value as people read it; nothing stays nothing."""
    if value is None:
        return None
    match value:
        case Job():
            return value.role or "works there"
        case ConsentState():
            return "given" if value.given else "withdrawn"
    tell = _WORDS.get(field)
    return tell(value, names) if tell else value


_WORDS: Mapping[str, Callable[[Any, Names], Any]] = {
    "emails": lambda value, _: ", ".join(email.address for email in value),
    "phones": lambda value, _: ", ".join(phone.number for phone in value),
    "external_ids": lambda value, _: ", ".join(known.id for known in value),
    "owner_id": lambda value, names: (names.user(value) or {})["name"] or "somebody",
    "parent_id": lambda value, names: (names.company(value) or {})["name"] or "a company",
    "revenue": lambda value, _: readable(*value),
}


def users_in(fields: Iterable[tuple[str, Any]]) -> set[UUID | None]:
    """The users that these values name."""
    return {value for field, value in fields if field == "owner_id"}


def companies_in(fields: Iterable[tuple[str, Any]]) -> set[UUID | None]:
    """The companies that these fields and values name."""
    listed = list(fields)
    named = {value for field, value in listed if field == "parent_id"}
    return named | {
        UUID(field.removeprefix(_COMPANY)) for field, _ in listed if field.startswith(_COMPANY)
    }
