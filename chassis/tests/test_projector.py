"""The projector applies each event once and in order, parks what it cannot apply; all in memory."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.clock import SetClock
from chassis.codec import Codec
from chassis.decider import handle
from chassis.errors import Fenced
from chassis.events import Recorded
from chassis.ids import new_id
from chassis.lane import LIVE, Commit, Member
from chassis.lane_reader import LaneReader
from chassis.memory.broker import MemoryBroker, MemorySource
from chassis.memory.event_log import MemoryEventLog
from chassis.memory.lanes import MemoryLanes
from chassis.projection import Change, Projection
from chassis.projector import Projector, known
from chassis.testing.contracts import NOON, context, travel
from chassis.testing.parcels import (
    CITIES,
    EVENTS,
    ON_THE_WAY,
    PARCEL,
    PARCELS,
    Deliver,
    ParcelScanned,
)
from chassis.vault import Keyring
from chassis.wire import message_of

GENERATION = ("on_the_way", 1)


class Desk:
    """A stream of one parcel, to be put on the topic at will; and projectors over it."""

    def __init__(self) -> None:
        self.log = MemoryEventLog(Codec(EVENTS), Keyring(bytes(32)), SetClock(NOON))
        self.broker = MemoryBroker(1)
        self.lanes = MemoryLanes()
        self.lanes.members[LIVE] = (Member(*GENERATION, 1, "live"),)
        self.asking = context(new_id())
        self.parcel = new_id()
        self.bad = ""

    async def happen(self, *cities: str) -> None:
        """It is sent, and scanned in these cities."""
        await travel(self.log, self.asking, *cities, parcel=self.parcel)

    def arrive(self, *versions: int) -> None:
        """These versions arrive on the topic, in this order."""
        stored = self.log.stored(self.asking.workspace, PARCEL.stream(self.parcel))
        for version in versions:
            self.broker.put(message_of(stored[version - 1]))

    def project(self, recorded: Recorded[Any]) -> list[Change]:
        if isinstance(recorded.event, ParcelScanned) and recorded.event.city == self.bad:
            raise ValueError("this one is bad")
        return list(ON_THE_WAY.project(recorded))

    async def projector(self) -> Projector:
        reader = LaneReader(LIVE, lanes=self.lanes, codec=Codec(EVENTS), subjects=self.log)
        topics = self.broker.all(["everlog.parcels"])
        reader.use(MemorySource(self.broker, topics, reader.starts))
        old = ON_THE_WAY
        own = Projection(old.name, 1, old.events, old.tables, self.project, old.shared)
        projector = Projector(reader, known([own]), lambda *_: None)
        await projector.start()
        return projector

    def seen(self) -> dict[str, int]:
        """How often each city saw a parcel."""
        rows = self.lanes.generations[GENERATION].rows(CITIES).values()
        return {row["city"]: row["seen"] for row in rows}

    def parked(self) -> dict[str, list[int]]:
        """The parked versions by read model."""
        return {
            place[0]: [event.version for one in sequence for event in one.events]
            for place, sequence in self.lanes.parked.items()
        }


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_what_arrives_again_later_is_dropped(desk: Desk) -> None:
    await desk.happen("Paris", "Rome")
    desk.arrive(1, 2, 2, 1, 2, 3, 1, 3)
    projector = await desk.projector()
    await projector.step()
    desk.arrive(2, 3)
    await projector.step()
    assert desk.seen() == {"London": 1, "Paris": 1, "Rome": 1}
    assert desk.parked() == {}


async def test_what_comes_after_a_gap_is_parked_and_not_applied(desk: Desk) -> None:
    await desk.happen("Paris", "Rome")
    desk.arrive(1, 3)
    await (await desk.projector()).step()
    assert desk.seen() == {"London": 1}
    assert desk.parked() == {"*": [3]}


async def test_what_follows_a_bad_event_queues_up_behind_it(desk: Desk) -> None:
    await desk.happen("Paris", "Rome", "Oslo")
    await handle(desk.log, PARCEL, desk.parcel, Deliver(NOON), desk.asking)
    desk.bad = "Paris"
    desk.arrive(1, 2, 3)
    projector = await desk.projector()
    await projector.step()
    desk.arrive(4)
    await projector.step()
    desk.arrive(5)
    await (await desk.projector()).step()  # another process, which reads of it in the table
    assert desk.parked() == {"on_the_way": [2, 3, 4, 5]}
    assert desk.seen() == {"London": 1}
    assert len(desk.lanes.generations[GENERATION].rows(PARCELS)) == 1


class Losing(MemoryLanes):
    """Loses the answer to the next commit; or the commit itself."""

    def __init__(self) -> None:
        super().__init__()
        self.committed: bool | None = None

    async def commit(self, lane: str, commit: Commit) -> None:
        committed, self.committed = self.committed, None
        if committed is None or committed:
            await super().commit(lane, commit)
        if committed is not None:
            raise ConnectionError("the database went away")


@pytest.mark.parametrize("committed", [False, True])
async def test_a_commit_whose_outcome_is_unknown_is_neither_lost_nor_doubled(
    desk: Desk, committed: bool
) -> None:
    lanes = Losing()
    lanes.members = desk.lanes.members
    desk.lanes = lanes
    await desk.happen("Paris")
    desk.arrive(1, 2)
    lanes.committed = committed
    with pytest.raises(ConnectionError):
        await (await desk.projector()).step()
    await (await desk.projector()).step()
    assert desk.seen() == {"London": 1, "Paris": 1}


async def test_of_two_projectors_with_the_same_batch_one_is_refused_and_goes_on(
    desk: Desk,
) -> None:
    await desk.happen("Paris")
    slow, quick = await desk.projector(), await desk.projector()
    desk.arrive(1)
    polled = await slow._reader.poll(timeout_s=0, most=10)
    batch = await slow._reader.take(polled)
    assert batch is not None
    slow._apply(batch, slow._members(slow._reader.state.members))
    await quick.step()
    with pytest.raises(Fenced):
        await slow._reader.commit(batch)
    await slow._reader.resync()
    desk.arrive(2)
    assert await slow.step() == 1
    assert desk.seen() == {"London": 1, "Paris": 1}


async def test_older_code_stops_when_a_newer_version_has_joined_its_lane(desk: Desk) -> None:
    await desk.happen()
    desk.arrive(1)
    projector = await desk.projector()
    desk.lanes.members[LIVE] = (Member("on_the_way", 2, 2, "live"),)
    desk.lanes.epochs[LIVE] = 1
    assert await projector.step() == 0
    with pytest.raises(Fenced, match="newer release"):
        await projector.step()
