"""A reaction happens once, however often its event is delivered and whoever dies; all in memory."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from chassis.clock import SetClock
from chassis.codec import Codec
from chassis.decider import handle
from chassis.ids import new_id
from chassis.lane import REACTIONS, Commit
from chassis.lane_reader import LaneReader
from chassis.memory.broker import MemoryBroker, MemorySource
from chassis.memory.event_log import MemoryEventLog
from chassis.memory.lanes import MemoryLanes
from chassis.postgres.database import CONNECTION_ENDED, Connection
from chassis.reaction import Ask, Later, NoLonger, Order, Reaction
from chassis.reactor import Reacting, Reactor
from chassis.testing.contracts import NOON, context, send
from chassis.testing.parcels import EVENTS, PARCEL, ParcelSent, Scan
from chassis.vault import Keyring
from chassis.wire import message_of


class DiesOnce(MemoryLanes):
    """The process dies once, after the orders were carried out and before the offsets moved."""

    died = False

    async def commit(self, lane: str, commit: Commit) -> None:
        if not self.died:
            self.died = True
            raise ConnectionError("killed")
        await super().commit(lane, commit)


class NoReminders:
    """There are none here."""

    async def later(self, workspace: UUID, order: Later) -> None:
        raise AssertionError(order)

    async def no_longer(self, workspace: UUID, order: NoLonger) -> None:
        raise AssertionError(order)


class Depot:
    """Every parcel that is sent is scanned by a reaction."""

    def __init__(self, lanes: MemoryLanes) -> None:
        self.log = MemoryEventLog(Codec(EVENTS), Keyring(bytes(32)), SetClock(NOON))
        self.broker = MemoryBroker(2)
        self.lanes = lanes
        self.asking = context(new_id())
        self.fails_for: UUID | None = None

    async def send(self) -> UUID:
        parcel = new_id()
        await handle(self.log, PARCEL, parcel, send(parcel), self.asking, new=True)
        self.broker.put(
            message_of(self.log.stored(self.asking.workspace, PARCEL.stream(parcel))[0])
        )
        return parcel

    def react(self, recorded: Any) -> list[Order]:
        event: ParcelSent = recorded.event
        if event.parcel_id == self.fails_for:
            raise ValueError("this one is bad")
        return [Ask(PARCEL, event.parcel_id, Scan("depot", event.occurred_at))]

    async def reactor(self) -> Reactor:
        reader = LaneReader(REACTIONS, lanes=self.lanes, codec=Codec(EVENTS), subjects=self.log)
        topics = self.broker.all(["everlog.parcels"])
        reader.use(MemorySource(self.broker, topics, reader.starts))
        reactions = [Reaction("scan_it", (ParcelSent,), self.react)]
        reactor = Reactor(reader, Reacting(reactions, self.log, NoReminders()))
        await reactor.start()
        return reactor

    def scans(self, parcel: UUID) -> int:
        return len(self.log.stored(self.asking.workspace, PARCEL.stream(parcel))) - 1


async def test_orders_carried_out_before_a_crash_are_not_carried_out_again() -> None:
    depot = Depot(DiesOnce())
    parcel = await depot.send()
    with pytest.raises(ConnectionError):
        await (await depot.reactor()).step()
    assert depot.scans(parcel) == 1
    await (await depot.reactor()).step()
    assert depot.scans(parcel) == 1


async def test_reading_the_topics_from_their_beginning_has_no_effect_again() -> None:
    """As after a lost offsets table: history is replayed, the world stays as it is."""
    depot = Depot(MemoryLanes())
    parcels = [await depot.send() for _ in range(3)]
    await (await depot.reactor()).step()
    depot.lanes = MemoryLanes()
    assert await (await depot.reactor()).step() == 3
    assert [depot.scans(parcel) for parcel in parcels] == [1, 1, 1]


async def test_a_reaction_that_fails_parks_its_own_sequence_only() -> None:
    depot = Depot(MemoryLanes())
    bad, good = await depot.send(), await depot.send()
    depot.fails_for = bad
    await (await depot.reactor()).step()
    assert (depot.scans(bad), depot.scans(good)) == (0, 1)
    [(place, _)] = depot.lanes.parked.items()
    assert place == ("reaction:scan_it", depot.asking.workspace, PARCEL.stream(bad))


@pytest.mark.parametrize("how", CONNECTION_ENDED, ids=lambda how: how.__name__)
async def test_a_database_that_goes_away_parks_nothing(
    how: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    depot = Depot(MemoryLanes())
    parcel = await depot.send()
    reactor = await depot.reactor()

    async def gone(*_: object, **__: object) -> None:
        raise how("the connection was ended")

    with monkeypatch.context() as away:
        away.setattr(depot.log, "append", gone)
        with pytest.raises(how):
            await reactor.step()
    assert not depot.lanes.parked
    await (await depot.reactor()).step()
    assert depot.scans(parcel) == 1


@pytest.mark.integration
async def test_a_connection_that_its_server_ended_is_known_by_what_it_raises(
    postgres_dsn: str,
) -> None:
    admin: Connection = await asyncpg.connect(postgres_dsn)
    for _ in range(20):  # how it says so depends on how far the news has come
        ended: Connection = await asyncpg.connect(postgres_dsn)
        await admin.fetchval("select pg_terminate_backend($1)", ended.get_server_pid())
        with pytest.raises(CONNECTION_ENDED):
            await _ask_until_it_fails(ended)
        ended.terminate()
    await admin.close()


async def _ask_until_it_fails(connection: Connection) -> None:
    for _ in range(3):
        await connection.fetchval("select 1")
