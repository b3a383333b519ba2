"""Lanes in PostgreSQL: offsets by compare-and-set, stream guards, parked sequences, row changes.

Everything a batch of messages does is one transaction; the compare-and-set on the offsets is its
fence: whoever lost its partitions, or missed a change of the lane's members, is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from chassis.errors import Fenced
from chassis.lane import Anew, Commit, LaneState, Member, ParkedSequence, Seen
from chassis.ports import Partition
from chassis.postgres.database import Connection, Database
from chassis.postgres.rows import write_rows

_MAKE = """
insert into road.offsets (lane, topic, partition, next_offset, epoch, topic_id, events)
select $1, u.topic, u.partition, 0,
       coalesce((select max(epoch) from road.offsets where lane = $1), 0), u.topic_id, 0
  from unnest($2::text[], $3::integer[], $4::uuid[]) as u(topic, partition, topic_id)
on conflict do nothing
"""
_ADOPT = """
update road.offsets o set topic_id = u.topic_id
  from unnest($2::text[], $3::integer[], $4::uuid[]) as u(topic, partition, topic_id)
 where o.lane = $1 and o.topic = u.topic and o.partition = u.partition
   and o.topic_id is null and u.topic_id is not null
"""
_OFFSETS = "select topic, partition, next_offset, epoch, topic_id from road.offsets where lane = $1"
_HOLD = "select from road.offsets where lane = $1 order by topic, partition for update"
_AGAIN = """
update road.offsets o
   set next_offset = 0, topic_id = u.topic_id, last_recorded_at = null, updated_at = now()
  from unnest($2::text[], $3::integer[], $4::uuid[], $5::bigint[])
       as u(topic, partition, topic_id, upto)
 where o.lane = $1 and o.topic = u.topic and o.partition = u.partition
   and (o.topic_id is distinct from u.topic_id or o.next_offset > u.upto)
"""
_RAISE = "update road.offsets set epoch = epoch + 1 where lane = $1"
_MEMBERS = """
select name, generation, version, status from road.generations
 where lane = $1 and status in ('live', 'standby', 'building') order by name, generation
"""
_PARKED = "select projection, workspace_id, stream from road.parked"
_GUARDS = """
select workspace_id, stream, version from road.guards
 where lane = $1 and (workspace_id, stream) in
       (select * from unnest($2::uuid[], $3::text[]))
"""
_KEEP_GUARDS = """
insert into road.guards (lane, workspace_id, stream, version)
select $1, u.w, u.s, u.v from unnest($2::uuid[], $3::text[], $4::integer[]) as u(w, s, v)
on conflict (lane, workspace_id, stream) do update set version = excluded.version
"""
_MOVE = """
update road.offsets o
   set next_offset = u.upto, updated_at = now(), events = o.events + u.events,
       last_recorded_at = coalesce(u.recorded, o.last_recorded_at)
  from unnest($3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::timestamptz[],
              $8::bigint[]) as u(topic, partition, start, upto, recorded, events)
 where o.lane = $1 and o.epoch = $2 and o.topic = u.topic and o.partition = u.partition
   and o.next_offset = u.start
"""
_PARK = """
insert into road.parked (projection, workspace_id, stream, cause, error)
select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[])
on conflict do nothing
"""
_PARK_EVENTS = """
insert into road.parked_events
    (projection, workspace_id, stream, version, event_id, type, topic, partition, "offset")
select * from unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::uuid[], $6::text[],
                     $7::text[], $8::integer[], $9::bigint[])
on conflict do nothing
"""
_MOVE_PARKED = """
update road.parked_events e set topic = u.topic, partition = u.partition, "offset" = u.place
  from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::integer[], $6::bigint[])
       as u(workspace_id, stream, version, topic, partition, place)
 where e.workspace_id = u.workspace_id and e.stream = u.stream and e.version = u.version
"""
_CLOSE_EVENTS = """
delete from road.parked_events
 where projection = $1 and workspace_id = $2 and stream = $3 and version <= $4
"""
_CLOSE = """
delete from road.parked p where projection = $1 and workspace_id = $2 and stream = $3
   and not exists (select from road.parked_events e where e.projection = p.projection
                      and e.workspace_id = p.workspace_id and e.stream = p.stream)
"""


class PostgresLanes:
    """See chassis.lane.Lanes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(
        self, lane: str, partitions: Iterable[Partition], topics: Mapping[str, UUID] | None = None
    ) -> LaneState:
        """See chassis.lane.Lanes.open."""
        wanted = sorted(partitions)
        ids = [(topics or {}).get(p.topic) for p in wanted]
        places = ([p.topic for p in wanted], [p.number for p in wanted], ids)
        async with self._database.connection(None) as connection:
            await connection.execute(_MAKE, lane, *places)
            if any(ids):
                await connection.execute(_ADOPT, lane, *places)
            offsets = await connection.fetch(_OFFSETS, lane)
            members = await connection.fetch(_MEMBERS, lane)
            parked = await connection.fetch(_PARKED)
        return LaneState(
            epoch=max((row["epoch"] for row in offsets), default=0),
            offsets={Partition(r["topic"], r["partition"]): r["next_offset"] for r in offsets},
            members=tuple(
                Member(r["name"], r["generation"], r["version"], r["status"]) for r in members
            ),
            parked=frozenset((r["projection"], r["workspace_id"], r["stream"]) for r in parked),
            topics={
                Partition(r["topic"], r["partition"]): r["topic_id"]
                for r in offsets
                if r["topic_id"] is not None
            },
        )

    async def read_again(self, lane: str, partitions: Mapping[Partition, Anew]) -> None:
        """See chassis.lane.Lanes.read_again."""
        async with self._database.connection(None) as connection, connection.transaction():
            await connection.execute(_HOLD, lane)
            done = await connection.execute(
                _AGAIN,
                lane,
                [p.topic for p in partitions],
                [p.number for p in partitions],
                [anew.topic_id for anew in partitions.values()],
                [anew.end for anew in partitions.values()],
            )
            if done != "UPDATE 0":
                await connection.execute(_RAISE, lane)

    async def guards(
        self, lane: str, streams: Sequence[tuple[UUID, str]]
    ) -> Mapping[tuple[UUID, str], int]:
        """The last version seen of each of these streams; absent: none."""
        async with self._database.connection(None) as connection:
            rows = await connection.fetch(
                _GUARDS, lane, [w for w, _ in streams], [s for _, s in streams]
            )
        return {(row["workspace_id"], row["stream"]): row["version"] for row in rows}

    async def commit(self, lane: str, commit: Commit) -> None:
        """One transaction. Raises Fenced if the lane is not where the commit thinks it is."""
        async with self._database.connection(None) as connection, connection.transaction():
            await move(connection, lane, commit)
            for generation, fold in commit.rows.items():
                await write_rows(connection, f"{generation[0]}_g{generation[1]}", fold)
            if commit.guards:
                streams = list(commit.guards)
                await connection.execute(
                    _KEEP_GUARDS,
                    lane,
                    [w for w, _ in streams],
                    [s for _, s in streams],
                    list(commit.guards.values()),
                )
            if commit.seen_again:
                await _move_parked(connection, commit.seen_again)
            for place, version in commit.closed.items():
                await connection.execute(_CLOSE_EVENTS, *place, version)
                await connection.execute(_CLOSE, *place)
            if commit.parked:
                await _park(connection, commit.parked)


async def move(connection: Connection, lane: str, commit: Commit) -> None:
    """Move the offsets; the row lock it takes makes rivals wait, the condition turns them away."""
    moves = commit.moves
    done = await connection.execute(
        _MOVE,
        lane,
        commit.epoch,
        [m.partition.topic for m in moves],
        [m.partition.number for m in moves],
        [m.start for m in moves],
        [m.upto for m in moves],
        [m.recorded_at for m in moves],
        [m.events for m in moves],
    )
    if done != f"UPDATE {len(moves)}":
        raise Fenced(f"lane {lane} was moved by another process")


async def _move_parked(connection: Connection, seen: Sequence[Seen]) -> None:
    await connection.execute(
        _MOVE_PARKED,
        [s.workspace for s in seen],
        [s.stream for s in seen],
        [s.version for s in seen],
        [s.partition.topic for s in seen],
        [s.partition.number for s in seen],
        [s.offset for s in seen],
    )


async def _park(connection: Connection, parked: Sequence[ParkedSequence]) -> None:
    await connection.execute(
        _PARK,
        [p.projection for p in parked],
        [p.workspace for p in parked],
        [p.stream for p in parked],
        [p.cause for p in parked],
        [p.error for p in parked],
    )
    events = [(p, e) for p in parked for e in p.events]
    await connection.execute(
        _PARK_EVENTS,
        [p.projection for p, _ in events],
        [p.workspace for p, _ in events],
        [p.stream for p, _ in events],
        [e.version for _, e in events],
        [e.event_id for _, e in events],
        [e.type for _, e in events],
        [e.partition.topic for _, e in events],
        [e.partition.number for _, e in events],
        [e.offset for _, e in events],
    )
