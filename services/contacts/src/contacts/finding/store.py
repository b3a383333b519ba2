"""What was compared and what came of it, in PostgreSQL.

This is no read model, which may not look at other rows while it is made; it is made anew from one
at any time, by forgetting what was compared. It holds no personal data, only hashes and numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from chassis.postgres.database import Connection, Record
from contacts.domain.duplicates.blocking import BLOCK_MOST
from contacts.domain.duplicates.comparing import Agreement
from contacts.domain.duplicates.model import Model

DUPLICATES_SCHEMA = """
create schema if not exists duplicates;
grant usage on schema duplicates to $api, $worker;
create table if not exists duplicates.models (
    workspace_id uuid  not null primary key,
    model        bytea not null
);
create table if not exists duplicates.compared (
    workspace_id uuid     not null,
    person_id    uuid     not null,
    version      bigint   not null,
    keys         bigint[] not null,
    primary key (workspace_id, person_id)
);
create table if not exists duplicates.keys (
    workspace_id uuid   not null,
    key          bigint not null,
    person_id    uuid   not null,
    primary key (workspace_id, key, person_id)
);
create table if not exists duplicates.pairs (
    workspace_id uuid   not null,
    left_id      uuid   not null,
    right_id     uuid   not null,
    agreement    bytea  not null,
    probability  float8 not null,
    primary key (workspace_id, left_id, right_id)
);
create index if not exists pairs_by_right on duplicates.pairs (workspace_id, right_id);
create index if not exists pairs_by_probability
    on duplicates.pairs (workspace_id, probability, left_id, right_id);
grant select on all tables in schema duplicates to $api;
grant select, insert, update, delete on all tables in schema duplicates to $worker;
do $$
declare t text;
begin
    foreach t in array array['models', 'compared', 'keys', 'pairs'] loop
        execute format('alter table duplicates.%I enable row level security', t);
        execute format('drop policy if exists one_workspace on duplicates.%I', t);
        execute format('create policy one_workspace on duplicates.%I to $api using '
            '(workspace_id = log.workspace())', t);
        execute format('drop policy if exists all_workspaces on duplicates.%I', t);
        execute format('create policy all_workspaces on duplicates.%I to $worker using (true) '
            'with check (true)', t);
    end loop;
end $$;
"""

_CHANGED = """
select l.workspace_id, count(*) as people from likenesses l
  left join duplicates.compared c
    on c.workspace_id = l.workspace_id and c.person_id = l.person_id
 where ($1::timestamptz is null or l.recorded_at > $1) and c.version is distinct from l.version
 group by l.workspace_id order by people
"""
_TO_COMPARE = """
select l.*, c.keys from likenesses l
  left join duplicates.compared c
    on c.workspace_id = l.workspace_id and c.person_id = l.person_id
 where l.workspace_id = $1 and ($2::timestamptz is null or l.recorded_at > $2)
   and c.version is distinct from l.version
 order by l.person_id limit $3
"""
_SHARING = """
select wanted.key, k.person_id
  from unnest($2::bigint[]) as wanted(key)
 cross join lateral (
    select person_id from duplicates.keys
     where workspace_id = $1 and key = wanted.key limit $3) k
"""
_UNPAIR = """
delete from duplicates.pairs where workspace_id = $1 and (left_id = any($2) or right_id = any($2))
"""
_PAIR = """
insert into duplicates.pairs select $1, u.* from unnest($2::uuid[], $3::uuid[], $4::bytea[],
    $5::float8[]) as u(l, r, a, p)
on conflict (workspace_id, left_id, right_id)
do update set agreement = excluded.agreement, probability = excluded.probability
"""
_DROP_KEYS = """
delete from duplicates.keys k using unnest($2::bigint[], $3::uuid[]) as old(key, person_id)
 where k.workspace_id = $1 and k.key = old.key and k.person_id = old.person_id
"""
_ADD_KEYS = """
insert into duplicates.keys select $1, u.* from unnest($2::bigint[], $3::uuid[]) as u(k, p)
on conflict do nothing
"""
_ADD_COMPARED = """
insert into duplicates.compared select $1, u.id, u.version, u.keys::bigint[]
  from unnest($2::uuid[], $3::bigint[], $4::text[]) as u(id, version, keys)
on conflict (workspace_id, person_id)
do update set version = excluded.version, keys = excluded.keys
"""
_ROWS_EACH = 50_000

Pair = tuple[UUID, UUID, Agreement, float]


async def fetch_model(connection: Connection, workspace: UUID) -> Model | None:
    """The workspace's model, if there is one yet."""
    found = await connection.fetchval(
        "select model from duplicates.models where workspace_id = $1", workspace
    )
    return None if found is None else msgspec.json.decode(found, type=Model)


async def fetch_changed(connection: Connection, since: Any) -> list[Record]:
    """How many people of each workspace are not compared as they are now."""
    found: list[Record] = await connection.fetch(_CHANGED, since)
    return found


async def fetch_to_compare(
    connection: Connection, workspace: UUID, since: Any, most: int
) -> list[Record]:
    """People who are not compared as they are now, with the keys they had."""
    found: list[Record] = await connection.fetch(_TO_COMPARE, workspace, since, most)
    return found


async def fetch_sharing(
    connection: Connection, workspace: UUID, keys: Collection[int]
) -> dict[int, list[UUID]]:
    """Who has these keys; without those that many have."""
    rows = await connection.fetch(_SHARING, workspace, list(keys), BLOCK_MOST + 1)
    sharing: dict[int, list[UUID]] = {}
    for row in rows:
        sharing.setdefault(row["key"], []).append(row["person_id"])
    return {key: people for key, people in sharing.items() if len(people) <= BLOCK_MOST}


async def replace_keys(
    connection: Connection,
    workspace: UUID,
    rows: Sequence[Mapping[str, Any]],
    keys: Mapping[UUID, Collection[int]],
) -> None:
    """These people have these keys now; who is gone has none."""
    old = [(key, row["person_id"]) for row in rows for key in row["keys"] or ()]
    new = [(key, person) for person, own in keys.items() for key in own]
    for statement, found in ((_DROP_KEYS, old), (_ADD_KEYS, new)):
        if found:
            columns = [list(column) for column in zip(*found, strict=True)]
            await connection.execute(statement, workspace, *columns)
    told = [
        (row["person_id"], row["version"], _array(keys.get(row["person_id"], ()))) for row in rows
    ]
    if told:
        columns = [list(column) for column in zip(*told, strict=True)]
        await connection.execute(_ADD_COMPARED, workspace, *columns)


async def replace_pairs(
    connection: Connection, workspace: UUID, people: Sequence[UUID], pairs: Iterable[Pair]
) -> None:
    """These people's pairs are these now."""
    await connection.execute(_UNPAIR, workspace, people)
    columns = [list(column) for column in zip(*pairs, strict=True)]
    if columns:
        await connection.execute(_PAIR, workspace, *columns)


async def replace_all(
    connection: Connection,
    workspace: UUID,
    model: Model,
    compared: Sequence[tuple[UUID, int, Collection[int]]],
    pairs: Sequence[Pair],
) -> None:
    """Everything that is known of a workspace: the model, who was compared, and the pairs."""
    for table in ("models", "compared", "keys", "pairs"):
        await connection.execute(
            f"delete from duplicates.{table} where workspace_id = $1",  # noqa: S608
            workspace,
        )
    await connection.execute(
        "insert into duplicates.models values ($1, $2)", workspace, msgspec.json.encode(model)
    )
    keys = sorted((key, id_) for id_, _, own in compared for key in own)
    told = [(id_, version, _array(own)) for id_, version, own in compared]
    for statement, rows in ((_ADD_COMPARED, told), (_ADD_KEYS, keys), (_PAIR, pairs)):
        for start in range(0, len(rows), _ROWS_EACH):
            columns = [list(c) for c in zip(*rows[start : start + _ROWS_EACH], strict=True)]
            await connection.execute(statement, workspace, *columns)


def _array(keys: Collection[int]) -> str:
    """As text: arrays of arrays of several lengths there are none."""
    return "{" + ",".join(map(str, keys)) + "}"
