"""Takes a backup while the platform runs: every service's store as of one moment.

Between services there is no common transaction; what makes the moment is that nobody consumes in
it: the lanes of all services are held (`road.offsets` is locked, writes go on) until every service
has its snapshot. So whatever a service has seen of another's events is in the other's snapshot.

Left out is what can be rebuilt: read models, and the lane that keeps them up; keys of others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import Any

import psycopg2
from psycopg2 import sql

from chassis.backup.archive import BackupFile, Writer
from chassis.errors import Unavailable
from chassis.lane import REACTIONS
from chassis.setup import database_of, in_database

ERASED = "destroyed keys"
"""Not a table: the keys that sealed events and are gone; no older backup is to bring them back."""

DESTROYED = """
select distinct e.workspace_id, e.key_id from log.events e
 where e.key_id is not null and not exists (
       select from log.subject_keys k
        where k.workspace_id = e.workspace_id and k.key_id = e.key_id)
"""
_HOLD_MOST = "30s"
_TABLES = """
select n.nspname || '.' || c.relname, array_agg(a.attname::text order by a.attnum)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                     and a.attgenerated = ''
 where c.relkind = 'r' and n.nspname not like 'pg\\_%%'
   and n.nspname not in ('public', 'information_schema')
   and not exists (select from road.generations g
                    where g.name || '_g' || g.generation = n.nspname)
 group by 1 order by 1
"""
_LEFT_OUT = frozenset({"road.generations", "road.known_keys", "road.workers"})
_IN_PART = {
    "road.offsets": f"lane = '{REACTIONS}'",
    "road.guards": f"lane = '{REACTIONS}'",
    "road.parked": "projection like 'reaction:%'",
    "road.parked_events": "projection like 'reaction:%'",
}

Told = Callable[[str, int, int], None]
"""Told what is being copied, how many services are done, and how many there are."""


def take(services: Sequence[str], postgres: str, file: BackupFile, told: Told) -> None:
    """Add everything of these services to a backup. `postgres`: an administrator's address.

    Raises Unavailable if a lane cannot be held, since something long holds it.
    """
    with ExitStack() as stack:
        addresses = {name: in_database(postgres, database_of(name)) for name in services}
        cursors = _snapshots(stack, addresses)
        for number, (name, cursor) in enumerate(cursors.items()):
            told(name, number, len(cursors))
            _copy_all(file, name, cursor)
        told("done", len(cursors), len(cursors))


def _snapshots(stack: ExitStack, addresses: dict[str, str]) -> dict[str, Any]:
    """A cursor per service; together they see one moment."""
    cursors = {}
    with ExitStack() as holding:
        for name, address in addresses.items():
            _hold(holding.enter_context(closing(psycopg2.connect(address))).cursor(), name)
        for name, address in addresses.items():
            connection = stack.enter_context(closing(psycopg2.connect(address)))
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            cursors[name] = connection.cursor()
            cursors[name].execute("select 1")  # the first statement takes the snapshot
    return cursors


def _hold(cursor: Any, name: str) -> None:
    cursor.execute("select set_config('lock_timeout', %s, true)", (_HOLD_MOST,))
    try:
        cursor.execute("lock table road.offsets in share row exclusive mode")
    except psycopg2.errors.LockNotAvailable as error:
        raise Unavailable(
            f"The lanes of {name} have been held for {_HOLD_MOST} by something else: a rebuild or "
            "a comparison. Try again when it is done."
        ) from error


def _copy_all(file: BackupFile, service: str, cursor: Any) -> None:
    cursor.execute(_TABLES)
    for table, columns in cursor.fetchall():
        if table not in _LEFT_OUT:
            _copy(file, service, cursor, table, tuple(columns))
    columns = ("workspace_id", "key_id")
    file.add(service, ERASED, columns, lambda to: _copied(cursor, sql.SQL(DESTROYED), to))


def _copy(
    file: BackupFile, service: str, cursor: Any, table: str, columns: tuple[str, ...]
) -> None:
    query = sql.SQL("select {} from {}").format(listed(columns), qualified(table))
    if table in _IN_PART:
        query += sql.SQL(" where " + _IN_PART[table])
    file.add(service, table, columns, lambda to: _copied(cursor, query, to))


def _copied(cursor: Any, query: Any, to: Writer) -> int:
    cursor.copy_expert(sql.SQL("copy ({}) to stdout").format(query), to)
    return int(cursor.rowcount)


def listed(columns: Sequence[str]) -> Any:
    """Columns as SQL."""
    return sql.SQL(", ").join(sql.Identifier(column) for column in columns)


def qualified(table: str) -> Any:
    """`schema.table` as SQL."""
    return sql.Identifier(*table.split(".", 1))
