"""Topics have ids: one that was made anew is told from the one of the same name before it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from chassis import lane_reader
from chassis.clock import SetClock
from chassis.codec import Codec
from chassis.decider import handle
from chassis.events import Stored
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.kafka.source import GroupSource, RangeSource
from chassis.kafka.topics import make_topics, partitions_of
from chassis.lane import LIVE
from chassis.lane_reader import LaneReader
from chassis.memory.broker import MemoryBroker, MemorySink
from chassis.memory.event_log import MemoryEventLog
from chassis.memory.lanes import MemoryLanes
from chassis.projector import Projector
from chassis.testing.contracts import NOON, context, send
from chassis.testing.parcels import EVENTS, PARCEL
from chassis.vault import Keyring
from chassis.wire import message_of

pytestmark = pytest.mark.integration


async def _delete(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        async with asyncio.timeout(10):
            while topic in await admin.list_topics():
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def _as_readers_see_it(bootstrap: str, topic: str) -> Mapping[str, UUID]:
    source = RangeSource(bootstrap, dict.fromkeys(partitions_of([topic]), 0))
    await source.start()
    try:
        return await source.topics()
    finally:
        await source.stop()


async def test_a_topic_that_was_made_anew_has_another_id(kafka_bootstrap: str) -> None:
    topic = f"test-{new_id()}"
    await make_topics(kafka_bootstrap, [topic])
    sink = await KafkaSink.open(kafka_bootstrap)
    try:
        before = await sink.topics([topic, "nothing"])
        assert list(before) == [topic]
        assert await _as_readers_see_it(kafka_bootstrap, topic) == before
        await _delete(kafka_bootstrap, topic)
        assert await sink.topics([topic]) == {}
        await make_topics(kafka_bootstrap, [topic])
        after = await sink.topics([topic])
        assert after[topic] not in (before[topic], UUID(int=0))
        assert await _as_readers_see_it(kafka_bootstrap, topic) == after
    finally:
        await sink.close()
        await _delete(kafka_bootstrap, topic)


async def test_the_broker_in_memory_tells_them_apart_as_well() -> None:
    broker = MemoryBroker()
    sink = MemorySink(broker)
    before = await sink.topics(["everlog.parcels"])
    assert await sink.topics(["everlog.parcels"]) == before
    broker.lose("everlog.parcels")
    assert await sink.topics(["everlog.parcels"]) != before


class Reading:
    """A member of a real group that reads a topic; what it has seen is kept in memory."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.log = MemoryEventLog(Codec(EVENTS), Keyring(bytes(32)), SetClock(NOON))
        self.seen: set[str] = set()
        self._bootstrap, self._topic = bootstrap, topic
        reader = LaneReader(LIVE, lanes=MemoryLanes(), codec=Codec(EVENTS), subjects=self.log)
        reader.use(GroupSource(bootstrap, f"test-{new_id()}", [topic], reader.starts))
        self.projector = Projector(
            reader, {}, lambda guards, _: self.seen.update(s for _, s in guards)
        )

    async def parcels(self, count: int) -> list[Stored]:
        """What is stored of some new parcels."""
        asking = context(new_id())
        for _ in range(count):
            parcel = new_id()
            await handle(self.log, PARCEL, parcel, send(parcel), asking, new=True)
        return [stored for stored in self.log.everything() if stored.workspace == asking.workspace]

    async def publish(self, events: list[Stored]) -> None:
        sink = await KafkaSink.open(self._bootstrap)
        try:
            outgoing = [message_of(stored) for stored in events]
            await sink.publish([replace(one, topic=self._topic) for one in outgoing])
        finally:
            await sink.close()

    async def until_seen(self, events: list[Stored]) -> None:
        async with asyncio.timeout(20):
            while not {stored.stream for stored in events} <= self.seen:
                await self.projector.step(timeout_s=0.2)


async def test_a_member_of_a_group_goes_on_in_the_topic_made_anew(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_reader, "_LOOK_EVERY_S", 0.2)
    topic = f"test-{new_id()}"
    await make_topics(kafka_bootstrap, [topic])
    reading = Reading(kafka_bootstrap, topic)
    old, new = await reading.parcels(60), await reading.parcels(3)
    await reading.projector.start()
    try:
        await reading.publish(old)
        await reading.until_seen(old)
        await _delete(kafka_bootstrap, topic)
        await make_topics(kafka_bootstrap, [topic])
        await reading.publish(new + old)
        await reading.until_seen(new)
    finally:
        await reading.projector.stop()
        await _delete(kafka_bootstrap, topic)
