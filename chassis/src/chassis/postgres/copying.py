"""Loads folded rows into bare tables with COPY, in its binary form: for rebuilds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB

from chassis.postgres.database import Connection
from chassis.projection import Key, Row, key_columns


async def load_tables(dsn: str, schema: str, loads: Iterable[tuple[Table, dict[Key, Row]]]) -> None:
    """Load tables in one transaction, over a connection of one's own."""
    connection: Connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for table, rows in loads:
                await copy_rows(connection, schema, table, rows)
    finally:
        await connection.close()


async def copy_rows(connection: Connection, schema: str, table: Table, rows: dict[Key, Row]) -> int:
    """COPY every row that is not gone; returns how many. Columns not set get their defaults."""
    groups: dict[tuple[str, ...], list[tuple[Key, Row]]] = {}
    for key, row in rows.items():
        if not row.gone:
            groups.setdefault((*row.puts, *row.adds), []).append((key, row))
    for names, members in groups.items():
        columns = (*key_columns(table), *names)
        jsons = [at for at, name in enumerate(columns) if isinstance(table.c[name].type, JSONB)]
        await connection.copy_records_to_table(
            table.name,
            schema_name=schema,
            columns=columns,
            records=_with_json(members, jsons) if jsons else _records(members),
        )
    return sum(len(members) for members in groups.values())


def _records(members: Iterable[tuple[Key, Row]]) -> Iterator[tuple[Any, ...]]:
    """Values in the order of the group's columns, which is that of the rows' own."""
    for key, row in members:
        yield (*key, *row.puts.values(), *row.adds.values())


def _with_json(
    members: Iterable[tuple[Key, Row]], jsons: Sequence[int]
) -> Iterator[tuple[Any, ...]]:
    for record in _records(members):
        values = list(record)
        for at in jsons:
            if values[at] is not None:
                values[at] = msgspec.json.encode(values[at]).decode()
        yield tuple(values)
