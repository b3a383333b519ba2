"""The ports put together twice, in memory and for real, so that one state machine can drive both.

A stack is driven step by step from outside: nothing in it runs by itself, so every crash and every
order of events can be chosen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from chassis.clock import SetClock
from chassis.codec import Codec
from chassis.events import Recorded, Stored
from chassis.kafka.sink import KafkaSink
from chassis.lane import LIVE, Member
from chassis.lane_reader import LaneReader
from chassis.memory.broker import MemoryBroker, MemorySink, MemorySource
from chassis.memory.event_log import MemoryEventLog
from chassis.memory.lanes import MemoryLanes, MemoryTables
from chassis.outbox import Batch, Outbox
from chassis.ports import EventLog, Outgoing, Sink
from chassis.postgres.event_log import stored_row
from chassis.postgres.outbox import PostgresOutbox
from chassis.projection import Change, Fold, Projection
from chassis.projector import Projector, known
from chassis.testing.contracts import NOON
from chassis.testing.parcels import CITIES, EVENTS, ON_THE_WAY, PARCELS
from chassis.testing.road import Road
from chassis.vault import Keyring
from chassis.wire import stored_of

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""The rows of a workspace by table, in the order of their keys, without the workspace."""

Fails = Callable[[Recorded[Any]], bool]


class Stack(Protocol):
    """A log, an outbox, a topic and read models. `fails`: which events cannot be applied."""

    fails: Fails

    @property
    def log(self) -> EventLog: ...

    async def outbox(self) -> Outbox:
        """The outbox, taken over by one more relay."""
        ...

    async def sink(self) -> Sink: ...

    async def reader(self) -> LaneReader:
        """One more consumer of the live lane, at the place where that is."""
        ...

    def projector(self, reader: LaneReader) -> Projector: ...

    async def behind(self) -> bool:
        """Whether the live lane has something left to read."""
        ...

    async def retry(self, workspace: UUID) -> None:
        """Try every parked sequence of a workspace again."""
        ...

    async def rebuild(self) -> None: ...

    async def rows(self, workspace: UUID) -> Rows: ...

    async def stored(self, workspace: UUID, stream: str) -> Sequence[Stored]: ...


class MemoryStack:
    """See Stack."""

    def __init__(self) -> None:
        self.fails: Fails = lambda _: False
        self.log = MemoryEventLog(Codec(EVENTS), Keyring(bytes(32)), SetClock(NOON))
        self.broker = MemoryBroker(2)
        self.lanes = MemoryLanes()
        self.generation = 1
        self._answer_with(1)

    def _answer_with(self, generation: int) -> None:
        self.generation = generation
        self.lanes.generations.setdefault(("on_the_way", generation), MemoryTables())
        self.lanes.members[LIVE] = (Member("on_the_way", generation, 1, "live"),)
        self.lanes.epochs[LIVE] = self.lanes.epochs.get(LIVE, 0) + 1

    async def outbox(self) -> Outbox:
        return _MemoryRelayOutbox(self.log)

    async def sink(self) -> Sink:
        return MemorySink(self.broker)

    async def reader(self) -> LaneReader:
        reader = LaneReader(LIVE, lanes=self.lanes, codec=Codec(EVENTS), subjects=self.log)
        topics = self.broker.all(["everlog.parcels"])
        reader.use(MemorySource(self.broker, topics, reader.starts))
        reader.want(ON_THE_WAY.types())
        await reader.start()
        return reader

    def projector(self, reader: LaneReader) -> Projector:
        return Projector(reader, known([projection_failing_for(self)]), lambda *_: None)

    async def behind(self) -> bool:
        return any(
            self.lanes.offsets.get((LIVE, partition), 0) < len(log)
            for partition, log in self.broker.logs.items()
            if partition.topic == "everlog.parcels"
        )

    async def retry(self, workspace: UUID) -> None:
        places = [place for place in self.lanes.parked if place[1] == workspace]
        for place in places:
            events = [event for one in self.lanes.parked.pop(place) for event in one.events]
            messages = [self.broker.logs[e.partition][e.offset] for e in events]
            await self._fold([stored_of(m) for m in messages], self.generation)
        self.lanes.epochs[LIVE] += 1

    async def rebuild(self) -> None:
        """As chassis.rebuild: a generation beside, up to where the live lane is, then the flip."""
        seen: dict[tuple[UUID, str], int] = {}
        events = []
        for partition in sorted(self.broker.all(["everlog.parcels"])):
            upto = self.lanes.offsets.get((LIVE, partition), 0)
            for message in self.broker.logs.get(partition, [])[:upto]:
                stored = stored_of(message)
                stream = (stored.workspace, stored.stream)
                if stored.version == seen.get(stream, 0) + 1:
                    seen[stream] = stored.version
                    events.append(stored)
        self.lanes.generations["on_the_way", self.generation + 1] = MemoryTables()
        await self._fold(events, self.generation + 1)
        self.lanes.parked.clear()
        self._answer_with(self.generation + 1)

    async def _fold(self, events: Sequence[Stored], generation: int) -> None:
        fold, project = Fold(), projection_failing_for(self).project
        for stored in events:
            ids = [stored.key_id] if stored.key_id else []
            keys = await self.log.keys(stored.workspace, ids)
            key = keys.get(stored.key_id) if stored.key_id else None
            fold.apply(stored.workspace, project(Codec(EVENTS).recorded(stored, key)))
        self.lanes.generations["on_the_way", generation].write(fold)

    async def rows(self, workspace: UUID) -> Rows:
        return rows_of(self.lanes.generations["on_the_way", self.generation], workspace)

    async def stored(self, workspace: UUID, stream: str) -> Sequence[Stored]:
        return self.log.stored(workspace, stream)


class _MemoryRelayOutbox:
    """One relay's hold on the outbox in memory: a later one fences it."""

    def __init__(self, log: MemoryEventLog) -> None:
        self._log = log
        self._epoch: int | None = None

    async def take_over(self) -> bool:
        await self._log.take_over()
        self._epoch = self._log.fenced_epoch
        return True

    async def give_up(self) -> None:
        """It just stops."""

    async def take(self, most: int) -> Batch:
        return await self._log.take(most)

    async def done(self, batch: Batch) -> None:
        newest, self._log.fenced_epoch = self._log.fenced_epoch, self._epoch
        try:
            await self._log.done(batch)
        finally:
            self._log.fenced_epoch = newest

    async def topics(self) -> Mapping[str, UUID]:
        return await self._log.topics()

    async def note_topics(self, topics: Mapping[str, UUID]) -> None:
        await self._log.note_topics(topics)


class RealStack:
    """See Stack; on a road."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self.log = road.log

    @property
    def fails(self) -> Fails:
        return self._road.fails

    @fails.setter
    def fails(self, fails: Fails) -> None:
        self._road.fails = fails

    async def outbox(self) -> Outbox:
        return PostgresOutbox(self._road.worker, self._road.manifest.service)

    async def sink(self) -> Sink:
        return await KafkaSink.open(self._road.kafka)

    async def reader(self) -> LaneReader:
        return await self._road.lone_reader()

    def projector(self, reader: LaneReader) -> Projector:
        return self._road.projector(reader)

    async def behind(self) -> bool:
        return await self._road.behind()

    async def retry(self, workspace: UUID) -> None:
        parked = self._road.parked()
        for sequence in await parked.streams():
            if sequence.workspace_id == workspace:
                await parked.retry(sequence.projection, workspace, sequence.stream)

    async def rebuild(self) -> None:
        await self._road.rebuild()

    async def rows(self, workspace: UUID) -> Rows:
        tables = (PARCELS.name, CITIES.name)
        return {name: await self._road.rows(workspace, name) for name in tables}

    async def stored(self, workspace: UUID, stream: str) -> Sequence[Stored]:
        async with self._road.api.connection(workspace) as connection:
            rows = await connection.fetch(
                "select *, data::text as text from log.events "
                "where workspace_id = $1 and stream = $2 order by version",
                workspace,
                stream,
            )
        return [stored_row({**row, "data": row["text"]}) for row in rows]


def projection_failing_for(stack: Stack) -> Projection:
    """The tiny domain's read model, which cannot apply what the stack is told to fail for."""

    def project(recorded: Recorded[Any]) -> list[Change]:
        if stack.fails(recorded):
            raise ValueError("this one is bad")
        return list(ON_THE_WAY.project(recorded))

    old = ON_THE_WAY
    return Projection(old.name, old.version, old.events, old.tables, project, old.shared)


def rows_of(tables: MemoryTables, workspace: UUID) -> Rows:
    """A workspace's rows as `Stack.rows` has them."""
    found = {}
    for table in (PARCELS, CITIES):
        mine = [(key, row) for key, row in tables.rows(table).items() if key[0] == workspace]
        mine.sort(key=lambda item: item[0][1])
        found[table.name] = [
            {name: value for name, value in row.items() if name != "workspace_id"}
            for _, row in mine
        ]
    return found


class FaultySink:
    """Publishes up to so many messages, then its connection breaks. Keeps what it published."""

    def __init__(self, sink: Sink, most: int | None, published: list[Outgoing]) -> None:
        self._sink = sink
        self._left = most
        self._published = published

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        kept = messages if self._left is None else messages[: self._left]
        if kept:
            await self._sink.publish(kept)
            self._published.extend(m for m in kept if m.topic == "everlog.parcels")
        if self._left is not None:
            self._left -= len(kept)
            if len(kept) < len(messages):
                raise ConnectionError("the broker is gone")

    async def topics(self, names: Iterable[str]) -> Mapping[str, UUID]:
        return await self._sink.topics(names)

    async def close(self) -> None:
        await self._sink.close()


async def taken_over(outbox: Outbox) -> Outbox:
    """Wait until this relay is the active one."""
    while not await outbox.take_over():  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.02)
    return outbox
