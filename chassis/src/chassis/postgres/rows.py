"""Writes folded row changes: each row once, as arrays, one statement per table and column set."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB, dialect

from chassis.postgres.database import Connection
from chassis.projection import Fold, Key, Row, key_columns

_DIALECT = dialect()  # type: ignore[no-untyped-call]


async def write_rows(connection: Connection, schema: str, fold: Fold) -> None:
    """Write what a fold holds into the tables of one generation."""
    for table, prefixes in fold.prefixes.items():
        for prefix in prefixes:
            await connection.execute(_delete_prefix(table, schema, len(prefix)), *prefix)
    for table, rows in fold.rows.items():
        await _delete(connection, table, schema, [key for key, row in rows.items() if row.fresh])
        groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[Key, Row]]]
        groups = defaultdict(list)
        for key, row in rows.items():
            if not row.gone:
                groups[tuple(row.puts), tuple(row.adds)].append((key, row))
        for (puts, adds), members in groups.items():
            keys = list(zip(*(key for key, _ in members), strict=True))
            columns = [list(values) for values in keys]
            columns += [
                _sendable(table, name, [row.puts[name] for _, row in members]) for name in puts
            ]
            columns += [[row.adds[name] for _, row in members] for name in adds]
            await connection.execute(_upsert(table, schema, puts, adds), *columns)


def _sendable(table: Table, name: str, values: list[Any]) -> list[Any]:
    """JSON goes as text: asyncpg would take a list among the values for another dimension."""
    if not isinstance(table.c[name].type, JSONB):
        return values
    return [None if value is None else msgspec.json.encode(value).decode() for value in values]


async def _delete(connection: Connection, table: Table, schema: str, keys: list[Key]) -> None:
    if keys:
        columns = [list(values) for values in zip(*keys, strict=True)]
        await connection.execute(_delete_keys(table, schema), *columns)


@lru_cache(maxsize=4096)
def _upsert(table: Table, schema: str, puts: tuple[str, ...], adds: tuple[str, ...]) -> str:
    keys = key_columns(table)
    names = (*keys, *puts, *adds)
    values = ", ".join(f"u.c{i}" for i in range(len(names)))
    sets = [f"{_quoted(name)} = excluded.{_quoted(name)}" for name in puts]
    sets += [f"{_quoted(name)} = t.{_quoted(name)} + excluded.{_quoted(name)}" for name in adds]
    action = f"do update set {', '.join(sets)}" if sets else "do nothing"
    return (
        f"insert into {schema}.{table.name} as t ({', '.join(map(_quoted, names))}) "  # noqa: S608
        f"select {values} from unnest({_arrays(table, names)}) as u({_aliases(names)}) "
        f"on conflict ({', '.join(map(_quoted, keys))}) {action}"
    )


@lru_cache(maxsize=4096)
def _delete_keys(table: Table, schema: str) -> str:
    names = key_columns(table)
    same = " and ".join(f"t.{_quoted(name)} = u.c{i}" for i, name in enumerate(names))
    return (
        f"delete from {schema}.{table.name} t "  # noqa: S608
        f"using unnest({_arrays(table, names)}) as u({_aliases(names)}) where {same}"
    )


@lru_cache(maxsize=4096)
def _delete_prefix(table: Table, schema: str, length: int) -> str:
    names = key_columns(table)[:length]
    same = " and ".join(f"{_quoted(name)} = ${i}" for i, name in enumerate(names, start=1))
    return f"delete from {schema}.{table.name} where {same}"  # noqa: S608


def _arrays(table: Table, names: tuple[str, ...]) -> str:
    return ", ".join(f"${i}::{_sent_as(table, name)}[]" for i, name in enumerate(names, start=1))


def _aliases(names: tuple[str, ...]) -> str:
    return ", ".join(f"c{i}" for i in range(len(names)))


def _sent_as(table: Table, name: str) -> str:
    """The type of a column's values; a collation, if it has one, is the column's own affair."""
    return str(table.c[name].type.compile(dialect=_DIALECT)).partition(" COLLATE ")[0]


def _quoted(name: str) -> str:
    return f'"{name}"'
