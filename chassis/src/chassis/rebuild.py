"""Rebuilds a read model beside the live one, from the topics, and swaps it in.

1 build     fold each partition from offset 0 in memory, COPY the rows, index at the end
2 catch up  follow up to where the live lane is, never beyond it
3 join      in one transaction: hold the live lane, apply what is left, flip the generation

Readers use the old generation until the flip and see a complete one at every moment. An event that
cannot be applied stops the rebuild (live, it would be parked). A rebuild that dies leaves nothing
but a generation that never went live; the next one begins anew. While the live lane reads topics
again that were lost, a rebuild waits: it must not know less than what it replaces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg2

from chassis.building import Building, Loads, OpenSource, Report
from chassis.codec import Codec
from chassis.comparing import COMPARES_WITHIN_S, Compared, compare_tables
from chassis.errors import Fenced, Poison
from chassis.kafka.topics import partitions_of
from chassis.lane import LIVE
from chassis.ports import Partition, Subjects
from chassis.postgres import generations
from chassis.postgres.copying import load_tables
from chassis.postgres.database import Connection, Database
from chassis.postgres.rows import write_rows
from chassis.postgres.turns import Turn
from chassis.projection import Projection
from chassis.replay import Place, Replay

_CLOSE_ENOUGH = 2_000
_BATCH = 10_000
_WAIT_S = 0.5
_STILL_S = 30.0

_PLACES = "select topic, partition, next_offset, events, topic_id from road.offsets where lane = $1"
_HOLD = """
update road.offsets set epoch = epoch + 1 where lane = $1
returning topic, partition, next_offset, events, topic_id, epoch
"""
_STEP_BACK = """
update road.generations g set since = now(), status =
       case when version = $2 and lane = $3 and exists (
                 select from pg_namespace n where n.nspname = g.name || '_g' || g.generation)
            then 'standby' else 'paused' end
 where name = $1 and status = 'live'
"""
_STEP_FORWARD = """
update road.generations set status = 'live', lane = $3, live_at = now(), since = now()
 where name = $1 and generation = $2 and status = 'building'
"""
_STAND_BY = """
update road.generations set status = 'standby', lane = $3, since = now()
 where name = $1 and generation = $2 and status = 'building'
"""
_STILL_BUILDING = """
select name from road.generations
 where name = %s and generation = %s and status = 'building' for update
"""
_COUNTED = """
update road.offsets o set events = u.n from unnest($2::text[], $3::integer[], $4::bigint[])
       as u(topic, partition, n)
 where o.lane = $1 and o.topic = u.topic and o.partition = u.partition and o.events is null
"""
_ADD_PARTITIONS = """
insert into road.offsets (lane, topic, partition, next_offset, epoch, events, topic_id)
select $1, u.t, u.p, u.o, $5, u.n, u.id
  from unnest($2::text[], $3::integer[], $4::bigint[], $6::bigint[], $7::uuid[])
    as u(t, p, o, n, id)
"""
_ADD_GUARDS = """
insert into road.guards (lane, workspace_id, stream, version)
select $1, u.w, u.s, u.v from unnest($2::uuid[], $3::text[], $4::integer[]) as u(w, s, v)
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Where:
    """What a rebuild works with."""

    dsn: str
    database: Database
    api_role: str
    codec: Codec
    subjects: Subjects
    open_source: OpenSource


class Rebuild:
    """One rebuild of one read model; `run`, `build` or `compare` it once."""

    def __init__(self, projection: Projection, where: Where, report: Report) -> None:
        self._projection = projection
        self._where = where
        self._report = report
        partitions = partitions_of(projection.topics())
        self._replay = Replay(projection, partitions, where.codec, where.subjects)
        self._topics: Mapping[str, UUID] = {}
        self._generation = 0
        self._turn = Turn(where.database, f"everlog rebuild {projection.name}")

    async def run(self, *, swap: bool = True) -> int:
        """Build, catch up, join; returns the number of the new generation.

        `swap`: it answers from now on; else it stands by, kept up like the live one. Raises Poison
        if an event cannot be applied or is not on the topics, Fenced if another process rebuilds it
        by now; the live generation stays as it is.
        """
        try:
            await self._take_turn()
            await self._turn.during(self._build_and_join(swap))
        except BaseException:
            await self._abandon()
            raise
        finally:
            self._turn.give_up()
        done = self._replay.done
        await self._report("swapped" if swap else "standing by", done, done)
        return self._generation

    async def compare(self) -> list[Compared]:
        """Build beside, compare with the live tables at the same place in the log, throw away.

        Raises Poison like `run`. The live lane stands still while the last rows are compared.
        """
        try:
            await self._take_turn()
            return await self._turn.during(self._build_and_compare())
        finally:
            await self._abandon()
            self._turn.give_up()

    async def _build_and_join(self, swap: bool) -> None:
        await self._prepare()
        await self._join(swap)

    async def _build_and_compare(self) -> list[Compared]:
        await self._prepare()
        patiently = self._where.database.connection(None, patience_s=COMPARES_WITHIN_S)
        async with patiently as connection, connection.transaction():
            rows = await connection.fetch(_PLACES + " for update", LIVE)
            await self._follow_to_the_end(connection, _places_of(rows))
            return await compare_tables(connection, self._projection, self._generation)

    async def _prepare(self) -> None:
        await asyncio.to_thread(self._begin)
        await self._build()
        await asyncio.to_thread(self._finish_tables)
        await self._catch_up()

    async def _take_turn(self) -> None:
        """One rebuild of a read model at a time: the next would throw away what this one builds.
        Whoever loses the turn gives up."""
        while not await self._turn.take():
            await self._report("waiting: it is being rebuilt already", 0, 0)
            await asyncio.sleep(_WAIT_S)

    # --- build

    def _transaction(self, work: Callable[[Any], None]) -> None:
        with (
            closing(psycopg2.connect(self._where.dsn)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            work(cursor)

    def _begin(self) -> None:
        def work(cursor: Any) -> None:
            for s in generations.standings(cursor):
                if s.name == self._projection.name and s.status == "building":
                    generations.drop(cursor, s.name, s.generation)
            self._generation = generations.register(
                cursor, self._projection, lane="rebuild", status="building"
            )
            generations.make_tables(cursor, self._projection, self._generation)

        self._transaction(work)

    async def _abandon(self) -> None:
        place = (self._projection.name, self._generation)

        def work(cursor: Any) -> None:
            cursor.execute(_STILL_BUILDING, place)
            if cursor.fetchone() is not None:  # else it answers: the end came after the commit
                generations.drop(cursor, *place)

        if self._generation:
            await asyncio.to_thread(self._transaction, work)

    def _finish_tables(self) -> None:
        self._transaction(
            lambda cursor: generations.finish_tables(
                cursor, self._projection, self._generation, self._where.api_role
            )
        )

    @property
    def _schema(self) -> str:
        return generations.schema_of(self._projection.name, self._generation)

    async def _build(self) -> None:
        self._topics, ends = await self._as_the_broker_has_it()
        live = await self._places()
        # Not beyond the live lane: what it has not applied yet, it will apply after the join.
        bounds = {p: min(end, live[p].offset if p in live else end) for p, end in ends.items()}
        await Building(
            self._projection, self._replay, self._where.open_source, self._load, self._report
        ).run(bounds)

    async def _load(self, loads: Loads) -> None:
        """In a thread of its own: PostgreSQL is kept busy while the next partition is folded."""
        if loads:
            work = load_tables(self._where.dsn, self._schema, loads)
            await asyncio.to_thread(asyncio.run, work)

    async def _as_the_broker_has_it(self) -> tuple[Mapping[str, UUID], Mapping[Partition, int]]:
        """Which topics there are, and where they end."""
        positions = self._replay.positions
        source = self._where.open_source(dict.fromkeys(positions, 0))
        await source.start()
        try:
            return await source.topics(), await source.ends(positions)
        finally:
            await source.stop()

    async def _places(self) -> dict[Partition, Place]:
        async with self._where.database.connection(None) as connection:
            return _places_of(await connection.fetch(_PLACES, LIVE))

    # --- catch up and join

    async def _catch_up(self) -> None:
        still_since = asyncio.get_running_loop().time()
        before = await self._places()
        while True:
            live = await self._places()
            behind = sum(
                max(0, live[p].offset - at) for p, at in self._replay.positions.items() if p in live
            )
            await self._report("catching-up", self._replay.done, self._replay.done + behind)
            if self._is_of_these_topics(live):
                async with self._where.database.connection(None) as connection:
                    await self._follow(connection, live)
                if not self._replay.lacking(live):
                    if behind <= _CLOSE_ENOUGH:
                        return
                    continue
            now = asyncio.get_running_loop().time()
            still_since = still_since if live == before else now
            before = live
            await self._wait_for_the_lane(live, still_s=now - still_since)

    def _is_of_these_topics(self, live: Mapping[Partition, Place]) -> bool:
        """Whether the lane's offsets count in the topics that are there now."""
        return all(
            place.topic_id in (None, self._topics.get(partition.topic))
            for partition, place in live.items()
            if partition in self._replay.positions
        )

    async def _wait_for_the_lane(self, live: Mapping[Partition, Place], *, still_s: float) -> None:
        """The lane reads topics again that were lost; raises Poison if that leads nowhere."""
        self._topics, ends = await self._as_the_broker_has_it()
        at_the_end = all(live[p].offset >= end for p, end in ends.items() if p in live)
        if at_the_end and self._is_of_these_topics(live):
            raise Poison(
                f"{self._replay.lacking(live)} events that the live read model has are not on the "
                f"topics {', '.join(sorted(self._topics))}. Run: everlog republish --all"
            )
        if still_s > _STILL_S:
            raise Poison("The live lane has to read its topics again, and no worker does it.")
        done = self._replay.done
        await self._report("waiting: topics are read again", done, done)
        await asyncio.sleep(_WAIT_S)

    async def _follow(self, connection: Connection, live: Mapping[Partition, Place]) -> None:
        """Apply up to these offsets and write the rows; in the caller's transaction, if any."""
        replay = self._replay
        positions = replay.positions
        upto = {p: live[p].offset for p in positions if p in live}
        ends = {p: end for p, end in upto.items() if end > positions[p]}
        if not ends:
            return
        source = self._where.open_source({p: positions[p] for p in ends})
        await source.start()
        try:
            there = await source.ends(ends)
            if any(there[p] < end for p, end in ends.items()):
                raise Poison(
                    "The live read model has read further than its topics go: they were made anew "
                    "or set back. Wait until the worker has noticed, and try again."
                )
            while any(positions[p] < end for p, end in ends.items()):
                polled = await source.poll(timeout_s=2.0, max_messages=_BATCH)
                await replay.apply(polled, ends)
                await write_rows(connection, self._schema, replay.fold)
                replay.fold.clear()
        finally:
            await source.stop()

    async def _follow_to_the_end(
        self, connection: Connection, live: Mapping[Partition, Place]
    ) -> None:
        """The last stretch, while the lane is held. Raises Poison if something is missing then."""
        await self._follow(connection, live)
        self._replay.refuse_gaps()
        if lacking := self._replay.lacking(live):
            raise Poison(f"{lacking} events are missing: the topics were just lost. Try again.")

    async def _join(self, swap: bool) -> None:
        """Hold the live lane, apply the rest, flip. Its consumers notice by the raised epoch."""
        name, generation = self._projection.name, self._generation
        async with self._where.database.connection(None) as connection, connection.transaction():
            rows = await connection.fetch(_HOLD, LIVE)
            live = _places_of(rows)
            await self._follow_to_the_end(connection, live)
            await self._add_topics(connection, live, max((r["epoch"] for r in rows), default=0))
            if swap:
                await connection.execute(_STEP_BACK, name, self._projection.version, LIVE)
            step = _STEP_FORWARD if swap else _STAND_BY
            if await connection.execute(step, name, generation, LIVE) != "UPDATE 1":
                raise Fenced("another process has thrown away what was built, and builds it anew")
            if not swap:
                return
            await connection.execute("delete from road.parked_events where projection = $1", name)
            await connection.execute("delete from road.parked where projection = $1", name)

    async def _add_topics(
        self, connection: Connection, live: Mapping[Partition, Place], epoch: int
    ) -> None:
        """Partitions the live lane did not read so far, with their guards; and the count of events
        where nobody had counted."""
        replay = self._replay
        counted = [p for p in replay.positions if p in live]
        await connection.execute(
            _COUNTED,
            LIVE,
            [p.topic for p in counted],
            [p.number for p in counted],
            [replay.passed[p] for p in counted],
        )
        added = {p: at for p, at in replay.positions.items() if p not in live}
        if not added:
            return
        await connection.execute(
            _ADD_PARTITIONS,
            LIVE,
            [p.topic for p in added],
            [p.number for p in added],
            list(added.values()),
            epoch,
            [replay.passed[p] for p in added],
            [self._topics.get(p.topic) for p in added],
        )
        await connection.execute(
            _ADD_GUARDS,
            LIVE,
            [workspace for workspace, _ in replay.seen],
            [stream for _, stream in replay.seen],
            list(replay.seen.values()),
        )


def _places_of(rows: Any) -> dict[Partition, Place]:
    return {
        Partition(r["topic"], r["partition"]): Place(r["next_offset"], r["events"], r["topic_id"])
        for r in rows
    }
