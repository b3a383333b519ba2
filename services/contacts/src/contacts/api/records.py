"""Records as answers: now, at any moment, and their histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request

from chassis.decider import AnyDecider
from chassis.errors import NotFound
from chassis.events import Recorded
from chassis.http.principal import Principal
from chassis.http.reading import Read
from chassis.ids import new_id
from chassis.ports import Context, EventLog
from chassis.postgres.database import Connection
from contacts.api.access import fetch_names
from contacts.api.points import point
from contacts.domain import company as companies
from contacts.domain.company import COMPANY
from contacts.domain.history import known_by
from contacts.domain.person import PERSON, state
from contacts.domain.person.standing import there
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
    events = await load_seen(request.app.state.service.log, read.principal, decider, id_)
    if known_at is None:
        return events
    return [recorded for recorded in events if recorded.recorded_at <= known_at]


async def load_seen(
    log: EventLog, principal: Principal, decider: AnyDecider, id_: UUID
) -> Sequence[Recorded[Any]]:
    """All events of a record, if they may see it. Raises NotFound."""
    context = Context(principal.workspace, str(principal.user_id), new_id())
    loaded = await log.load(context, decider.stream(id_))
    now = decider.fold(recorded.event for recorded in loaded.events)
    if decider.category == "person":
        there(now)
    if now is None or not may_see(now.owner_id, principal.visible_owners()):
        raise _unknown(decider)
    return loaded.events


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
