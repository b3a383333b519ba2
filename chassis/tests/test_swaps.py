"""Whatever changes the live lane from beside it turns away the batches that were taken before."""

from __future__ import annotations

import pytest

from chassis import rebuild
from chassis.decider import handle
from chassis.errors import Fenced
from chassis.events import topic_of
from chassis.ids import new_id
from chassis.lane import LIVE
from chassis.parked import Tried
from chassis.postgres import turns
from chassis.postgres.turns import Turn
from chassis.testing.contracts import NOON, send
from chassis.testing.parcels import PARCEL, ParcelScanned, Scan
from chassis.testing.road import Road
from chassis.testing.turns import SILENT_S, frozen_is_succeeded_and_at_work_is_not

pytestmark = pytest.mark.integration


async def test_a_batch_taken_before_a_swap_is_refused_after_it(road: Road) -> None:
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    await road.project_all()
    await handle(road.log, PARCEL, parcel, Scan("Paris", NOON), road.context(workspace))
    await road.relay_all()
    reader = await road.lone_reader()
    batch = await road.held_batch(reader)
    await road.rebuild()
    with pytest.raises(Fenced):
        await reader.commit(batch)
    await reader.stop()
    await road.project_all()
    assert [row["scans"] for row in await road.rows(workspace)] == [1]


async def test_a_rebuild_does_not_run_ahead_of_the_live_lane(road: Road) -> None:
    """What it had applied already, the live lane would apply once more after the swap."""
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    await road.project_all()
    for city in ("Paris", "Rome"):
        await handle(road.log, PARCEL, parcel, Scan(city, NOON), road.context(workspace))
    await road.relay_all()
    await road.rebuild()
    await road.project_all()
    assert [row["scans"] for row in await road.rows(workspace)] == [2]


async def test_a_batch_taken_before_a_retry_is_refused_after_it(road: Road) -> None:
    """It would queue its events up behind a sequence that is parked no longer."""
    workspace, parcel = new_id(), new_id()
    asking = road.context(workspace)
    await handle(road.log, PARCEL, parcel, send(parcel), asking, new=True)
    road.fails = lambda r: isinstance(r.event, ParcelScanned) and r.event.parcel_id == parcel
    await handle(road.log, PARCEL, parcel, Scan("Paris", NOON), asking)
    await road.relay_all()
    await road.project_all()
    await handle(road.log, PARCEL, parcel, Scan("Rome", NOON), asking)
    await road.relay_all()
    reader = await road.lone_reader()
    batch = await road.held_batch(reader)
    road.fails = lambda _: False
    assert await road.parked().retry("on_the_way", workspace, PARCEL.stream(parcel)) == Tried(1)
    with pytest.raises(Fenced):
        await reader.commit(batch)
    await reader.stop()
    await road.project_all()
    assert [row["scans"] for row in await road.rows(workspace)] == [2]


async def test_a_rolled_back_batch_leaves_nothing_behind(road: Road) -> None:
    """Rows, guards, parked sequences and offsets are one transaction."""
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    reader = await road.lone_reader()
    before = dict(reader.state.offsets)
    batch = await road.held_batch(reader)
    batch.commit.guards[workspace, "a stream"] = (
        1 << 40
    )  # no integer: fails after the offsets moved
    with pytest.raises(Exception, match=r"out of range|int32"):
        await reader.commit(batch)
    await reader.resync()
    topic = topic_of("parcels.parcel-sent.v1")
    assert reader.lane == LIVE
    assert {p: o for p, o in reader.state.offsets.items() if p.topic == topic} == before
    await reader.stop()
    await road.project_all()
    assert [row["city"] for row in await road.rows(workspace)] == ["London"]


async def test_what_the_live_lane_applies_during_a_rebuild_is_in_it(road: Road) -> None:
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    await road.project_all()
    rebuilding = road.rebuilding()
    await rebuilding._prepare()
    await handle(road.log, PARCEL, parcel, Scan("Paris", NOON), road.context(workspace))
    await road.relay_all()
    await road.project_all()
    await rebuilding._join(swap=True)
    assert [row["scans"] for row in await road.rows(workspace)] == [1]


async def test_a_rebuild_whose_work_was_thrown_away_is_not_swapped_in(road: Road) -> None:
    """It slept too long: another process has the turn, and begins by dropping what it finds."""
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    await road.project_all()
    slept = road.rebuilding()
    await slept._prepare()
    generation = await road.rebuild()
    for swap in (True, False):
        with pytest.raises(Fenced):
            await slept._join(swap=swap)
    await slept._abandon()
    async with road.worker.connection(None) as connection:
        live = "select generation from road.generations where status = 'live'"
        assert [row["generation"] for row in await connection.fetch(live)] == [generation]
    assert [row["scans"] for row in await road.rows(workspace)] == [0]


async def test_a_rebuild_that_is_ended_after_its_swap_leaves_what_answers(road: Road) -> None:
    """The commit went through, and then the connection was gone, or whoever waited."""
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    await road.project_all()
    rebuilding = road.rebuilding()
    await rebuilding._prepare()
    await rebuilding._join(swap=True)
    await rebuilding._abandon()
    assert [row["city"] for row in await road.rows(workspace)] == ["London"]


async def test_a_frozen_rebuild_is_succeeded_and_one_at_work_is_not(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SILENT_S", SILENT_S)
    monkeypatch.setattr(rebuild, "_WAIT_S", 0.1)
    await (await road.lone_reader()).stop()  # so that the lane has its places
    async with road.worker.connection(None) as connection, connection.transaction():
        await connection.execute("select from road.offsets for update")  # so that it cannot join
        await frozen_is_succeeded_and_at_work_is_not(
            lambda: Turn(road.worker, "everlog rebuild on_the_way"), road.rebuild()
        )


async def test_a_rebuild_counts_once_what_was_relayed_twice(road: Road) -> None:
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    [sent] = (await road.log.load(road.context(workspace), PARCEL.stream(parcel))).events
    async with road.worker.connection(None) as connection:
        await connection.execute(
            "insert into log.outbox select position, workspace_id from log.events where id = $1",
            sent.id,
        )
        await connection.execute("delete from log.feed where workspace_id = $1", workspace)
    await road.relay_all()
    await road.project_all()
    await road.rebuild()
    assert await road.rows(workspace, "cities") == [{"city": "London", "seen": 1}]
