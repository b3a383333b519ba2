"""Histories of records: every event with what it changed, and what became of the change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request

from chassis.events import Recorded, category_of
from chassis.http.paging import decode_cursor, page
from chassis.http.reading import Read
from contacts.api.access import Names, fetch_names, user_in
from contacts.api.records import load
from contacts.domain import company as companies
from contacts.domain.company import COMPANY
from contacts.domain.company.undoing import can_be_undone as company_change_can_be_undone
from contacts.domain.history import Entry, FieldChange, history
from contacts.domain.money import readable
from contacts.domain.person import PERSON, state
from contacts.domain.person.undoing import can_be_undone as person_change_can_be_undone
from contacts.domain.sentences import sentence
from contacts.domain.undoing import ChangeUndone, brought_by, undone_by


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a history: how many entries, and before which version."""

    limit: int
    cursor: str | None

    def of(self, entries: Sequence[Entry]) -> tuple[Sequence[Entry], str | None]:
        """The entries of this page, the latest first, and the cursor of the next one."""
        before = decode_cursor(self.cursor, [int])[0] if self.cursor else None
        latest_first = [e for e in reversed(entries) if not before or e.recorded.version < before]
        return page(latest_first, self.limit, lambda entry: [entry.recorded.version])


async def person_history(
    request: Request, read: Read, person_id: UUID, wanted: Page
) -> dict[str, Any]:
    """The events of a person with what each changed, the latest first."""
    events = await load(request, read, PERSON, person_id)
    entries, following = wanted.of(history(events, PERSON.evolve, state.facts))
    return {"items": await told(read, events, entries), "next": following}


async def company_history(
    request: Request, read: Read, company_id: UUID, wanted: Page
) -> dict[str, Any]:
    """The events of a company with what each changed, the latest first."""
    events = await load(request, read, COMPANY, company_id)
    entries, following = wanted.of(history(events, COMPANY.evolve, companies.facts))
    return {"items": await told(read, events, entries), "next": following}


async def told(
    read: Read, events: Sequence[Recorded[Any]], entries: Sequence[Entry]
) -> list[dict[str, Any]]:
    """Entries of a history, of which these are all events, for people to read."""
    users = {user_in(entry.recorded.actor) for entry in entries}
    users |= set(_mentioned(entries, "owner_id", lambda value: [value]))
    firms = set(_mentioned(entries, "companies", lambda jobs: [job["company_id"] for job in jobs]))
    firms |= set(_mentioned(entries, "parent_id", lambda value: [value]))
    firms |= {getattr(entry.recorded.event, "company_id", None) for entry in entries}
    async with read.connection() as connection:
        workspace = read.principal.workspace
        names = await fetch_names(connection, workspace, users=users, companies=firms)
    undone, brought = undone_by(events), brought_by(events)
    return [
        {
            **_entry(entry, names),
            "undone_by": undone.get(entry.recorded.id),
            "part_of": brought.get(entry.recorded.id),
        }
        for entry in entries
    ]


def _mentioned(
    entries: Iterable[Entry], field: str, ids: Callable[[Any], Iterable[UUID | None]]
) -> Iterable[UUID | None]:
    for entry in entries:
        for change in entry.changes:
            if change.field == field:
                yield from ids(change.before) if change.before else ()
                yield from ids(change.after) if change.after else ()


def _entry(entry: Entry, names: Names) -> dict[str, Any]:
    recorded, event = entry.recorded, entry.recorded.event
    return {
        "id": recorded.id,
        "version": recorded.version,
        "type": recorded.type,
        "at": recorded.occurred_at,
        "recorded_at": recorded.recorded_at,
        "actor": names.actor(recorded.actor),
        "sentence": sentence(recorded.type, said_by(recorded.event, names)),
        "changes": [each for change in entry.changes for each in _change(change, names)],
        "undoable": _can_be_undone(recorded),
        "undoes": event.undone_id if isinstance(event, ChangeUndone) else None,
        "kept": list(getattr(event, "kept", ())),
    }


def _can_be_undone(recorded: Recorded[Any]) -> bool:
    if category_of(recorded.stream) == PERSON.category:
        return person_change_can_be_undone(recorded.event)
    return company_change_can_be_undone(recorded.event)


def said_by(event: Any, names: Names) -> dict[str, Any]:
    """What an event of this service says, with names in place of ids."""
    said = {name: getattr(event, name) for name in event.__struct_fields__}
    company = names.company(said.get("company_id")) or {"name": None}
    owner = names.user(said.get("owner_id")) or {"name": "nobody"}
    return {
        **said,
        "company": company["name"] or "a company",
        "owner": owner["name"] or "somebody",
    }


def _change(change: FieldChange, names: Names) -> Iterable[dict[str, Any]]:
    """A change as people read it: names instead of ids, texts instead of lists."""
    before, after = change.before, change.after
    if change.field == "custom":
        for key in sorted({*(before or {}), *(after or {})}):
            old, new = (before or {}).get(key), (after or {}).get(key)
            if old != new:
                yield {"field": key, "old": old, "new": new}
        return
    field = {"owner_id": "owner", "parent_id": "parent"}.get(change.field, change.field)
    if field in ("external_id", "external_source"):
        return
    yield {
        "field": field,
        "old": _readable(change.field, before, names),
        "new": _readable(change.field, after, names),
    }


def _readable(field: str, value: Any, names: Names) -> Any:
    tell = _READABLE.get(field)
    return (tell(value, names) if tell else value) if value else value or None


def _job(job: Mapping[str, Any], names: Names) -> str:
    name = (names.company(job["company_id"]) or {})["name"] or "a company"
    return f"{job['role']} at {name}" if job["role"] else name


def _consent(consent: Mapping[str, Any]) -> str:
    return f"{consent['channel']} {consent['purpose']}: {'yes' if consent['given'] else 'no'}"


_READABLE: Mapping[str, Callable[[Any, Names], Any]] = {
    "emails": lambda value, _: ", ".join(email["address"] for email in value),
    "phones": lambda value, _: ", ".join(phone["number"] for phone in value),
    "tags": lambda value, _: ", ".join(value),
    "external_ids": lambda value, _: ", ".join(known["id"] for known in value),
    "companies": lambda value, names: ", ".join(_job(job, names) for job in value),
    "consents": lambda value, _: ", ".join(map(_consent, value)),
    "owner_id": lambda value, names: (names.user(value) or {})["name"],
    "parent_id": lambda value, names: (names.company(value) or {})["name"],
    "revenue": lambda value, _: readable(value["amount_minor"], value["currency"]),
}
