"""What the stream process tells the API processes: one row per workspace, and a sign of life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.postgres.database import Connection, Database

_PUT = """
insert into live.snapshots (workspace_id, at, snapshot)
select u.w, $1, u.s from unnest($2::uuid[], $3::jsonb[]) as u(w, s)
on conflict (workspace_id) do update set at = excluded.at, snapshot = excluded.snapshot
"""
_DROP = "delete from live.snapshots where not workspace_id = any($1)"
_ALIVE = """
insert into live.stream (at, detail) values ($1, $2)
on conflict (singleton) do update set at = excluded.at, detail = excluded.detail
"""
_READ = """
select s.at, (select snapshot from live.snapshots where workspace_id = $1) as snapshot,
       (select changes from kpi_changes where workspace_id = $1) as changes
  from (select max(at) as at from live.stream) s
"""


async def write(
    database: Database,
    now: datetime,
    changed: Mapping[UUID, Any],
    kept: list[UUID],
    detail: Mapping[str, Any],
) -> None:
    """Tell what changed, drop workspaces in which nothing happens any more, show being alive."""
    async with database.connection(None) as connection, connection.transaction():
        if changed:
            await connection.execute(_PUT, now, list(changed), list(changed.values()))
        await connection.execute(_DROP, kept)
        await connection.execute(_ALIVE, now, detail)


async def read(connection: Connection, workspace: UUID) -> Any:
    """When the stream was alive last, a workspace's snapshot, a count of changes of figures."""
    return await connection.fetchrow(_READ, workspace)
