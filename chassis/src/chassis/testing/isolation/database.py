"""What the database holds of a workspace, and whether the role that answers requests gets at it.

Tables are found in the catalogue, not listed: a new one is tried as soon as it is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg

from chassis.postgres.database import Connection, dsn_for
from chassis.testing.service_bench import MASTER_KEY
from chassis.vault import Keyring

_PARK = """
insert into road.parked (projection, workspace_id, stream, cause, error)
values ($1, $2, $3, 'failed', 'ValueError: this one is bad')
"""
_TABLES = """
select n.nspname || '.' || c.relname as name,
       exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id')
         as of_workspaces,
       has_table_privilege($1, c.oid, 'select') as may_read,
       has_table_privilege($1, c.oid, 'insert') as may_insert,
       has_table_privilege($1, c.oid, 'delete') as may_delete
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
   and n.nspname not like 'pg_toast%'
   and has_schema_privilege($1, n.oid, 'usage')
 order by 1
"""
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NO_RIGHT = "42501"


@dataclass(frozen=True, slots=True)
class Premises:
    """A workspace as the database's superuser sees it: rows by table, and every id in them."""

    workspace: UUID
    rows: Mapping[str, tuple[str, ...]]
    ids: tuple[str, ...]


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


def _admin_dsn(postgres: str, service: str) -> str:
    return urlunsplit(urlsplit(postgres)._replace(path=f"/everlog_{service}"))


async def premises_of(postgres: str, service: str, workspace: UUID) -> Premises:
    """Everything that any table of a service holds of a workspace."""
    rows: dict[str, tuple[str, ...]] = {}
    async with _connected(_admin_dsn(postgres, service)) as admin:
        for table in await admin.fetch(_TABLES, f"everlog_{service}_worker"):
            if table["of_workspaces"]:
                query = (
                    f"select to_json(r)::text from {table['name']} r "  # noqa: S608
                    "where workspace_id = $1 order by 1"
                )
                found = await admin.fetch(query, workspace)
                rows[table["name"]] = tuple(row[0] for row in found)
    return Premises(workspace, rows, _ids(rows))


def _ids(rows: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The ids by which something can be asked for: of aggregates, one event, jobs, files …"""
    found: dict[str, None] = {}
    for table, texts in rows.items():
        for number, text in enumerate(texts):
            row = json.loads(text)
            for name in ("stream", "id"):
                of_an_event = table == "log.events" and name == "id" and number > 0
                if name in row and not of_an_event:
                    found.update(dict.fromkeys(_ID.findall(str(row[name]))))
    return tuple(found)


async def park(postgres: str, service: str, workspace: UUID, read_model: str, stream: str) -> None:
    """Let a sequence of a workspace be parked, so that there is one to look at."""
    async with _connected(_admin_dsn(postgres, service)) as admin:
        await admin.execute(_PARK, read_model, workspace, stream)


async def try_by_sql(
    postgres: str, service: str, premises: Premises, intruder: UUID, shared: Sequence[str]
) -> list[str]:
    """What the role that answers requests gets at for another workspace; empty: nothing.

    `shared`: the tables without a workspace that it may read.
    """
    role = f"everlog_{service}_api"
    own = dsn_for(postgres, service, "api", Keyring(bytes.fromhex(MASTER_KEY)))
    found = []
    async with _connected(_admin_dsn(postgres, service)) as admin, _connected(own) as connection:
        tables = await admin.fetch(_TABLES, role)
        for scope in (str(intruder), ""):
            await connection.execute("select set_config('everlog.workspace', $1, false)", scope)
            for table in tables:
                if table["of_workspaces"]:
                    found += await _try_table(admin, connection, table, premises)
    open_to_all = {t["name"] for t in tables if t["may_read"] and not t["of_workspaces"]}
    found += [f"{name} knows no workspaces" for name in sorted(open_to_all - set(shared))]
    found += [f"{name} need not be shared any more" for name in set(shared) - open_to_all]
    return found


async def _try_table(
    admin: Connection, connection: Connection, table: Any, premises: Premises
) -> list[str]:
    name, found = table["name"], []
    if table["may_read"]:
        query = f"select count(*) from {name} where workspace_id = $1"  # noqa: S608
        if await connection.fetchval(query, premises.workspace):
            found.append(f"{name} can be read")
    if table["may_delete"]:
        deleted = await connection.execute(
            f"delete from {name} where workspace_id = $1",  # noqa: S608 - a name from the catalogue
            premises.workspace,
        )
        if deleted != "DELETE 0":
            found.append(f"{name} can be deleted from")
    if table["may_insert"] and premises.rows.get(name):
        found += await _try_insert(admin, connection, name, premises.workspace)
    return found


async def _try_insert(
    admin: Connection, connection: Connection, name: str, workspace: UUID
) -> list[str]:
    """Write a row of theirs once more: the right to must be missing, not the room."""
    row = await admin.fetchval(
        f"select to_json(r)::text from {name} r where workspace_id = $1 limit 1",  # noqa: S608
        workspace,
    )
    try:
        async with connection.transaction():
            await connection.execute(
                f"insert into {name} overriding system value "  # noqa: S608
                f"select * from json_populate_record(null::{name}, $1::json)",
                row,
            )
    except asyncpg.PostgresError as error:
        return [] if error.sqlstate == _NO_RIGHT else [f"{name} can be written to: {error}"]
    return [f"{name} can be written to"]
