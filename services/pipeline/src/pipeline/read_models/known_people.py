"""What is a contact's name, which contacts have a given name, and which record answers for one?

After erasure there is no name. `survivor_id`: the record that a contact was merged into.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Index,
    Table,
    Text,
    Uuid,
    any_,
    cast,
    func,
    select,
)

from chassis.events import ERASED, Recorded
from chassis.projection import Change, Projection, Put, read_table
from pipeline.domain.naming import folded
from pipeline.received import (
    PersonAdded,
    PersonErased,
    PersonMerged,
    PersonRenamed,
    PersonUnmerged,
)

KNOWN_PEOPLE_TABLE: Table = read_table(
    "known_people",
    Column("person_id", Uuid),
    Column("name", Text),
    Column("name_folded", Text),
    Column("survivor_id", Uuid),
    Index("known_people_name", "workspace_id", "name_folded"),
    Index("known_people_survivor", "workspace_id", "survivor_id", "person_id"),
    key=("person_id",),
)


KnownEvent = PersonAdded | PersonRenamed | PersonMerged | PersonUnmerged | PersonErased


def project(recorded: Recorded[KnownEvent]) -> Iterable[Change]:
    """One row per contact."""
    event = recorded.event
    if isinstance(event, PersonMerged | PersonUnmerged):
        survivor = event.into_id if isinstance(event, PersonMerged) else None
        yield Put(KNOWN_PEOPLE_TABLE, (event.person_id,), {"survivor_id": survivor})
        return
    if isinstance(event, PersonErased):
        name, name_folded = ERASED, ""
    else:
        name = " ".join(part for part in (event.first_name, event.last_name) if part)
        name_folded = folded(name)
    yield Put(KNOWN_PEOPLE_TABLE, (event.person_id,), {"name": name, "name_folded": name_folded})


KNOWN_PEOPLE = Projection(
    "known_people",
    2,
    (PersonAdded, PersonRenamed, PersonMerged, PersonUnmerged, PersonErased),
    (KNOWN_PEOPLE_TABLE,),
    project,
)

# --- fetching


def records_of(workspace: UUID, person_id: UUID) -> ColumnElement[Any]:
    """All records of a contact, as an array: itself, and those that were merged into it."""
    known = KNOWN_PEOPLE_TABLE.c
    merged = select(func.array_append(func.array_agg(known.person_id), person_id)).where(
        known.workspace_id == workspace, known.survivor_id == person_id
    )
    return any_(cast(merged.scalar_subquery(), ARRAY(Uuid)))
