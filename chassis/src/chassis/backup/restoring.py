"""Brings a service's store back from a backup, beside whatever is there, and puts it in its place.

The store is filled under another name and takes the service's name when it is complete: whoever is
ended before has changed nothing. Keys that were destroyed since the backup do not come back.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2 import sql
from psycopg2.extras import execute_values

from chassis.backup.archive import Backup, Content
from chassis.backup.taking import DESTROYED, ERASED, listed, qualified
from chassis.errors import Unavailable
from chassis.kafka.reading import KeyPlace
from chassis.lane import LIVE
from chassis.manifest import Manifest
from chassis.setup import database_of, in_database, make_store, transaction
from chassis.vault import Keyring

_IDENTITIES = """
select table_schema, table_name, column_name from information_schema.columns
 where is_identity = 'YES'
"""
_OF_THE_LOG = ("log", "road")
_COUNT_ON = """
select setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false) from {}
"""
_DESTROY = """
with gone as (
    delete from log.subject_keys k using (values %s) as d (workspace_id, key_id)
     where k.workspace_id = d.workspace_id::uuid and k.key_id = d.key_id::uuid
    returning k.workspace_id, k.subject)
select workspace_id, subject from gone
"""
_DROP_NOTICES = """
delete from log.key_outbox k using (values %s) as d (workspace_id, key_id)
 where k.workspace_id = d.workspace_id::uuid and k.key_id = d.key_id::uuid
   and k.wrapped is not null
"""
# Only for what a destroyed key takes along here, by triggers: see chassis.imports.store.
_KNOW = """
insert into road.known_keys (workspace_id, key_id, wrapped) values %s on conflict do nothing
"""
_FORGET = """
delete from road.known_keys k using (values %s) as d (workspace_id, key_id)
 where k.workspace_id = d.workspace_id::uuid and k.key_id = d.key_id::uuid
"""
_TO_BE_REBUILT = """
insert into road.guards (lane, workspace_id, stream, version) values (%s, %s, 'restored', 1)
"""
_END_ERRANDS = """
update road.errands set status = 'failed', result = 'The store was restored meanwhile.'
 where status in ('asked', 'running')
"""


@dataclass(frozen=True, slots=True)
class Store:
    """A service's store to be: of which service, where, under which key."""

    manifest: Manifest
    postgres: str
    keyring: Keyring

    @property
    def service(self) -> str:
        """Whose."""
        return self.manifest.service

    @property
    def beside(self) -> str:
        """The name of the database while it is being filled."""
        return f"{database_of(self.service)}_restoring"

    def make(self) -> str:
        """An empty one beside; its address for an administrator."""
        _drop(self.postgres, self.beside)
        make_store(self.manifest, self.postgres, self.keyring, self.beside)
        return in_database(self.postgres, self.beside)

    def put_in_place(self) -> None:
        """Let it take the place of the one that is there, if any. Whoever is connected to that one
        is hung up on, and finds this one."""
        _drop(self.postgres, database_of(self.service))
        rename = "alter database {} rename to {}"
        with closing(psycopg2.connect(self.postgres)) as connection:
            connection.autocommit = True
            names = (sql.Identifier(n) for n in (self.beside, database_of(self.service)))
            connection.cursor().execute(sql.SQL(rename).format(*names))


def _drop(postgres: str, name: str) -> None:
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        connection.cursor().execute(drop)


def is_there(service: str, postgres: str) -> bool:
    """Whether a service has a database."""
    with transaction(postgres) as cursor:
        name = database_of(service)
        cursor.execute("select exists (select from pg_database where datname = %s)", (name,))
        return bool(cursor.fetchone()[0])


def events_in(service: str, postgres: str) -> int:
    """How many events a service's store holds; 0 too if there is none."""
    if not is_there(service, postgres):
        return 0
    with transaction(in_database(postgres, database_of(service))) as cursor:
        cursor.execute("select to_regclass('log.events') is not null")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("select count(*) from log.events")
        return int(cursor.fetchone()[0])


def destroyed_in(service: str, postgres: str) -> set[KeyPlace]:
    """The keys that a store which is there knows to be destroyed."""
    if not events_in(service, postgres):
        return set()
    with transaction(in_database(postgres, database_of(service))) as cursor:
        cursor.execute(DESTROYED)
        return {(UUID(workspace), UUID(key_id)) for workspace, key_id in cursor.fetchall()}


def destroyed_by(backup: Backup) -> set[KeyPlace]:
    """The keys that were destroyed when a backup was taken."""
    found = set()
    for content in backup.manifest.contents:
        if content.table != ERASED:
            continue
        with backup.reader(content) as file:
            for line in file.read().decode().splitlines():
                workspace, key_id = line.split("\t")
                found.add((UUID(workspace), UUID(key_id)))
    return found


def fill(store: Store, backup: Backup, destroyed: Iterable[KeyPlace]) -> list[KeyPlace]:
    """Fill the store beside from a backup; returns the workspaces and ids of the persons whose
    keys do not come back."""
    address = store.make()
    since = sorted(set(destroyed) - destroyed_by(backup))
    with transaction(address) as cursor:
        for content in backup.of(store.service):
            if content.table != ERASED:
                _load(cursor, backup, content)
        erased = _destroy(cursor, since)
        count_on(cursor)
        leave_to_be_rebuilt(cursor)
        cursor.execute(_END_ERRANDS)
    return erased


def fill_rest(cursor: Any, backup: Backup, service: str) -> int:
    """Fill what no event tells (passwords, tokens, imports) into a store whose log is there
    already; returns how many rows. What a destroyed key had sealed does not come back."""
    rows = 0
    for content in backup.of(service):
        if content.table != ERASED and content.table.split(".")[0] not in _OF_THE_LOG:
            _load(cursor, backup, content)
            rows += content.rows
    cursor.execute(DESTROYED)
    if gone := [(str(workspace), str(key_id)) for workspace, key_id in cursor.fetchall()]:
        _forget(cursor, gone)
    return rows


def _load(cursor: Any, backup: Backup, content: Content) -> None:
    cursor.execute("select to_regclass(%s) is not null", (content.table,))
    if not cursor.fetchone()[0]:
        raise Unavailable(
            f"The backup holds {content.table} of {content.service}, which this release does not "
            "know: restore it with the release that took it, or a later one."
        )
    table = qualified(content.table)
    cursor.execute(sql.SQL("select exists (select from {})").format(table))
    if cursor.fetchone()[0]:  # what a schema begins with
        cursor.execute(sql.SQL("delete from {}").format(table))
    statement = sql.SQL("copy {} ({}) from stdin").format(table, listed(content.columns))
    with backup.reader(content) as file:
        cursor.copy_expert(statement, file)
    if cursor.rowcount != content.rows:
        raise Unavailable(f"{content.member}: {cursor.rowcount} rows instead of {content.rows}")


def _destroy(cursor: Any, destroyed: list[KeyPlace]) -> list[KeyPlace]:
    if not destroyed:
        return []
    values = [(str(workspace), str(key_id)) for workspace, key_id in destroyed]
    execute_values(cursor, _DROP_NOTICES, values, page_size=len(values))
    gone = execute_values(cursor, _DESTROY, values, page_size=len(values), fetch=True)
    _forget(cursor, values)
    return [(UUID(workspace), UUID(subject)) for workspace, subject in gone]


def _forget(cursor: Any, keys: list[tuple[str, str]]) -> None:
    known = [(*key, b"") for key in keys]
    execute_values(cursor, _KNOW, known, page_size=len(keys))
    execute_values(cursor, _FORGET, keys, page_size=len(keys))


def count_on(cursor: Any) -> None:
    """Let what is numbered go on after the highest number there is; readers of the feed are told
    that numbers after it mean other events than they did."""
    cursor.execute("select log.number_anew()")
    cursor.execute(_IDENTITIES)
    for schema, table, column in cursor.fetchall():
        query = (
            "select setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false) from {}"
        )
        cursor.execute(
            sql.SQL(query).format(
                sql.Literal(f'"{schema}"."{table}"'),
                sql.Literal(column),
                sql.Identifier(column),
                sql.Identifier(schema, table),
            )
        )


def leave_to_be_rebuilt(cursor: Any) -> None:
    """Where a lane has seen something, set-up makes no empty read models that would answer while
    they are still being filled: they are rebuilt, and answer when they are complete."""
    cursor.execute(_TO_BE_REBUILT, (LIVE, str(UUID(int=0))))
