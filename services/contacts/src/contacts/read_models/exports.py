"""Who took data of people out, what of it, and when? The latest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Select,
    Text,
    Uuid,
    and_,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch
from chassis.projection import Change, Projection, Put, read_table
from contacts.domain.export import ExportMade
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.survivors import SURVIVORS

EXPORTS = read_table(
    "exports",
    Column("export_id", Uuid),
    Column("at", DateTime(timezone=True)),
    Column("actor", Text(collation="C")),
    Column("kind", Text(collation="C")),
    Column("rows", BigInteger),
    Column("people", BigInteger),
    Column("person_id", Uuid),
    Column("filters", JSONB),
    Index("exports_by_time", "workspace_id", "at", "export_id"),
    key=("export_id",),
)


def project(recorded: Recorded[ExportMade]) -> Iterable[Change]:
    """One row per export. Who the person was is asked of the people when it is read, so that
    nothing has to go when they are erased."""
    event = recorded.event
    columns = {
        "at": recorded.recorded_at,
        "actor": recorded.actor,
        "kind": event.kind,
        "rows": event.rows,
        "people": event.people,
        "person_id": event.person_id,
        "filters": event.filters,
    }
    yield Put(EXPORTS, (event.export_id,), columns)


EXPORTS_PROJECTION = Projection("exports", 1, (ExportMade,), (EXPORTS,), project)

# --- fetching

_E = EXPORTS.c


@dataclass(frozen=True, slots=True)
class ExportsWanted:
    """Whose exports (None: everybody's), of which time, from where on."""

    workspace: UUID
    actor: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    cursor: str | None = None


def _narrowed(wanted: ExportsWanted) -> Iterable[ColumnElement[bool]]:
    yield _E.workspace_id == wanted.workspace
    if wanted.actor is not None:
        yield _E.actor == wanted.actor
    if wanted.kind is not None:
        yield _E.kind == wanted.kind
    if wanted.since is not None:
        yield _E.at >= wanted.since
    if wanted.until is not None:
        yield _E.at <= wanted.until


def wanted_exports(wanted: ExportsWanted) -> Select[Any]:
    """One page of exports and one row more."""
    p, s = PEOPLE.c, SURVIVORS.c
    answers = func.coalesce(s.survivor_id, _E.person_id)
    order = [_E.at, _E.export_id]
    statement = (
        select(EXPORTS, p.person_id.label("known_id"), p.first_name, p.last_name, p.email, p.phone)
        .outerjoin(SURVIVORS, and_(s.workspace_id == wanted.workspace, s.person_id == _E.person_id))
        .outerjoin(PEOPLE, and_(p.workspace_id == wanted.workspace, p.person_id == answers))
        .where(*_narrowed(wanted))
    )
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [datetime, UUID])
        statement = statement.where(after(order, place, descending=True))
    return statement.order_by(*(each.desc() for each in order)).limit(wanted.limit + 1)


async def fetch_exports(
    connection: Connection, wanted: ExportsWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of exports, and the cursor of the next page. `actor` is still an id."""
    rows = await fetch(connection, wanted_exports(wanted))
    kept, following = page(rows, wanted.limit, lambda row: [row["at"], row["export_id"]])
    return [_item(row) for row in kept], following


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    person = None
    if row["person_id"] is not None:
        known = row["known_id"]
        person = {"id": known or row["person_id"], "name": full_name(row) if known else None}
    return {
        "id": row["export_id"],
        "at": row["at"],
        "actor": row["actor"],
        "kind": row["kind"],
        "rows": row["rows"],
        "people": row["people"],
        "person": person,
        "filters": row["filters"],
    }
