"""A topic that is lost and made anew: nothing is left out, and nothing is applied twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from chassis import lane_reader
from chassis.clock import SetClock
from chassis.codec import Codec
from chassis.events import Recorded, Stored
from chassis.ids import new_id
from chassis.lane import ALL, LIVE, Member
from chassis.lane_reader import LaneReader
from chassis.memory.broker import MemoryBroker, MemorySource
from chassis.memory.event_log import MemoryEventLog
from chassis.memory.lanes import MemoryLanes
from chassis.projection import Change, Projection
from chassis.projector import Projector, known
from chassis.testing.contracts import NOON, context, travel
from chassis.testing.parcels import EVENTS, ON_THE_WAY, PARCEL, PARCELS, on_the_way
from chassis.vault import Keyring
from chassis.wire import message_of

TOPIC = "everlog.parcels"
Refuses = Callable[[Recorded[Any]], bool]


class Bench:
    """A log, a broker and a projector that remembers in memory; `refuses` breaks the projection."""

    def __init__(self) -> None:
        codec = Codec(EVENTS)
        self.log = MemoryEventLog(codec, Keyring(bytes(32)), SetClock(NOON))
        self.broker = MemoryBroker(1)
        self.lanes = MemoryLanes()
        self.lanes.members[LIVE] = (Member("on_the_way", 1, 1, "live"),)
        self.reader = LaneReader(LIVE, lanes=self.lanes, codec=codec, subjects=self.log)
        self.source = MemorySource(self.broker, self.broker.all([TOPIC]), self.reader.starts)
        self.reader.use(self.source)
        self.refuses: Refuses = lambda _: False
        old = ON_THE_WAY
        own = Projection(old.name, 1, old.events, old.tables, self._project, old.shared)
        self.projector = Projector(self.reader, known([own]), lambda *_: None)
        self.workspace = new_id()

    def _project(self, recorded: Recorded[Any]) -> list[Change]:
        if self.refuses(recorded):
            raise ValueError("this one is bad")
        return list(on_the_way(recorded))

    async def parcel(self, *cities: str) -> UUID:
        """A parcel that was sent and then scanned in these cities."""
        return await travel(self.log, context(self.workspace), *cities)

    def stored(self, parcel: UUID) -> Sequence[Stored]:
        return self.log.stored(self.workspace, PARCEL.stream(parcel))

    def publish(self, *events: Stored) -> None:
        for stored in events:
            self.broker.put(message_of(stored))

    async def project(self) -> None:
        while await self.projector.step(timeout_s=0.0):
            pass

    def scans(self) -> dict[UUID, int]:
        tables = self.lanes.generations["on_the_way", 1]
        return {row["parcel_id"]: row["scans"] for row in tables.rows(PARCELS).values()}


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(lane_reader, "_LOOK_EVERY_S", 0.0)
    made = Bench()
    await made.projector.start()
    return made


async def test_a_topic_made_anew_is_read_from_its_beginning_and_nothing_counts_twice(
    bench: Bench,
) -> None:
    old = await bench.parcel("Paris", "Rome")
    bench.publish(*bench.stored(old))
    await bench.project()
    new = await bench.parcel("Oslo")
    bench.broker.lose(TOPIC)
    # Where the lane would read on if an offset were all it kept lies only what it knows already.
    bench.publish(*bench.stored(new), *bench.stored(old))
    await bench.project()
    assert bench.scans() == {old: 2, new: 1}


async def test_a_topic_set_back_to_before_the_lanes_offset_is_read_again(bench: Bench) -> None:
    old = await bench.parcel("Paris", "Rome")
    bench.publish(*bench.stored(old))
    await bench.project()
    [log] = bench.broker.logs.values()
    del log[1:]
    new = await bench.parcel()
    await bench.projector.stop()
    await bench.projector.start()
    bench.publish(*bench.stored(new), *bench.stored(old))
    await bench.project()
    assert bench.scans() == {old: 2, new: 0}


async def test_messages_fetched_before_the_lane_was_set_back_are_fetched_again(
    bench: Bench,
) -> None:
    old = await bench.parcel("Paris")
    bench.publish(*bench.stored(old))
    polled = await bench.reader.poll(timeout_s=0.0, most=10)
    await bench.reader.starts(bench.source.assigned())
    assert await bench.reader.take(polled) is None
    await bench.project()
    assert bench.scans() == {old: 1}


async def test_parked_events_are_found_where_they_lie_by_now(bench: Bench) -> None:
    bench.refuses = lambda recorded: recorded.version == 2
    bad = await bench.parcel("Paris", "Rome")
    bench.publish(*bench.stored(bad))
    await bench.project()
    new = await bench.parcel()
    bench.broker.lose(TOPIC)
    bench.publish(*bench.stored(new), *bench.stored(bad))
    await bench.project()
    parked = bench.lanes.parked["on_the_way", bench.workspace, PARCEL.stream(bad)]
    places = {event.version: event.offset for one in parked for event in one.events}
    assert places == {2: 2, 3: 3}


async def test_a_gap_that_the_second_reading_closes_is_not_parked_any_more(bench: Bench) -> None:
    parcel = await bench.parcel("Paris", "Rome")
    sent, paris, rome = bench.stored(parcel)
    bench.publish(sent, rome)
    await bench.project()
    assert (ALL, bench.workspace, PARCEL.stream(parcel)) in bench.lanes.parked
    assert bench.scans() == {parcel: 0}
    bench.broker.lose(TOPIC)
    bench.publish(sent, paris, rome)
    await bench.project()
    assert bench.lanes.parked == {}
    assert bench.scans() == {parcel: 2}


async def test_a_lane_counts_every_event_once(bench: Bench) -> None:
    old = await bench.parcel("Paris", "Rome")
    bench.publish(*bench.stored(old), *bench.stored(old))
    await bench.project()
    bench.broker.lose(TOPIC)
    bench.publish(*bench.stored(old))
    await bench.project()
    assert list(bench.lanes.events.values()) == [3]
