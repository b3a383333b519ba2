"""One service's road on real servers, put together by hand: log, relay, projector, rebuild, parked.

For tests that have to stand between two steps which a running service takes in one go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.clock import SystemClock
from chassis.events import Recorded
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.kafka.source import GroupSource, RangeSource
from chassis.kafka.topics import make_topics, partitions_of
from chassis.keys_topic import KnownKeys
from chassis.lane import LIVE
from chassis.lane_reader import Batch, LaneReader
from chassis.manifest import Manifest
from chassis.parked import Parked
from chassis.ports import Context, Partition, Source
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.event_log import PostgresEventLog
from chassis.postgres.keys import PostgresSubjects
from chassis.postgres.lanes import PostgresLanes
from chassis.postgres.outbox import PostgresOutbox
from chassis.projection import Change, Projection
from chassis.projector import Projector, known
from chassis.rebuild import Rebuild, Where
from chassis.relay import Relay
from chassis.setup import prepare_database, roles_of
from chassis.testing.parcels import ON_THE_WAY, PARCEL, on_the_way
from chassis.vault import Keyring
from chassis.wire import KEYS_TOPIC

KEYRING = Keyring(bytes(32))


@dataclass
class Road:
    """One service's road, put together by hand; `fails` makes the projection refuse an event."""

    manifest: Manifest
    kafka: str
    api: Database
    worker: Database
    log: PostgresEventLog
    known_keys: KnownKeys
    dsn: str
    group: str = field(default_factory=lambda: f"test-{new_id()}")
    fails: Callable[[Recorded[Any]], bool] = lambda _: False

    def context(self, workspace: UUID) -> Context:
        return Context(workspace, "user-1", new_id())

    def open_source(self, positions: Mapping[Partition, int]) -> Source:
        return RangeSource(self.kafka, positions)

    def relay(self) -> Relay:
        outbox = PostgresOutbox(self.worker, self.manifest.service)
        return Relay(outbox, lambda: KafkaSink.open(self.kafka), asyncio.Event())

    async def relay_all(self) -> None:
        relay = self.relay()
        outbox = relay._outbox
        while not await outbox.take_over():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.05)
        sink = await KafkaSink.open(self.kafka)
        while await relay.step(sink):
            pass
        await sink.close()
        await outbox.give_up()

    def projections(self) -> tuple[Projection, ...]:
        def project(recorded: Recorded[Any]) -> list[Change]:
            if self.fails(recorded):
                raise ValueError("this one is bad")
            return list(on_the_way(recorded))

        old = ON_THE_WAY
        return (Projection(old.name, 1, old.events, old.tables, project, old.shared),)

    def reader(self) -> LaneReader:
        reader = LaneReader(
            LIVE,
            lanes=PostgresLanes(self.worker),
            codec=self.manifest.codec(),
            subjects=self.known_keys,
        )
        topics = self.manifest.consumed_topics()
        reader.use(GroupSource(self.kafka, self.group, topics, reader.starts))
        return reader

    async def lone_reader(self) -> LaneReader:
        """A started reader of all partitions, without a group: nothing has to be shared out."""
        reader = LaneReader(
            LIVE,
            lanes=PostgresLanes(self.worker),
            codec=self.manifest.codec(),
            subjects=self.known_keys,
        )
        partitions = partitions_of(self.manifest.consumed_topics())
        reader.use(self.open_source(dict.fromkeys(partitions, 0)))
        reader.want(ON_THE_WAY.types())
        await reader.start()
        await reader.resync()
        return reader

    async def held_batch(self, reader: LaneReader) -> Batch:
        """A batch with events in it that was taken and not committed: whoever has it may sleep."""
        async with asyncio.timeout(30):
            while True:
                polled = await reader.poll(timeout_s=1.0, most=10_000)
                batch = await reader.take(polled) if polled else None
                if batch is not None and batch.events:
                    return batch

    def projector(self, reader: LaneReader) -> Projector:
        """The projector over a reader, with the projection that may be told to fail."""
        return Projector(reader, known(self.projections()), lambda *_: None)

    async def project_all(self) -> None:
        """Bring the live lane to the end of its topics."""
        reader = await self.lone_reader()
        projector = self.projector(reader)
        try:
            async with asyncio.timeout(30):
                while await self.behind():
                    await projector.step(timeout_s=0.3)
        finally:
            await reader.stop()

    async def behind(self) -> bool:
        """Whether the live lane has something left to read."""
        partitions = partitions_of(self.manifest.consumed_topics())
        source = RangeSource(self.kafka, dict.fromkeys(partitions, 0))
        await source.start()
        ends = await source.ends(partitions)
        await source.stop()
        offsets = (await PostgresLanes(self.worker).open(LIVE, partitions)).offsets
        return any(offsets[partition] < end for partition, end in ends.items())

    async def rows(self, workspace: UUID, table: str = "parcels") -> list[dict[str, Any]]:
        async with self.worker.connection(None) as connection:
            generation = await connection.fetchval(
                "select generation from road.generations where status = 'live'"
            )
            rows = await connection.fetch(
                f"select * from on_the_way_g{generation}.{table} "  # noqa: S608 - names of ours
                "where workspace_id = $1 order by 2",
                workspace,
            )
        return [{k: v for k, v in dict(row).items() if k != "workspace_id"} for row in rows]

    async def rebuild(self, *, swap: bool = True) -> int:
        return await self.rebuilding().run(swap=swap)

    def rebuilding(self) -> Rebuild:
        async def report(status: str, done: int, total: int) -> None:
            assert done <= max(total, done)

        where = Where(
            self.dsn,
            self.worker,
            roles_of(self.manifest.service)[0],
            self.manifest.codec(),
            self.known_keys,
            self.open_source,
        )
        return Rebuild(self.projections()[0], where, report)

    def parked(self) -> Parked:
        return Parked(
            self.worker,
            self.projections(),
            self.manifest.codec(),
            self.known_keys,
            self.open_source,
        )


@asynccontextmanager
async def open_road(postgres: str, kafka: str, service: str = "parcels") -> AsyncIterator[Road]:
    """A road with a database of its own; the topic is shared with the other tests' workspaces."""
    manifest = Manifest(service, deciders=(PARCEL,), projections=(ON_THE_WAY,))
    await asyncio.to_thread(prepare_database, manifest, postgres, KEYRING)
    await make_topics(kafka, [*manifest.consumed_topics(), KEYS_TOPIC])
    api = Database(dsn_for(postgres, service, "api", KEYRING), name="api")
    dsn = dsn_for(postgres, service, "worker", KEYRING)
    worker = Database(dsn, name="worker")
    await api.start()
    await worker.start()
    log = PostgresEventLog(
        api, manifest.codec(), PostgresSubjects(api, KEYRING), SystemClock(), lambda: None
    )
    keys = KnownKeys(
        worker,
        PostgresSubjects(worker, KEYRING),
        lambda positions: RangeSource(kafka, positions),
        own=service,
    )
    try:
        yield Road(manifest, kafka, api, worker, log, keys, dsn)
    finally:
        await keys.stop()
        await api.stop()
        await worker.stop()
