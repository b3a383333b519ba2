"""Which record answers for this one? Records that were merged, and into which."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Index, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.person.events import PersonErased, PersonMerged, PersonUnmerged

SURVIVORS = read_table(
    "survivors",
    Column("person_id", Uuid),
    Column("survivor_id", Uuid),
    Index("survivors_by_survivor", "workspace_id", "survivor_id", "person_id"),
    key=("person_id",),
)


def project(recorded: Recorded[PersonMerged | PersonUnmerged | PersonErased]) -> Iterable[Change]:
    """A row as long as another record answers. One step always leads to it: whoever is merged takes
    along those that were merged into them."""
    match recorded.event:
        case PersonMerged() as e:
            yield Put(SURVIVORS, (e.person_id,), {"survivor_id": e.into_id})
        case PersonUnmerged() | PersonErased() as e:
            yield Remove(SURVIVORS, (e.person_id,))


SURVIVORS_PROJECTION = Projection(
    "survivors", 1, (PersonMerged, PersonUnmerged, PersonErased), (SURVIVORS,), project
)

# --- fetching


async def fetch_survivors(
    connection: Connection, workspace: UUID, people: Iterable[UUID]
) -> dict[UUID, UUID]:
    """Of those of these people whom another record answers for: which one."""
    s, asked = SURVIVORS.c, list(people)
    if not asked:
        return {}
    statement = select(s.person_id, s.survivor_id).where(
        s.workspace_id == workspace, any_of(s.person_id, asked)
    )
    return {row["person_id"]: row["survivor_id"] for row in await fetch(connection, statement)}


async def fetch_records(connection: Connection, workspace: UUID, person_id: UUID) -> list[UUID]:
    """All records of a person, the one that answers first."""
    s = SURVIVORS.c
    statement = select(s.person_id).where(s.workspace_id == workspace, s.survivor_id == person_id)
    merged = await fetch(connection, statement.order_by(s.person_id))
    return [person_id, *(row["person_id"] for row in merged)]


def one_of(column: ColumnElement[UUID], ids: Collection[UUID]) -> ColumnElement[Any]:
    """`column` is one of these; mostly there is one only, and its index keeps its order."""
    return column == next(iter(ids)) if len(ids) == 1 else any_of(column, list(ids))
