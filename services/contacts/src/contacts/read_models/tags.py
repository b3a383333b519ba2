"""Which tags are there, and how many people carry each?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Text, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch
from chassis.projection import Add, Change, Projection, read_table
from contacts.domain.person.events import (
    PersonAdded,
    PersonErased,
    PersonMerged,
    PersonTagged,
    PersonUnmerged,
    PersonUntagged,
)
from contacts.domain.words import folded

TAGS = read_table(
    "tags",
    Column("tag", Text),
    Column("people", BigInteger, nullable=False, server_default="0"),
    key=("tag",),
)


TaggingEvent = (
    PersonAdded | PersonTagged | PersonUntagged | PersonMerged | PersonUnmerged | PersonErased
)


def project(recorded: Recorded[TaggingEvent]) -> Iterable[Change]:
    """One more, one less, for each spelling."""
    match recorded.event:
        case PersonAdded() | PersonUnmerged() as e:
            for tag in e.tags:
                yield Add(TAGS, (tag,), {"people": 1})
        case PersonTagged() as e:
            yield Add(TAGS, (e.tag,), {"people": 1})
        case PersonUntagged() as e:
            yield Add(TAGS, (e.tag,), {"people": -1})
        case PersonErased() | PersonMerged() as e:
            for tag in e.tags:
                yield Add(TAGS, (tag,), {"people": -1})


TAGS_PROJECTION = Projection(
    "tags",
    2,
    (PersonAdded, PersonTagged, PersonUntagged, PersonMerged, PersonUnmerged, PersonErased),
    (TAGS,),
    project,
    shared=(TAGS,),
)


async def fetch_tags(connection: Connection, workspace: UUID) -> list[dict[str, Any]]:
    """Tags in use, the most used first. Spellings of one tag are one, shown as most people
    carry it."""
    statement = (
        select(TAGS.c.tag, TAGS.c.people)
        .where(TAGS.c.workspace_id == workspace, TAGS.c.people > 0)
        .order_by(TAGS.c.people.desc(), TAGS.c.tag)
    )
    tags: dict[str, dict[str, Any]] = {}
    for row in await fetch(connection, statement):
        shown = tags.setdefault(folded(row["tag"]), {"tag": row["tag"], "count": 0})
        shown["count"] += row["people"]
    return sorted(tags.values(), key=lambda tag: (-tag["count"], folded(tag["tag"])))
