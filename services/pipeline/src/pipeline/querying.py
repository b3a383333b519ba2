"""What several read models need to ask their questions: conditions, and ids by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Table, any_, literal, or_, select, tuple_

from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch

Owners = frozenset[UUID] | None
"""Whose records somebody may see; None: everybody's."""


def one_of(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether a column has one of these values: one statement, however many there are."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def visible_to(column: ColumnElement[Any], owners: Owners) -> list[ColumnElement[bool]]:
    """Only records of these owners; one without an owner is everybody's."""
    return [] if owners is None else [or_(column.is_(None), one_of(column, owners))]


def beyond(
    columns: Sequence[ColumnElement[Any]], values: Sequence[Any], *, descending: bool
) -> ColumnElement[bool]:
    """Rows after a position, as a comparison of rows: that is where an index scan can begin."""
    here = tuple_(*(literal(v, c.type) for c, v in zip(columns, values, strict=True)))
    return tuple_(*columns) < here if descending else tuple_(*columns) > here


async def ids_by_name(
    connection: Connection,
    workspace: UUID,
    table: Table,
    column: str,
    names: Iterable[str],
) -> Mapping[str, Sequence[UUID]]:
    """Ids by folded name, for all these folded names at once."""
    statement = (
        select(table.c.name_folded, table.c[column].label("id"))
        .where(table.c.workspace_id == workspace, one_of(table.c.name_folded, set(names)))
        .order_by(table.c[column])
    )
    if "survivor_id" in table.c:  # one that was merged goes by the name of another record
        statement = statement.where(table.c.survivor_id.is_(None))
    found: dict[str, list[UUID]] = defaultdict(list)
    for row in await fetch(connection, statement):
        found[row["name_folded"]].append(row["id"])
    return found


def whole_days(since: datetime, until: datetime) -> int:
    """Full days between two moments, never less than none."""
    return max(0, (until - since).days)
