"""What keeping segments up has before it, in PostgreSQL: whole segments, and moments.

It is queue and progress, no truth: whatever is lost of it is found again when the topics are read
from their beginning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.postgres.database import Connection, Record

SEGMENTING_SCHEMA = """
create schema if not exists segmenting;
grant usage on schema segmenting to $api, $worker;
create table if not exists segmenting.work (
    workspace_id uuid        not null,
    segment_id   uuid        not null,
    round        uuid        not null,
    frozen_from  uuid,
    at           timestamptz not null,
    reached      uuid        not null default '00000000-0000-0000-0000-000000000000',
    done         boolean     not null default false,
    primary key (workspace_id, segment_id)
);
create index if not exists work_to_do on segmenting.work (at) where not done;
grant select on segmenting.work to $api;
grant select, insert, update, delete on segmenting.work to $worker;
alter table segmenting.work enable row level security;
drop policy if exists one_workspace on segmenting.work;
create policy one_workspace on segmenting.work to $api using (workspace_id = log.workspace());
drop policy if exists all_workspaces on segmenting.work;
create policy all_workspaces on segmenting.work to $worker using (true) with check (true);
"""

KIND = "segments"
"""The kind of rows in the due table that are ours."""

_BEGIN = """
insert into segmenting.work (workspace_id, segment_id, round, frozen_from, at)
values ($1, $2, $3, $4, $5)
on conflict (workspace_id, segment_id) do update
   set round = excluded.round, frozen_from = excluded.frozen_from, at = excluded.at,
       reached = default, done = false
 where work.at <= excluded.at
"""
_NEXT = "select * from segmenting.work where not done order by at limit 1"
_REACHED = """
update segmenting.work set reached = $4 where workspace_id = $1 and segment_id = $2 and round = $3
"""
_DONE = """
update segmenting.work set done = true where workspace_id = $1 and segment_id = $2 and round = $3
"""
_EVALUATED = "select segment_id, at from segmenting.work where workspace_id = $1 and done"
_REMEMBER = """
insert into road.due (workspace_id, kind, key, due_at, try_at)
select $1, $2, u.key, u.at, u.at from unnest($3::text[], $4::timestamptz[]) as u(key, at)
on conflict (workspace_id, kind, key) do update
   set due_at = excluded.due_at, try_at = excluded.try_at, attempts = 0, error = null
 where due.due_at <> excluded.due_at
"""
_FORGET = "delete from road.due where workspace_id = $1 and kind = $2 and key = any($3::text[])"
_DUE = """
select workspace_id, key, due_at from road.due
 where kind = $1 and try_at <= $2 order by try_at limit $3 for update skip locked
"""
_PASSED = """
delete from road.due d using unnest($2::uuid[], $3::text[], $4::timestamptz[]) as u(w, key, at)
 where d.workspace_id = u.w and d.kind = $1 and d.key = u.key and d.due_at = u.at
"""
_PARKED = """
select workspace_id, stream from road.parked where (workspace_id, stream) in
       (select * from unnest($1::uuid[], $2::text[]))
"""


async def begin(
    connection: Connection,
    workspace: UUID,
    segment_id: UUID,
    round_: UUID,
    at: datetime,
    frozen_from: UUID | None = None,
) -> None:
    """A whole segment has to be evaluated, or filled with the members of another one."""
    await connection.execute(_BEGIN, workspace, segment_id, round_, frozen_from, at)


async def fetch_next(connection: Connection) -> Record | None:
    """The segment whose turn it is, if any waits."""
    return await connection.fetchrow(_NEXT)


async def note_reached(connection: Connection, work: Record, person_id: UUID | None) -> None:
    """Everybody up to this person is done; None: everybody is. Nothing if it was begun anew."""
    place = (work["workspace_id"], work["segment_id"], work["round"])
    if person_id is None:
        await connection.execute(_DONE, *place)
    else:
        await connection.execute(_REACHED, *place, person_id)


async def fetch_evaluated(connection: Connection, workspace: UUID) -> dict[UUID, datetime]:
    """Which segments everybody was looked at for, as they stood at which moment."""
    return {row["segment_id"]: row["at"] for row in await connection.fetch(_EVALUATED, workspace)}


def key_of(segment_id: UUID, person_id: UUID) -> str:
    """What a moment is kept under."""
    return f"{segment_id}:{person_id}"


async def remember(
    connection: Connection, workspace: UUID, moments: Mapping[str, datetime | None]
) -> None:
    """When to look again, by key; None: not at all."""
    later = {key: at for key, at in moments.items() if at is not None}
    never = [key for key in moments if key not in later]
    if later:
        await connection.execute(_REMEMBER, workspace, KIND, list(later), list(later.values()))
    if never:
        await connection.execute(_FORGET, workspace, KIND, never)


async def fetch_due(connection: Connection, now: datetime, most: int) -> list[Record]:
    """Moments that have come."""
    found: list[Record] = await connection.fetch(_DUE, KIND, now, most)
    return found


async def forget_passed(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """These moments were acted on; those that were moved meanwhile stay."""
    columns = [[row[name] for row in rows] for name in ("workspace_id", "key", "due_at")]
    await connection.execute(_PASSED, KIND, *columns)


async def fetch_parked(
    connection: Connection, streams: Sequence[tuple[UUID, str]]
) -> set[tuple[UUID, str]]:
    """Those of these streams that some read model does not get on with."""
    rows = await connection.fetch(_PARKED, [w for w, _ in streams], [s for _, s in streams])
    return {(row["workspace_id"], row["stream"]) for row in rows}
