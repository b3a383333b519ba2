"""Bulk append: many streams in one transaction, one statement per table instead of one per stream.

Same guarantees as log.append: stream locks (in hash order, so two imports cannot deadlock),
version check, idempotency keys, claims, keys of persons, hash chain, outbox. COPY is not used:
PostgreSQL refuses it under row-level security; `unnest` of arrays comes close to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from chassis.chain import GENESIS, digest, link
from chassis.decider import claimed, key_reused, stale
from chassis.events import Stored
from chassis.ports import Appended, Claim
from chassis.postgres.database import Connection

if TYPE_CHECKING:
    from chassis.postgres.event_log import Prepared

_LOCK = """
select pg_advisory_xact_lock(h) from (
    select distinct hashtextextended($1::text || s, 0) as h from unnest($2::text[]) as s order by h
) as locks
"""
_HEADS = """
select s.stream, e.version, e.hash, e.recorded_at
  from unnest($2::text[]) as s(stream)
  cross join lateral (
    select version, hash, recorded_at from log.events
     where workspace_id = $1 and stream = s.stream order by version desc limit 1) as e
"""
_COMMANDS = """
insert into log.commands (workspace_id, key, fingerprint, stream, version, at)
select $1, u.key, u.fingerprint, u.stream, u.version, $6
  from unnest($2::text[], $3::bytea[], $4::text[], $5::integer[])
    as u(key, fingerprint, stream, version)
on conflict do nothing
returning key
"""
_ANSWERS = """
select key, stream, version, fingerprint from log.commands
 where workspace_id = $1 and key = any($2)
"""
_RELEASE = """
delete from log.claims c using unnest($2::text[], $3::bytea[], $4::text[]) as u(kind, value, stream)
 where c.workspace_id = $1 and c.kind = u.kind and c.value = u.value and c.stream = u.stream
"""
_CLAIM = """
insert into log.claims as c (workspace_id, kind, value, stream)
select $1, u.kind, u.value, u.stream
  from unnest($2::text[], $3::bytea[], $4::text[]) as u(kind, value, stream)
on conflict (workspace_id, kind, value) do update set stream = excluded.stream
   where c.stream = excluded.stream
returning c.stream
"""
_HOLDER = """
select c.kind, c.stream as holder
  from log.claims c join unnest($2::text[], $3::bytea[], $4::text[]) as u(kind, value, stream)
    on c.workspace_id = $1 and c.kind = u.kind and c.value = u.value
 where c.stream <> u.stream limit 1
"""
_SUBJECTS = """
with made as (
    insert into log.subject_keys (workspace_id, subject, key_id, wrapped)
    select $1, u.s, u.k, u.w from unnest($2::uuid[], $3::uuid[], $4::bytea[]) as u(s, k, w)
    returning key_id, wrapped)
insert into log.key_outbox (workspace_id, key_id, wrapped) select $1, key_id, wrapped from made
"""
_FORGET = """
with gone as (
    delete from log.subject_keys where workspace_id = $1 and subject = any($2) returning key_id)
insert into log.key_outbox (workspace_id, key_id, wrapped) select $1, key_id, null from gone
"""
_EVENTS = """
with written as (
    insert into log.events (workspace_id, stream, version, id, type, occurred_at, recorded_at,
        actor, correlation_id, causation_id, traceparent, key_id, data, hash)
    select $1, u.stream, u.version, u.id, u.type, u.occurred, u.recorded, u.actor, u.correlation,
        u.causation, u.trace, u.key_id, u.data::json, u.hash
      from unnest($2::text[], $3::integer[], $4::uuid[], $5::text[], $6::timestamptz[],
        $7::timestamptz[], $8::text[], $9::uuid[], $10::uuid[], $11::text[], $12::uuid[],
        $13::text[], $14::bytea[]) with ordinality
        as u(stream, version, id, type, occurred, recorded, actor, correlation, causation, trace,
             key_id, data, hash, ord)
     order by u.ord
    returning position)
insert into log.outbox (position, workspace_id) select position, $1 from written
"""


async def write(
    connection: Connection,
    prepared: Sequence[Prepared],
    now: datetime,
    blind: Callable[[str], bytes],
) -> list[Appended]:
    """Write prepared appends; runs inside the caller's transaction."""
    workspace = prepared[0].context.workspace
    if len({p.append.stream for p in prepared}) < len(prepared):
        raise ValueError("a bulk append names each stream once")
    known = [p.append.stream for p in prepared if p.append.expected != 0]
    heads: dict[str, tuple[int, bytes, datetime]] = {}
    if known:
        await connection.execute(_LOCK, str(workspace), known)
        for row in await connection.fetch(_HEADS, workspace, known):
            heads[row["stream"]] = (row["version"], row["hash"], row["recorded_at"])
    answered = await _answer(connection, prepared, heads, now)
    answers, fresh = [], []
    for one in prepared:
        answer = answered.get(one.context.key or "")
        if answer is not None:
            answers.append(answer)
            continue
        fresh.append(one)
        one.events = _chained(one, heads, now)
        version = heads.get(one.append.stream, (0, GENESIS, now))[0]
        ids = tuple(s.id for s in one.events)
        answers.append(Appended(one.append.stream, version, event_ids=ids))
    await _write_claims(connection, fresh, blind)
    await _write_keys(connection, fresh)
    events = [s for one in fresh for s in one.events]
    if events:
        await connection.execute(_EVENTS, workspace, *_event_columns(events))
    return answers


def _chained(
    one: Prepared, heads: dict[str, tuple[int, bytes, datetime]], now: datetime
) -> list[Stored]:
    """The events at their places, each linked to the one before; moves the stream's head."""
    stream, expected = one.append.stream, one.append.expected
    version, previous, recorded_at = heads.get(stream, (0, GENESIS, now))
    if expected is not None and expected != version:
        raise stale(stream, version, expected)
    recorded_at = max(recorded_at, now)
    placed = []
    for event in one.events:
        version += 1
        previous = link(previous, version, recorded_at, digest(event))
        placed.append(replace(event, version=version, recorded_at=recorded_at, hash=previous))
    heads[stream] = (version, previous, recorded_at)
    return placed


async def _answer(
    connection: Connection,
    prepared: Sequence[Prepared],
    heads: dict[str, tuple[int, bytes, datetime]],
    now: datetime,
) -> dict[str, Appended]:
    """Claims the idempotency keys; those that were answered before, with their answers."""
    keyed = [p for p in prepared if p.context.key is not None]
    if not keyed:
        return {}
    workspace = keyed[0].context.workspace
    made = await connection.fetch(
        _COMMANDS,
        workspace,
        [p.context.key for p in keyed],
        [p.context.fingerprint for p in keyed],
        [p.append.stream for p in keyed],
        [heads.get(p.append.stream, (0,))[0] + len(p.events) for p in keyed],
        now,
    )
    old = {p.context.key for p in keyed} - {row["key"] for row in made}
    rows = await connection.fetch(_ANSWERS, workspace, list(old)) if old else []
    asked = {p.context.key: p.context.fingerprint for p in keyed}
    if any(row["fingerprint"] != asked[row["key"]] for row in rows):
        raise key_reused()
    return {row["key"]: Appended(row["stream"], row["version"], replayed=True) for row in rows}


async def _write_claims(
    connection: Connection, prepared: Sequence[Prepared], blind: Callable[[str], bytes]
) -> None:
    claims = [(c, p.append.stream) for p in prepared for c in p.append.claims]
    if not claims:
        return
    workspace = prepared[0].context.workspace
    for statement, released in ((_RELEASE, True), (_CLAIM, False)):
        chosen = [(c, s) for c, s in claims if c.release is released]
        if not chosen:
            continue
        columns = claim_columns([c for c, _ in chosen], blind)
        done = await connection.fetch(statement, workspace, *columns, [s for _, s in chosen])
        if not released and len(done) < len(chosen):
            row = await connection.fetchrow(_HOLDER, workspace, *columns, [s for _, s in chosen])
            raise claimed(row["kind"], row["holder"])


async def _write_keys(connection: Connection, prepared: Sequence[Prepared]) -> None:
    made = [
        (subject, key.id, wrapped)
        for p in prepared
        for subject, (key, wrapped) in p.new_keys.items()
    ]
    if made:
        columns = [list(column) for column in zip(*made, strict=True)]
        await connection.execute(_SUBJECTS, prepared[0].context.workspace, *columns)
    forgotten = [subject for p in prepared for subject in p.append.forget]
    if forgotten:
        await connection.execute(_FORGET, prepared[0].context.workspace, forgotten)


def _event_columns(events: Sequence[Stored]) -> list[list[Any]]:
    return [
        [s.stream for s in events],
        [s.version for s in events],
        [s.id for s in events],
        [s.type for s in events],
        [s.occurred_at for s in events],
        [s.recorded_at for s in events],
        [s.actor for s in events],
        [s.correlation_id for s in events],
        [s.causation_id for s in events],
        [s.traceparent for s in events],
        [s.key_id for s in events],
        [s.data.decode() for s in events],
        [s.hash for s in events],
    ]


def split_claims(claims: Sequence[Claim]) -> tuple[list[Claim], list[Claim]]:
    """Claims to make, and claims to give back."""
    return [c for c in claims if not c.release], [c for c in claims if c.release]


def claim_columns(
    claims: Sequence[Claim], blind: Callable[[str], bytes]
) -> tuple[list[str], list[bytes]]:
    """Kinds and blinded values, as arrays."""
    return [c.kind for c in claims], [blind(f"{c.kind}\x1f{c.value}") for c in claims]
