"""Topics that were lost are filled again from the event store, while writes go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest

from chassis import republish as republishing
from chassis.clock import SystemClock
from chassis.codec import Codec
from chassis.decider import handle
from chassis.errors import Fenced, Lost
from chassis.events import Stored
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.memory.broker import MemoryBroker, MemorySink
from chassis.ports import Message, Outgoing, Sink
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.event_log import PostgresEventLog, stored_row
from chassis.postgres.keys import PostgresSubjects
from chassis.postgres.outbox import PostgresOutbox
from chassis.relay import Relay, lost_topics
from chassis.republish import Origin, Republished, republish
from chassis.setup import prepare_database
from chassis.testing.contracts import NOON, context, travel
from chassis.testing.parcels import EVENTS, PARCEL, Forget, Scan
from chassis.vault import Keyring
from chassis.wire import KEYS_TOPIC, stored_of

pytestmark = pytest.mark.integration

KEYRING = Keyring(bytes(32))
TOPIC = "everlog.parcels"
TOPICS = (TOPIC, KEYS_TOPIC)


class BreakingSink(MemorySink):
    """Loses the connection at its n-th call."""

    def __init__(self, broker: MemoryBroker, calls: int) -> None:
        super().__init__(broker)
        self._left = calls

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self._left -= 1
        if self._left < 0:
            raise ConnectionError("the broker is gone")
        await super().publish(messages)


class Bench:
    """A service's store in PostgreSQL, and topics in memory that can be lost."""

    def __init__(self, worker: Database, api: Database) -> None:
        self.broker = MemoryBroker(2)
        self.worker = worker
        self.workspace = new_id()
        subjects = PostgresSubjects(api, KEYRING)
        self.log = PostgresEventLog(api, Codec(EVENTS), subjects, SystemClock(), lambda: None)
        self.sink: MemorySink = MemorySink(self.broker)
        self.told: list[tuple[str, int, int]] = []

    async def open_sink(self) -> Sink:
        return self.sink

    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self.worker, "republished")

    def relay(self) -> Relay:
        return Relay(self.outbox(), self.open_sink, asyncio.Event(), topics=TOPICS)

    async def relay_all(self) -> None:
        working = asyncio.create_task(self.relay().run())
        async with asyncio.timeout(5):
            while await self.waiting():
                await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    async def waiting(self) -> int:
        async with self.worker.connection(None) as connection:
            return int(await connection.fetchval("select count(*) from log.outbox"))

    def origin(self) -> Origin:
        return Origin("republished", self.worker, self.outbox(), TOPICS, self.open_sink)

    async def republish(self) -> Republished:
        async def report(what: str, done: int, total: int) -> None:
            self.told.append((what, done, total))

        return await republish(self.origin(), report)

    async def lost(self) -> list[str]:
        return lost_topics(TOPICS, await self.outbox().topics(), await self.sink.topics(TOPICS))

    async def parcel(self, *cities: str) -> UUID:
        return await travel(self.log, context(self.workspace), *cities)

    async def stored(self) -> list[Stored]:
        async with self.worker.connection(None) as connection:
            rows = await connection.fetch(
                "select *, data::text as text from log.events order by position"
            )
        return [stored_row({**row, "data": row["text"]}) for row in rows]

    async def numbers(self) -> list[tuple[int, int]]:
        async with self.worker.connection(None) as connection:
            rows = await connection.fetch("select number, position from log.feed order by 1")
        return [tuple(row) for row in rows]

    def messages(self, topic: str) -> list[Message]:
        return [m for p, log in sorted(self.broker.logs.items()) if p.topic == topic for m in log]


@pytest.fixture
async def bench(postgres_dsn: str) -> AsyncIterator[Bench]:
    manifest = Manifest("republished", deciders=(PARCEL,))
    await asyncio.to_thread(prepare_database, manifest, postgres_dsn, KEYRING)
    databases = [
        Database(dsn_for(postgres_dsn, "republished", role, KEYRING), name=role)
        for role in ("worker", "api")
    ]
    for database in databases:
        await database.start()
    async with databases[0].connection(None) as connection:
        await connection.execute("update log.relay set topics = '{}', republished = null")
    made = Bench(*databases)
    await made.relay_all()
    made.broker.lose(TOPIC)
    made.broker.lose(KEYS_TOPIC)
    await made.republish()
    made.told.clear()
    yield made
    for database in databases:
        await database.stop()


def in_order_of_streams(events: Sequence[Stored]) -> list[Stored]:
    return sorted(events, key=lambda s: (str(s.workspace), s.stream, s.version))


async def test_the_topics_hold_exactly_what_is_stored(bench: Bench) -> None:
    await bench.parcel("Paris", "Rome")
    forgotten = await bench.parcel()
    await handle(bench.log, PARCEL, forgotten, Forget(NOON), context(bench.workspace))
    await bench.relay_all()
    numbers = await bench.numbers()
    bench.broker.lose(TOPIC)
    bench.broker.lose(KEYS_TOPIC)
    assert await bench.lost() == [TOPIC, KEYS_TOPIC]
    done = await bench.republish()
    assert await bench.lost() == []
    events = await bench.stored()
    found = [stored_of(message) for message in bench.messages(TOPIC)]
    assert in_order_of_streams(found) == in_order_of_streams(events)
    seen: dict[str, int] = {}
    for stored in found:
        assert stored.version == seen.get(stored.stream, 0) + 1, "in order, stream by stream"
        seen[stored.stream] = stored.version
    assert done.events == len(events)
    assert bench.told[-1] == ("events", len(events), len(events))
    assert await bench.numbers() == numbers


async def test_keys_come_before_events_and_destroyed_ones_as_tombstones(bench: Bench) -> None:
    kept, forgotten = await bench.parcel(), await bench.parcel()
    await handle(bench.log, PARCEL, forgotten, Forget(NOON), context(bench.workspace))
    await bench.relay_all()
    key_of = {s.stream: s.key_id for s in await bench.stored() if s.key_id is not None}
    bench.broker.lose(TOPIC)
    bench.broker.lose(KEYS_TOPIC)
    bench.sink = BreakingSink(bench.broker, calls=2)
    with pytest.raises(ConnectionError):
        await bench.republish()
    keys = {m.key: m.value for m in bench.messages(KEYS_TOPIC)}
    assert keys[f"{bench.workspace}:{key_of[PARCEL.stream(kept)]}".encode()] is not None
    assert keys[f"{bench.workspace}:{key_of[PARCEL.stream(forgotten)]}".encode()] is None
    assert bench.messages(TOPIC) == []


async def test_what_waits_in_the_outbox_is_left_to_the_relay_and_comes_after(bench: Bench) -> None:
    parcel = await bench.parcel("Paris")
    await bench.relay_all()
    bench.broker.lose(TOPIC)
    await handle(bench.log, PARCEL, parcel, Scan("Rome", NOON), context(bench.workspace))
    await bench.republish()
    versions = [v for stream, v in bench_versions(bench) if stream == PARCEL.stream(parcel)]
    assert versions == [1, 2]
    await bench.relay_all()
    versions = [v for stream, v in bench_versions(bench) if stream == PARCEL.stream(parcel)]
    assert versions == [1, 2, 3]


def bench_versions(bench: Bench) -> list[tuple[str, int]]:
    stored = [stored_of(message) for message in bench.messages(TOPIC)]
    return [(one.stream, one.version) for one in stored]


async def test_whoever_was_ended_begins_again_where_the_page_before_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "_PAGE", 3)
    for _ in range(4):
        await bench.parcel("Paris", "Rome")
    await bench.relay_all()
    events = await bench.stored()
    bench.broker.lose(TOPIC)
    keys_and_two_pages = len(events) // 3 + 1
    bench.sink = BreakingSink(bench.broker, calls=keys_and_two_pages)
    with pytest.raises(ConnectionError):
        await bench.republish()
    before = len(bench.messages(TOPIC))
    assert 0 < before < len(events)
    assert await bench.lost() == [TOPIC]
    bench.sink = MemorySink(bench.broker)
    done = await bench.republish()
    assert done.events == len(events) - before
    found = [stored_of(message) for message in bench.messages(TOPIC)]
    assert in_order_of_streams(found) == in_order_of_streams(events)
    assert (await bench.republish()).events == len(events), "asked again, it is all sent again"


async def test_a_topic_lost_once_more_in_between_is_filled_from_the_beginning(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "_PAGE", 3)
    for _ in range(4):
        await bench.parcel("Paris", "Rome")
    await bench.relay_all()
    events = await bench.stored()
    bench.broker.lose(TOPIC)
    bench.sink = BreakingSink(bench.broker, calls=len(events) // 3 + 1)
    with pytest.raises(ConnectionError):
        await bench.republish()
    bench.broker.lose(TOPIC)
    bench.sink = MemorySink(bench.broker)
    assert (await bench.republish()).events == len(events)


async def test_an_idle_relay_gives_way_and_goes_on_afterwards(bench: Bench) -> None:
    relay = bench.relay()
    working = asyncio.create_task(relay.run())
    async with asyncio.timeout(5):
        while not relay.active:
            await asyncio.sleep(0.02)
    await bench.republish()
    with pytest.raises(Fenced):
        await working
    await bench.parcel()
    await bench.relay_all()


async def test_another_relay_that_takes_over_stops_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "_PAGE", 1)
    await bench.parcel("Paris", "Rome")
    await bench.relay_all()
    bench.broker.lose(TOPIC)

    async def report(what: str, done: int, _: int) -> None:
        if what == "events" and done == 2:
            async with bench.worker.connection(None) as connection:
                await connection.execute("update log.relay set epoch = epoch + 1")

    with pytest.raises(Fenced):
        await republish(bench.origin(), report)
    assert len(bench.messages(TOPIC)) == 2


async def test_without_the_topics_it_says_what_to_do(bench: Bench) -> None:
    bench.broker.remove(TOPIC)
    with pytest.raises(Lost, match=r"everlog\.parcels. Run: everlog setup"):
        await bench.republish()
