"""Puts names beside the ids in rows of deals: companies, contacts, owners, products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, func, select, union_all

from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch
from pipeline.querying import one_of
from pipeline.read_models.known_companies import KNOWN_COMPANIES_TABLE
from pipeline.read_models.known_people import KNOWN_PEOPLE_TABLE
from pipeline.read_models.known_users import KNOWN_USERS_TABLE
from pipeline.read_models.products import PRODUCTS_TABLE

_TABLES = (
    (KNOWN_COMPANIES_TABLE, "company_id", "company"),
    (KNOWN_PEOPLE_TABLE, "person_id", "contact"),
    (KNOWN_USERS_TABLE, "user_id", "owner"),
    (PRODUCTS_TABLE, "product_id", "product"),
)


def named(rows: FromClause) -> Select[*tuple[Any, ...]]:
    """Rows of deals with `company_name`, `contact_name`, `owner_name` and `product_name`. Of a
    contact that was merged, `answering_id` and the name are those of the record that answers."""
    statement = select(rows)
    joined: FromClause = rows
    for table, key, what in _TABLES:
        here = table.c.workspace_id == rows.c.workspace_id
        joined = joined.outerjoin(table, here & (table.c[key] == rows.c[f"{what}_id"]))
        if what != "contact":
            statement = statement.add_columns(table.c.name.label(f"{what}_name"))
    known, answering = KNOWN_PEOPLE_TABLE, KNOWN_PEOPLE_TABLE.alias("answering")
    same = answering.c.workspace_id == rows.c.workspace_id
    joined = joined.outerjoin(answering, same & (answering.c.person_id == known.c.survivor_id))
    statement = statement.add_columns(
        func.coalesce(answering.c.name, known.c.name).label("contact_name"),
        known.c.survivor_id.label("answering_id"),
    )
    return statement.select_from(joined)


async def fetch_names(
    connection: Connection, workspace: UUID, ids: Iterable[UUID | None]
) -> Mapping[UUID, str]:
    """The names of whatever has one of these ids."""
    wanted = {id_ for id_ in ids if id_ is not None}
    if not wanted:
        return {}
    parts = [
        select(table.c[key].label("id"), table.c.name.label("name")).where(
            table.c.workspace_id == workspace, one_of(table.c[key], wanted)
        )
        for table, key, _ in _TABLES
    ]
    return {row["id"]: row["name"] for row in await fetch(connection, union_all(*parts))}


def with_names(row: Mapping[str, Any], names: Mapping[UUID, str]) -> dict[str, Any]:
    """A row of a deal with the names found for its ids."""
    found = {f"{what}_name": names.get(row[f"{what}_id"]) for _, _, what in _TABLES}
    return dict(row) | found
