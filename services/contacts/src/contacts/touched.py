"""Whose data did somebody touch, or was touched in a stretch of time? Asked of the timeline, which
has the events of all services, and of the register of exports.

What counts is when something was recorded, not when it is said to have happened. An event about a
deal counts for everybody whom the deal is or was with: too many are told rather than too few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal,
    select,
    union_all,
)

from chassis.events import wire_name
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch, fetch_one
from contacts.domain.export import ExportMade
from contacts.read_models.deal_standings import DEAL_PEOPLE
from contacts.read_models.exports import EXPORTS
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.survivors import SURVIVORS
from contacts.read_models.timeline import TIMELINE

EXPORTED = "export"
_EVENTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class TouchedWanted:
    """By whom (None: by anybody), when, from where on."""

    workspace: UUID
    since: datetime
    until: datetime
    actor: str | None = None
    limit: int = 50
    cursor: str | None = None


def _asked(wanted: TouchedWanted, table: Any, at: Any) -> Iterable[ColumnElement[bool]]:
    yield table.workspace_id == wanted.workspace
    yield at >= wanted.since
    yield at <= wanted.until
    if wanted.actor is not None:
        yield table.actor == wanted.actor


def _touches(wanted: TouchedWanted) -> Any:
    """A row for each event and person: of a record, of a deal with them, of a file about them."""
    t, d, e = TIMELINE.c, DEAL_PEOPLE.c, EXPORTS.c
    told = (t.event_id, t.recorded_at.label("at"), t.kind, t.type, t.actor)
    own = select(t.person_id.label("whom"), *told).where(
        *_asked(wanted, t, t.recorded_at), t.subject_id == t.person_id
    )
    deals = (
        select(d.person_id.label("whom"), *told)
        .join(DEAL_PEOPLE, and_(d.workspace_id == wanted.workspace, d.deal_id == t.deal_id))
        .where(*_asked(wanted, t, t.recorded_at), t.subject_id == t.deal_id)
    )
    taken = select(
        e.person_id.label("whom"),
        e.export_id.label("event_id"),
        e.at,
        literal(EXPORTED).label("kind"),
        literal(wire_name(ExportMade)).label("type"),
        e.actor,
    ).where(*_asked(wanted, e, e.at), e.person_id.is_not(None))
    every, s = union_all(own, deals, taken).subquery("every"), SURVIVORS.c
    answers = func.coalesce(s.survivor_id, every.c.whom).label("person_id")
    whose = and_(s.workspace_id == wanted.workspace, s.person_id == every.c.whom)
    return select(every, answers).outerjoin(SURVIVORS, whose).subquery("touches")


def _people(wanted: TouchedWanted) -> Any:
    """A row for each person, whether anybody still knows who they are or not."""
    t = _touches(wanted).c
    by_kind = (
        select(
            t.person_id,
            t.kind,
            func.count().label("events"),
            func.min(t.at).label("first_at"),
            func.max(t.at).label("last_at"),
        )
        .group_by(t.person_id, t.kind)
        .subquery("by_kind")
    )
    k = by_kind.c
    return (
        select(
            k.person_id,
            func.sum(k.events).label("events"),
            func.jsonb_object_agg(k.kind, k.events).label("kinds"),
            func.min(k.first_at).label("first_at"),
            func.max(k.last_at).label("last_at"),
        )
        .group_by(k.person_id)
        .subquery("touched")
    )


@dataclass(frozen=True, slots=True)
class Extent:
    """How much it comes to. `nameless`: people who were erased since."""

    people: int
    events: int
    nameless: int


async def fetch_extent(connection: Connection, wanted: TouchedWanted) -> Extent:
    """How many people, and how many events of theirs."""
    touched, p = _people(wanted), PEOPLE.c
    known = p.person_id.is_not(None)
    statement = select(
        func.count().filter(known).label("people"),
        func.coalesce(func.sum(touched.c.events).filter(known), 0).label("events"),
        func.count().filter(~known).label("nameless"),
    ).select_from(touched.outerjoin(PEOPLE, _is(wanted, touched)))
    row = await fetch_one(connection, statement)
    return Extent(row["people"], int(row["events"]), row["nameless"]) if row else Extent(0, 0, 0)


def _is(wanted: TouchedWanted, touched: Any) -> ColumnElement[bool]:
    p = PEOPLE.c
    return and_(p.workspace_id == wanted.workspace, p.person_id == touched.c.person_id)


def wanted_touched(wanted: TouchedWanted) -> Select[Any]:
    """One page of people and one row more: whoever was touched last comes first."""
    touched, p = _people(wanted), PEOPLE.c
    order = [touched.c.last_at, touched.c.person_id]
    names = (p.first_name, p.last_name, p.email, p.phone)
    statement = select(touched, *names).join(PEOPLE, _is(wanted, touched))
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [datetime, UUID])
        statement = statement.where(after(order, place, descending=True))
    return statement.order_by(*(each.desc() for each in order)).limit(wanted.limit + 1)


async def fetch_touched(
    connection: Connection, wanted: TouchedWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of people, and the cursor of the next page."""
    rows = await fetch(connection, wanted_touched(wanted))
    kept, following = page(rows, wanted.limit, lambda row: [row["last_at"], row["person_id"]])
    return [_item(row) for row in kept], following


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "person": {"id": row["person_id"], "name": full_name(row)},
        "email": row["email"],
        "phone": row["phone"],
        "events": int(row["events"]),
        "kinds": row["kinds"],
        "first_at": row["first_at"],
        "last_at": row["last_at"],
    }


async def fetch_latest(
    connection: Connection, wanted: TouchedWanted, people: Sequence[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    """Of each of these people the latest few events. `actor` is still an id."""
    t = _touches(wanted).c
    place = func.row_number().over(
        partition_by=t.person_id, order_by=(t.at.desc(), t.event_id.desc())
    )
    told = (t.person_id, t.event_id, t.at, t.kind, t.type, t.actor)
    ranked = select(*told, place.label("place")).where(any_of(t.person_id, people)).subquery()
    r = ranked.c
    statement = select(ranked).where(r.place <= _EVENTS_SHOWN).order_by(r.person_id, r.place)
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in await fetch(connection, statement):
        names = ("at", "kind", "type", "actor")
        told_of = {"id": row["event_id"], **{name: row[name] for name in names}}
        found.setdefault(row["person_id"], []).append(told_of)
    return found
