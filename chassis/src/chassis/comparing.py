"""Compares two physical forms of a read model, table by table, to the byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Table

from chassis.errors import Poison
from chassis.postgres.database import Connection
from chassis.postgres.generations import schema_of
from chassis.projection import Projection, key_columns

COMPARES_WITHIN_S = 600.0
"""Each table is read from its beginning to its end: ask for a connection that is so patient."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One table, live and as a fold of the log gives it: rows and digest of each."""

    table: str
    live_rows: int
    live_digest: str
    fold_rows: int
    fold_digest: str

    @property
    def equal(self) -> bool:
        """Whether they are the same to the byte."""
        return self.live_digest == self.fold_digest


async def compare_tables(
    connection: Connection, projection: Projection, generation: int
) -> list[Compared]:
    """The live tables and those of another generation, as they are in this transaction.

    Raises Poison if no generation answers.
    """
    live = await connection.fetchval(
        "select generation from road.generations where name = $1 and status = 'live'",
        projection.name,
    )
    if live is None:
        raise Poison(f"No generation of {projection.name} answers.")
    found = []
    for table in projection.tables:
        here = await digest_of(connection, schema_of(projection.name, live), table)
        there = await digest_of(connection, schema_of(projection.name, generation), table)
        found.append(Compared(table.name, *here, *there))
    return found


async def digest_of(connection: Connection, schema: str, table: Table) -> tuple[int, str]:
    """How many rows a table has, and a digest over all of them in key order."""
    order = ", ".join(f't."{name}"' for name in key_columns(table))
    row = await connection.fetchrow(
        f"select count(*) as rows, coalesce(md5(string_agg(md5(t::text), '' order by {order})), '')"  # noqa: S608
        f" as digest from {schema}.{table.name} t"
    )
    return row["rows"], row["digest"]


def digest_of_all(tables: Iterable[Compared]) -> str:
    """One digest for a read model: over those of its live tables, by name."""
    parts = sorted(f"{each.table} {each.live_rows} {each.live_digest}" for each in tables)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def verdict(name: str, tables: Iterable[Compared]) -> str:
    """What a comparison says, in a sentence. Raises Poison if the tables differ."""
    found = list(tables)
    differing = [
        f"{each.table} ({each.live_rows} rows, {each.fold_rows} in the other)"
        for each in found
        if not each.equal
    ]
    if differing:
        raise Poison(f"{name} differs: {', '.join(differing)}")
    rows = sum(each.live_rows for each in found)
    return f"{name}: equal, {rows} rows, digest {digest_of_all(found)}"
