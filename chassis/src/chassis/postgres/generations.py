"""The physical forms of read models: each generation is a schema of its own.

Read models are never migrated: a new version, or a rebuild, fills a new generation beside the live
one, and one row says which generation answers. Synchronous (psycopg2): set-up, rebuilds, repairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import MetaData, Table
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.schema import CreateColumn, CreateIndex

from chassis.lane import LIVE
from chassis.projection import Projection, key_columns

Cursor: TypeAlias = Any

_DIALECT = dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Standing:
    """A generation as the database knows it."""

    name: str
    generation: int
    version: int
    lane: str
    status: str


def schema_of(name: str, generation: int) -> str:
    """The schema a generation lies in."""
    return f"{name}_g{generation}"


def standings(cursor: Cursor) -> list[Standing]:
    """All generations that are not retired."""
    cursor.execute(
        "select name, generation, version, lane, status from road.generations "
        "where status <> 'retired' order by name, generation"
    )
    return [Standing(*row) for row in cursor.fetchall()]


def register(cursor: Cursor, projection: Projection, *, lane: str, status: str) -> int:
    """A new generation of a read model; returns its number. Its tables are not made yet."""
    cursor.execute(
        "insert into road.generations (name, generation, version, lane, status, live_at) "
        "select %s, coalesce(max(generation), 0) + 1, %s, %s, %s, "
        "case when %s = 'live' then now() end from road.generations where name = %s "
        "returning generation",
        (projection.name, projection.version, lane, status, status, projection.name),
    )
    return int(cursor.fetchone()[0])


def make_tables(cursor: Cursor, projection: Projection, generation: int) -> None:
    """The schema and the bare tables of a generation, without key and indexes."""
    schema = schema_of(projection.name, generation)
    cursor.execute(f"create schema {schema}")
    for table in _placed(projection.tables, schema):
        columns = ", ".join(str(CreateColumn(c).compile(dialect=_DIALECT)) for c in table.columns)
        cursor.execute(f"create table {schema}.{table.name} ({columns})")


def finish_tables(cursor: Cursor, projection: Projection, generation: int, api_role: str) -> None:
    """Key, indexes, row-level security and the right to read, once the tables are loaded."""
    schema = schema_of(projection.name, generation)
    cursor.execute(f"grant usage on schema {schema} to {api_role}")
    for table in _placed(projection.tables, schema):
        key = ", ".join(f'"{name}"' for name in key_columns(table))
        cursor.execute(f"alter table {schema}.{table.name} add primary key ({key})")
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            cursor.execute(str(CreateIndex(index).compile(dialect=_DIALECT)))
        name = f"{schema}.{table.name}"
        cursor.execute(f"alter table {name} enable row level security")
        cursor.execute(
            f"create policy one_workspace on {name} for select to {api_role} "
            "using (workspace_id = log.workspace())"
        )
        cursor.execute(f"grant select on {name} to {api_role}")
        cursor.execute(f"analyze {name}")


def drop(cursor: Cursor, name: str, generation: int) -> None:
    """Retire a generation: its tables go, its row stays for the record."""
    cursor.execute(f"drop schema if exists {schema_of(name, generation)} cascade")
    cursor.execute(
        "update road.generations set status = 'retired' where name = %s and generation = %s",
        (name, generation),
    )


def make_first(cursor: Cursor, projections: Iterable[Projection], api_role: str) -> list[str]:
    """Give every read model a generation. Returns the names of those that have to be rebuilt.

    While the live lane has read nothing yet, a new read model simply joins it, empty as it is.
    """
    cursor.execute("select pg_advisory_xact_lock(hashtext('everlog generations'))")
    cursor.execute(
        "select exists (select from road.offsets where lane = %s and next_offset > 0) "
        "or exists (select from road.guards where lane = %s)",
        (LIVE, LIVE),
    )
    untouched = not cursor.fetchone()[0]
    live = {s.name: s for s in standings(cursor) if s.status == "live"}
    behind = []
    for projection in projections:
        standing = live.get(projection.name)
        if standing is not None and standing.version == projection.version:
            continue
        if standing is not None or not untouched:
            behind.append(projection.name)
            continue
        generation = register(cursor, projection, lane=LIVE, status="live")
        make_tables(cursor, projection, generation)
        finish_tables(cursor, projection, generation, api_role)
    return behind


def _placed(tables: Iterable[Table], schema: str) -> list[Table]:
    metadata = MetaData()
    return [table.to_metadata(metadata, schema=schema) for table in tables]
