"""Records as answers: now, at any moment, and their histories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request

from chassis.decider import AnyDecider
from chassis.errors import NotFound
from chassis.events import Recorded
from chassis.http.paging import decode_cursor, page
from chassis.http.reading import Read
from chassis.ids import new_id
from chassis.ports import Context
from chassis.postgres.database import Connection
from contacts.api.access import Names, fetch_names, user_in
from contacts.api.points import point
from contacts.domain import company as companies
from contacts.domain.company import COMPANY
from contacts.domain.history import Entry, FieldChange, history, known_by
from contacts.domain.money import readable
from contacts.domain.person import PERSON, state
from contacts.domain.person.standing import there
from contacts.domain.sentences import sentence
from contacts.read_models.known_users import may_see
from contacts.read_models.person_record import fetch_brief
from contacts.read_models.purchase_totals import NOW, Point, fetch_purchase_summary
from contacts.read_models.survivors import fetch_records, fetch_survivors


async def shown_person(
    connection: Connection, workspace: UUID, facts: Mapping[str, Any], then: Point = NOW
) -> dict[str, Any]:
    """What we know of a person, with the names of companies and of the owner, and what they had
    bought at that point."""
    jobs = facts["companies"]
    names = await fetch_names(
        connection,
        workspace,
        users=[facts["owner_id"]],
        companies=[job["company_id"] for job in jobs],
    )
    shown = [{**(names.company(j["company_id"]) or {}), "role": j["role"]} for j in jobs]
    main = shown[0] if shown else None
    records = await fetch_records(connection, workspace, facts["id"])
    purchases = await fetch_purchase_summary(connection, workspace, records, then)
    return {
        **facts,
        "companies": shown,
        "company": {"id": main["id"], "name": main["name"]} if main else None,
        "company_id": main["id"] if main else None,
        "owner": names.user(facts["owner_id"]),
        "purchases": purchases,
        "merged": await fetch_brief(connection, workspace, records[1:]),
    }


async def shown_company(
    connection: Connection, workspace: UUID, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What we know of a company, with the names of its parent and of the owner."""
    parent, owner = facts["parent_id"], facts["owner_id"]
    names = await fetch_names(connection, workspace, users=[owner], companies=[parent])
    return {**facts, "parent": names.company(parent), "owner": names.user(owner)}


# --- the log


async def load(
    request: Request, read: Read, decider: AnyDecider, id_: UUID, known_at: datetime | None = None
) -> Sequence[Recorded[Any]]:
    """All events of a record that the caller may see. Raises NotFound."""
    principal = read.principal
    context = Context(principal.workspace, str(principal.user_id), new_id())
    loaded = await request.app.state.service.log.load(context, decider.stream(id_))
    now = decider.fold(recorded.event for recorded in loaded.events)
    if decider.category == "person":
        there(now)
    if now is None or not may_see(now.owner_id, principal.visible_owners()):
        raise _unknown(decider)
    if known_at is None:
        return loaded.events  # type: ignore[no-any-return]
    return [recorded for recorded in loaded.events if recorded.recorded_at <= known_at]


def _unknown(decider: AnyDecider) -> NotFound:
    return NotFound(f"There is no such {decider.category} in this workspace.")


async def answering(connection: Connection, workspace: UUID, person_id: UUID) -> UUID:
    """The record that answers for this one: mostly itself."""
    return (await fetch_survivors(connection, workspace, [person_id])).get(person_id, person_id)


async def not_there(request: Request, read: Read, decider: AnyDecider, id_: UUID) -> NotFound:
    """Why a record that the read models do not show is not there: unknown, or erased."""
    try:
        await load(request, read, decider, id_)
    except NotFound as reason:
        return reason
    return _unknown(decider)


async def as_of(
    request: Request, read: Read, decider: AnyDecider, id_: UUID, points: tuple[str | None, ...]
) -> tuple[Any, dict[str, Any]]:
    """The state of a record as of a point on both time axes, and how an answer names the point."""
    then, known_at = point(points[0], "as_of"), point(points[1], "known_at")
    events = await load(request, read, decider, id_, known_at)
    kept = known_by(events, lambda r: then is None or r.occurred_at <= then)
    if not kept:
        raise NotFound(f"This {decider.category} was not known yet at that time.", code="not-yet")
    where = {"as_of": then, "known_at": known_at, "version": kept[-1].version}
    return decider.fold(recorded.event for recorded in kept), where


async def person_as_of(
    request: Request, read: Read, person_id: UUID, points: tuple[str | None, ...]
) -> dict[str, Any]:
    """A person as of a point."""
    person, where = await as_of(request, read, PERSON, person_id, points)
    if person.merged_into is not None:
        shown = await person_as_of(request, read, person.merged_into, points)
        return {**shown, "merged_into": person.merged_into, "asked_id": person_id}
    async with read.connection() as connection:
        then = Point(where["as_of"], where["known_at"])
        shown = await shown_person(connection, read.principal.workspace, state.facts(person), then)
    return {**shown, **where}


async def company_as_of(
    request: Request, read: Read, company_id: UUID, points: tuple[str | None, ...]
) -> dict[str, Any]:
    """A company as of a point."""
    company, where = await as_of(request, read, COMPANY, company_id, points)
    async with read.connection() as connection:
        shown = await shown_company(connection, read.principal.workspace, companies.facts(company))
    return {**shown, **where}


# --- histories


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
    return await _told(read, wanted, history(events, PERSON.evolve, state.facts))


async def company_history(
    request: Request, read: Read, company_id: UUID, wanted: Page
) -> dict[str, Any]:
    """The events of a company with what each changed, the latest first."""
    events = await load(request, read, COMPANY, company_id)
    return await _told(read, wanted, history(events, COMPANY.evolve, companies.facts))


async def _told(read: Read, wanted: Page, everything: Sequence[Entry]) -> dict[str, Any]:
    entries, following = wanted.of(everything)
    users = {user_in(entry.recorded.actor) for entry in entries}
    users |= set(_mentioned(entries, "owner_id", lambda value: [value]))
    firms = set(_mentioned(entries, "companies", lambda jobs: [job["company_id"] for job in jobs]))
    firms |= set(_mentioned(entries, "parent_id", lambda value: [value]))
    firms |= {getattr(entry.recorded.event, "company_id", None) for entry in entries}
    async with read.connection() as connection:
        workspace = read.principal.workspace
        names = await fetch_names(connection, workspace, users=users, companies=firms)
    return {"items": [_entry(entry, names) for entry in entries], "next": following}


def _mentioned(
    entries: Iterable[Entry], field: str, ids: Callable[[Any], Iterable[UUID | None]]
) -> Iterable[UUID | None]:
    for entry in entries:
        for change in entry.changes:
            if change.field == field:
                yield from ids(change.before) if change.before else ()
                yield from ids(change.after) if change.after else ()


def _entry(entry: Entry, names: Names) -> dict[str, Any]:
    recorded = entry.recorded
    return {
        "id": recorded.id,
        "version": recorded.version,
        "type": recorded.type,
        "at": recorded.occurred_at,
        "recorded_at": recorded.recorded_at,
        "actor": names.actor(recorded.actor),
        "sentence": sentence(recorded.type, said_by(recorded.event, names)),
        "changes": [told for change in entry.changes for told in _change(change, names)],
    }


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
