"""All people whom a list has, or whom one sees: who they are, how many, and in which groups."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, literal, select

from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch, fetch_value
from contacts.read_models.known_users import visible
from contacts.read_models.people import (
    PEOPLE,
    PERSON_TAGS,
    PeopleWanted,
    narrowed_by,
    wanted_people,
)

ID_BYTES = 16


def everybody(page: Select[Any]) -> Select[Any]:
    """The ids of all people of whom this is a page, in no order."""
    ids = page.with_only_columns(PEOPLE.c.person_id, maintain_column_froms=True)
    return ids.order_by(None).limit(None)


async def fetch_size(connection: Connection, wanted: PeopleWanted) -> int:
    """How many people a list has."""
    ids = everybody(wanted_people(wanted, await narrowed_by(connection, wanted)))
    return int(await fetch_value(connection, select(func.count()).select_from(ids.subquery())))


async def fetch_everybody(connection: Connection, wanted: PeopleWanted) -> bytes:
    """The ids of all people of a list, ID_BYTES each: a million of them are one value."""
    ids = everybody(wanted_people(wanted, await narrowed_by(connection, wanted))).subquery()
    packed = func.string_agg(func.uuid_send(ids.c.person_id), literal(b""))
    return bytes(await fetch_value(connection, select(packed)) or b"")


async def fetch_group_sizes(
    connection: Connection, workspace: UUID, owners: frozenset[UUID] | None
) -> dict[str, dict[str, int]]:
    """How many people there are by tag, by country and by the month they were added in."""
    p, t = PEOPLE.c, PERSON_TAGS.c
    month = func.to_char(func.timezone("UTC", p.created_at), "YYYY-MM")
    sizes = {}
    for name, key in (
        ("by_tag", t.folded),
        ("by_country", func.coalesce(p.country_key, "")),
        ("by_month", month),
    ):
        statement = select(key.label("key"), func.count().label("people")).where(
            p.workspace_id == workspace, p.merged_into.is_(None), *visible(p.owner_id, owners)
        )
        if name == "by_tag":
            carried = and_(t.workspace_id == workspace, t.person_id == p.person_id)
            statement = statement.join(PERSON_TAGS, carried)
        rows = await fetch(connection, statement.group_by(key))
        sizes[name] = {row["key"]: row["people"] for row in rows}
    return sizes
