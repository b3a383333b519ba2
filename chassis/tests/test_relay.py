"""The relay loses nothing and keeps the order, whatever fails on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chassis import relay as relaying
from chassis.clock import SetClock
from chassis.codec import Codec
from chassis.decider import handle
from chassis.errors import Fenced, Lost
from chassis.ids import new_id
from chassis.memory.broker import MemoryBroker, MemorySink
from chassis.memory.event_log import MemoryEventLog
from chassis.ports import Message, Outgoing, Sink
from chassis.relay import Relay
from chassis.testing.contracts import NOON, context, send
from chassis.testing.parcels import EVENTS, PARCEL, Forget, Scan
from chassis.vault import Keyring
from chassis.wire import KEYS_TOPIC, message_of, stored_of


class BreakingSink(MemorySink):
    """Publishes the first few messages of a batch, then loses the connection."""

    def __init__(self, broker: MemoryBroker, after: int) -> None:
        super().__init__(broker)
        self.left = after

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        await super().publish(messages[: self.left])
        if len(messages) > self.left:
            raise ConnectionError("the broker is gone")
        self.left -= len(messages)


def bench() -> tuple[MemoryEventLog, MemoryBroker]:
    return MemoryEventLog(Codec(EVENTS), Keyring(bytes(32)), SetClock(NOON)), MemoryBroker(2)


def messages(broker: MemoryBroker, topic: str) -> list[Message]:
    return [m for p, log in sorted(broker.logs.items()) if p.topic == topic for m in log]


async def run_for_a_while(relay: Relay) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await relay.run()


async def test_every_event_is_published_with_its_envelope() -> None:
    log, broker = bench()
    asking, parcel = context(new_id()), new_id()
    await handle(log, PARCEL, parcel, send(parcel), asking, new=True)
    await handle(log, PARCEL, parcel, Scan("Rome", NOON), asking)

    async def open_sink() -> Sink:
        return MemorySink(broker)

    await run_for_a_while(Relay(log, open_sink, asyncio.Event()))
    found = [stored_of(m) for m in messages(broker, "everlog.parcels")]
    assert found == list(log.stored(asking.workspace, PARCEL.stream(parcel)))
    assert not await log.take(10)


async def test_a_key_is_on_its_topic_before_the_first_event_that_needs_it() -> None:
    log, broker = bench()
    asking, parcel = context(new_id()), new_id()
    await handle(log, PARCEL, parcel, send(parcel), asking, new=True)

    async def open_sink() -> Sink:
        return BreakingSink(broker, after=1)

    with pytest.raises(ConnectionError):
        await Relay(log, open_sink, asyncio.Event()).run()
    assert len(messages(broker, KEYS_TOPIC)) == 1
    assert messages(broker, "everlog.parcels") == []
    await handle(log, PARCEL, parcel, Forget(NOON), asking)

    async def open_good_sink() -> Sink:
        return MemorySink(broker)

    await run_for_a_while(Relay(log, open_good_sink, asyncio.Event()))
    keys = messages(broker, KEYS_TOPIC)
    assert [m.value is None for m in keys][-1], "the destroyed key ends with a tombstone"
    assert len({m.key for m in keys}) == 1


async def test_after_a_broken_batch_the_order_within_each_stream_is_kept() -> None:
    log, broker = bench()
    asking = context(new_id())
    parcels = [new_id() for _ in range(5)]
    for parcel in parcels:
        await handle(log, PARCEL, parcel, send(parcel), asking, new=True)
    for city in ("Rome", "Oslo", "Bern"):
        for parcel in parcels:
            await handle(log, PARCEL, parcel, Scan(city, NOON), asking)
    breaks = iter([7, 12, 1000])

    async def open_sink() -> Sink:
        return BreakingSink(broker, after=next(breaks))

    relay = Relay(log, open_sink, asyncio.Event())
    for _ in range(2):
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(5):
                await relay.run()
    await run_for_a_while(relay)
    for parcel in parcels:
        name = PARCEL.stream(parcel)
        versions = [
            stored.version
            for stored in map(stored_of, messages(broker, "everlog.parcels"))
            if stored.stream == name
        ]
        once: list[int] = []
        for version in versions:
            if version == (once[-1] if once else 0) + 1:
                once.append(version)
        assert once == [1, 2, 3, 4], versions


async def test_a_succeeded_relay_stops_at_its_next_step() -> None:
    log, broker = bench()
    parcel = new_id()
    await handle(log, PARCEL, parcel, send(parcel), context(new_id()), new=True)
    sink = MemorySink(broker)
    relay = Relay(log, lambda: _ready(sink), asyncio.Event())
    await log.take_over()
    log.fenced_epoch = 0
    with pytest.raises(Fenced):
        await relay.step(sink)
    assert await log.take(10)


async def test_nothing_is_published_into_a_topic_that_was_made_anew() -> None:
    log, broker = bench()
    asking, parcel = context(new_id()), new_id()
    await handle(log, PARCEL, parcel, send(parcel), asking, new=True)
    topics = ("everlog.parcels", KEYS_TOPIC)
    sink = MemorySink(broker)

    def relay() -> Relay:
        return Relay(log, lambda: _ready(sink), asyncio.Event(), topics=topics)

    await run_for_a_while(relay())
    assert await log.topics() == broker.ids(topics)
    broker.lose("everlog.parcels")
    await handle(log, PARCEL, parcel, Scan("Rome", NOON), asking)
    with pytest.raises(Lost, match=r"^everlog\.parcels: .* everlog republish"):
        await relay().run()
    broker.remove("everlog.parcels")
    with pytest.raises(Lost, match="not there"):
        await relay().run()
    assert messages(broker, "everlog.parcels") == []
    assert len((await log.take(10)).events) == 1


async def test_a_relay_at_work_notices_that_its_topic_was_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relaying, "_LOOK_EVERY_S", 0.0)
    log, broker = bench()
    sink = MemorySink(broker)
    relay = Relay(log, lambda: _ready(sink), asyncio.Event(), topics=("everlog.parcels",))
    working = asyncio.create_task(relay.run())
    await asyncio.sleep(0.1)
    assert relay.active
    broker.lose("everlog.parcels")
    with pytest.raises(Lost):
        async with asyncio.timeout(2):
            await working


async def _ready(sink: Sink) -> Sink:
    return sink


def test_a_message_that_is_none_of_ours_is_refused() -> None:
    broker = MemoryBroker()
    broker.put(Outgoing("everlog.parcels", b"k", b"{}", [("ce_id", b"x")]))
    [message] = messages(broker, "everlog.parcels")
    with pytest.raises(ValueError, match="no Everlog event"):
        stored_of(message)


async def test_headers_follow_cloudevents_in_binary_mode() -> None:
    log, _ = bench()
    asking, parcel = context(new_id()), new_id()
    await handle(log, PARCEL, parcel, send(parcel), asking, new=True)
    [stored] = log.stored(asking.workspace, PARCEL.stream(parcel))
    outgoing = message_of(stored)
    headers = dict(outgoing.headers)
    assert outgoing.key == f"{asking.workspace}:{stored.stream}".encode()
    assert outgoing.value == stored.data
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"parcels.parcel-sent.v1"
    assert headers["ce_source"] == b"/everlog/parcels"
    assert headers["ce_subject"] == str(parcel).encode()
    assert headers["ce_time"] == b"2026-03-02T12:00:00Z"
    assert headers["content-type"] == b"application/json"
    assert all(name.removeprefix("ce_").isalnum() for name in headers if name.startswith("ce_"))
    assert b"Ada" not in b"".join(headers.values())
