"""A rebuild never knows less than what it replaces, whatever became of the topics meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from chassis import rebuild as rebuilding
from chassis.errors import Poison
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.lane import LIVE
from chassis.setup import prepare_database
from chassis.testing.contracts import travel
from chassis.testing.parcels import PARCEL
from chassis.testing.road import KEYRING, Road, open_road
from chassis.wire import message_of

pytestmark = pytest.mark.integration


@pytest.fixture
async def road(postgres_dsn: str, kafka_bootstrap: str) -> AsyncIterator[Road]:
    """With a new database for each test: they leave it in a bad way."""
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute("drop database if exists everlog_rebuilt with (force)")
    await admin.close()
    async with open_road(postgres_dsn, kafka_bootstrap, "rebuilt") as opened:
        yield opened


async def parcel_in(road: Road, workspace: UUID, *cities: str) -> UUID:
    return await travel(road.log, road.context(workspace), *cities)


async def execute(road: Road, statement: str, *arguments: object) -> None:
    async with road.worker.connection(None) as connection:
        await connection.execute(statement, *arguments)


async def statuses(road: Road) -> dict[int, str]:
    async with road.worker.connection(None) as connection:
        rows = await connection.fetch(
            "select generation, status from road.generations where status <> 'retired'"
        )
    return {row["generation"]: row["status"] for row in rows}


async def test_a_rebuild_refuses_topics_that_lack_what_the_live_read_model_has(road: Road) -> None:
    workspace = new_id()
    await parcel_in(road, workspace, "Paris")
    await road.relay_all()
    await road.project_all()
    counted = "update road.offsets set events = events + $1 where lane = $2 and partition = 3"
    await execute(road, counted, 1, LIVE)
    before = await statuses(road)
    with pytest.raises(Poison, match=r"^1 events that the live .* everlog republish --all"):
        await road.rebuild()
    with pytest.raises(Poison, match=r"^1 events"):
        await road.rebuilding().compare()
    assert await statuses(road) == before
    await execute(road, counted, -1, LIVE)
    await road.rebuild()


async def test_a_rebuild_waits_while_the_live_lane_reads_its_topics_again(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "_WAIT_S", 0.05)
    workspace = new_id()
    parcel = await parcel_in(road, workspace, "Paris", "Rome")
    await road.relay_all()
    await road.project_all()
    again = "update road.offsets set next_offset = 0, epoch = epoch + 1 where lane = $1"
    await execute(road, again, LIVE)
    building = asyncio.create_task(road.rebuild())
    await asyncio.sleep(1.0)
    assert not building.done()
    await road.project_all()
    async with asyncio.timeout(10):
        await building
    [row] = await road.rows(workspace)
    assert (row["parcel_id"], row["scans"]) == (parcel, 2)


async def test_a_rebuild_does_not_wait_for_ever_for_a_lane_that_nobody_reads(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "_WAIT_S", 0.05)
    monkeypatch.setattr(rebuilding, "_STILL_S", 0.3)
    await parcel_in(road, new_id(), "Paris")
    await road.relay_all()
    await road.project_all()
    await execute(road, "update road.offsets set topic_id = $1 where lane = $2", new_id(), LIVE)
    with pytest.raises(Poison, match="no worker does it"):
        await road.rebuild()


async def test_a_rebuild_does_not_read_beyond_the_end_of_a_topic_that_was_set_back(
    road: Road,
) -> None:
    await road.project_all()
    beyond = "update road.offsets set next_offset = next_offset + $1 where lane = $2"
    await execute(road, beyond, 1000, LIVE)
    with pytest.raises(Poison, match="made anew or set back"):
        async with asyncio.timeout(20):
            await road.rebuild()


async def test_events_that_came_too_early_count_once_they_come_in_their_turn(road: Road) -> None:
    """A relay may have published into a new topic before it was filled again."""
    workspace = new_id()
    parcel = await parcel_in(road, workspace, "Paris", "Rome")
    outbox = road.relay()._outbox
    await outbox.take_over()
    events = (await outbox.take(1000)).events
    await outbox.give_up()
    [last] = [s for s in events if s.stream == PARCEL.stream(parcel) and s.version == 3]
    sink = await KafkaSink.open(road.kafka)
    await sink.publish([message_of(last)])
    await sink.close()
    await road.project_all()
    with pytest.raises(Poison, match="version 3 follows version 0 in the topic"):
        await road.rebuild()
    await road.relay_all()
    await road.project_all()
    await road.rebuild()
    [row] = await road.rows(workspace)
    assert (row["city"], row["scans"]) == ("Rome", 2)


async def test_a_read_model_whose_tables_are_gone_is_rebuilt_and_not_kept_up_any_more(
    road: Road,
) -> None:
    workspace = new_id()
    await parcel_in(road, workspace, "Paris")
    await road.relay_all()
    await road.project_all()
    [lost] = [g for g, status in (await statuses(road)).items() if status == "live"]
    await execute(road, f"drop schema on_the_way_g{lost} cascade")
    new = await road.rebuild()
    assert await statuses(road) == {lost: "paused", new: "live"} | {
        g: s for g, s in (await statuses(road)).items() if g not in (lost, new)
    }
    await parcel_in(road, workspace, "Oslo")
    await road.relay_all()
    await road.project_all()
    assert len(await road.rows(workspace)) == 2


async def test_what_was_built_beside_is_kept_up_and_does_not_answer(road: Road) -> None:
    workspace = new_id()
    await parcel_in(road, workspace, "Paris")
    await road.relay_all()
    await road.project_all()
    before = await statuses(road)
    beside = await road.rebuild(swap=False)
    assert (await statuses(road)) == before | {beside: "standby"}
    await parcel_in(road, workspace, "Oslo")
    await road.relay_all()
    await road.project_all()
    async with road.worker.connection(None) as connection:
        kept_up = await connection.fetchval(
            f"select count(*) from on_the_way_g{beside}.parcels where workspace_id = $1", workspace
        )
    assert kept_up == 2


async def test_a_database_set_up_anew_beside_a_lane_that_begins_again_gets_no_empty_read_models(
    road: Road, postgres_dsn: str
) -> None:
    """An offset of 0 does not mean that nothing was read: the topic may have been made anew."""
    await parcel_in(road, new_id())
    await road.relay_all()
    await road.project_all()
    await execute(road, "update road.offsets set next_offset = 0 where lane = $1", LIVE)
    newer = replace(road.manifest.projections[0], name="also_on_the_way")
    more = replace(road.manifest, projections=(*road.manifest.projections, newer))
    await asyncio.to_thread(prepare_database, more, postgres_dsn, KEYRING)
    async with road.worker.connection(None) as connection:
        made = await connection.fetchval(
            "select count(*) from road.generations where name = 'also_on_the_way'"
        )
    assert made == 0
