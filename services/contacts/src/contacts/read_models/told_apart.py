"""Who looks alike and is not the same person? Somebody said so, or took their merge back."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Column, Index, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch
from chassis.projection import Change, Projection, Put, read_table
from contacts.domain.person.events import PersonToldApart, PersonUnmerged

TOLD_APART = read_table(
    "told_apart",
    Column("person_id", Uuid),
    Column("other_id", Uuid),
    Index("told_apart_by_other", "workspace_id", "other_id"),
    key=("person_id", "other_id"),
)


def project(recorded: Recorded[PersonToldApart | PersonUnmerged]) -> Iterable[Change]:
    """A row per pair, the smaller id first. It may come from several streams and says the same."""
    match recorded.event:
        case PersonToldApart() as e:
            yield Put(TOLD_APART, (e.person_id, e.other_id), {})
        case PersonUnmerged() as e:
            smaller, other = sorted((e.person_id, e.from_id))
            yield Put(TOLD_APART, (smaller, other), {})


TOLD_APART_PROJECTION = Projection(
    "told_apart",
    1,
    (PersonToldApart, PersonUnmerged),
    (TOLD_APART,),
    project,
    shared=(TOLD_APART,),
)

# --- fetching


async def fetch_told_apart(connection: Connection, workspace: UUID, person_id: UUID) -> list[UUID]:
    """Those who look like this person and are not."""
    apart = TOLD_APART.c
    found = []
    for own, other in ((apart.person_id, apart.other_id), (apart.other_id, apart.person_id)):
        statement = select(other.label("id")).where(
            apart.workspace_id == workspace, own == person_id
        )
        found += [row["id"] for row in await fetch(connection, statement)]
    return found
