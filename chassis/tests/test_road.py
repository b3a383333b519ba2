"""The whole road on real servers: append → outbox → relay → Kafka → projector → rows."""

from __future__ import annotations

import pytest

from chassis.decider import handle
from chassis.errors import Conflict, Fenced, Poison
from chassis.ids import new_id
from chassis.testing.contracts import NOON, send
from chassis.testing.parcels import (
    EVENTS,
    ON_THE_WAY,
    PARCEL,
    Deliver,
    Forget,
    ParcelScanned,
    ParcelSent,
    Scan,
)
from chassis.testing.road import Road

pytestmark = pytest.mark.integration


async def test_a_destroyed_key_of_ones_own_does_not_live_on_in_what_the_topic_told(
    road: Road,
) -> None:
    workspace, parcel = new_id(), new_id()
    asking = road.context(workspace)
    await handle(road.log, PARCEL, parcel, send(parcel), asking, new=True)
    await road.relay_all()
    await road.known_keys.catch_up()
    await handle(road.log, PARCEL, parcel, Forget(NOON), asking)
    loaded = await road.log.load(asking, PARCEL.stream(parcel))
    assert isinstance(sent := loaded.events[0].event, ParcelSent)
    assert sent.receiver == "[erased]"


async def test_what_is_appended_arrives_in_the_read_model(road: Road) -> None:
    workspace, parcel = new_id(), new_id()
    asking = road.context(workspace)
    await handle(road.log, PARCEL, parcel, send(parcel), asking, new=True)
    await handle(road.log, PARCEL, parcel, Scan("Paris", NOON), asking)
    await road.relay_all()
    await road.project_all()
    assert await road.rows(workspace) == [
        {
            "parcel_id": parcel,
            "receiver": "Ada Lovelace",
            "city": "Paris",
            "sent_at": NOON,
            "scans": 1,
        }
    ]
    assert await road.rows(workspace, "cities") == [
        {"city": "London", "seen": 1},
        {"city": "Paris", "seen": 1},
    ]


async def test_what_is_relayed_twice_counts_once(road: Road) -> None:
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    async with road.worker.connection(None) as connection:
        waiting = await connection.fetch("select position, workspace_id from log.outbox")
    await road.relay_all()
    async with road.worker.connection(None) as connection:
        await connection.executemany(
            "insert into log.outbox values ($1, $2)", [tuple(row) for row in waiting]
        )
        await connection.execute("delete from log.feed")
    await road.relay_all()
    await road.project_all()
    assert await road.rows(workspace, "cities") == [{"city": "London", "seen": 1}]


async def test_the_feed_numbers_every_event_of_a_workspace_without_gaps(road: Road) -> None:
    workspace = new_id()
    for _ in range(2):
        for _ in range(3):
            parcel = new_id()
            await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
        await road.relay_all()
    async with road.worker.connection(None) as connection:
        numbers = await connection.fetch(
            "select number from log.feed where workspace_id = $1 order by number", workspace
        )
    assert [row["number"] for row in numbers] == [1, 2, 3, 4, 5, 6]


async def test_a_bad_event_parks_only_its_own_sequence_and_can_be_tried_again(road: Road) -> None:
    workspace, good, bad = new_id(), new_id(), new_id()
    asking = road.context(workspace)
    for parcel in (good, bad):
        await handle(road.log, PARCEL, parcel, send(parcel), asking, new=True)
    road.fails = lambda r: isinstance(r.event, ParcelScanned) and r.event.parcel_id == bad
    for parcel in (good, bad):
        await handle(road.log, PARCEL, parcel, Scan("Paris", NOON), asking)
    await handle(road.log, PARCEL, bad, Deliver(NOON), asking)
    await road.relay_all()
    await road.project_all()
    cities = {row["parcel_id"]: row["city"] for row in await road.rows(workspace)}
    assert cities == {good: "Paris", bad: "London"}
    [parked] = [p for p in await road.parked().streams() if p.workspace_id == workspace]
    assert (parked.stream, parked.cause, parked.events) == (PARCEL.stream(bad), "failed", 2)
    shown = await road.parked().show("on_the_way", workspace, parked.stream)
    assert [event["version"] for event in shown["events"]] == [2, 3]
    assert (shown["cause"], shown["waiting"]) == ("failed", 2)
    with pytest.raises(Conflict, match="this one is bad"):
        await road.parked().retry("on_the_way", workspace, parked.stream)
    road.fails = lambda _: False
    tried = await road.parked().retry("on_the_way", workspace, parked.stream)
    assert (tried.applied, tried.skipped) == (2, ())
    assert [row["parcel_id"] for row in await road.rows(workspace)] == [good]
    assert not [p for p in await road.parked().streams() if p.workspace_id == workspace]


async def test_a_skipped_event_lets_the_rest_of_its_sequence_go_on(road: Road) -> None:
    workspace, bad = new_id(), new_id()
    asking = road.context(workspace)
    await handle(road.log, PARCEL, bad, send(bad), asking, new=True)
    await handle(road.log, PARCEL, bad, Scan("Paris", NOON), asking)
    await handle(road.log, PARCEL, bad, Scan("Rome", NOON), asking)
    road.fails = lambda r: isinstance(r.event, ParcelScanned) and r.event.city == "Paris"
    await road.relay_all()
    await road.project_all()
    tried = await road.parked().retry("on_the_way", workspace, PARCEL.stream(bad), skip=1)
    left_out = "parcels.parcel-scanned.v1 (version 2) left out for good; 1 event applied"
    assert str(tried) == left_out
    assert [row["city"] for row in await road.rows(workspace)] == ["Rome"]


async def test_a_parked_event_that_is_not_where_it_was_is_not_taken_for_another(
    road: Road,
) -> None:
    workspace, bad, other = new_id(), new_id(), new_id()
    asking = road.context(workspace)
    for parcel in (bad, other):
        await handle(road.log, PARCEL, parcel, send(parcel), asking, new=True)
        await handle(road.log, PARCEL, parcel, Scan("Paris", NOON), asking)
    road.fails = lambda r: isinstance(r.event, ParcelScanned)
    await road.relay_all()
    await road.project_all()
    async with road.worker.connection(None) as connection:
        await connection.execute(
            "update road.parked_events b set topic = o.topic, partition = o.partition, "
            '"offset" = o."offset" from road.parked_events o where b.stream = $1 and o.stream = $2',
            PARCEL.stream(bad),
            PARCEL.stream(other),
        )
    road.fails = lambda _: False
    for stray in (0, 10_000_000):
        async with road.worker.connection(None) as connection:
            await connection.execute(
                'update road.parked_events set "offset" = "offset" + $1 where stream = $2',
                stray,
                PARCEL.stream(bad),
            )
        with pytest.raises(Conflict, match="version 2 is not where it was"):
            await road.parked().retry("on_the_way", workspace, PARCEL.stream(bad))


async def test_a_rebuild_equals_what_was_kept_up_live(road: Road) -> None:
    workspace = new_id()
    asking = road.context(workspace)
    parcels = [new_id() for _ in range(30)]
    for parcel in parcels:
        await handle(road.log, PARCEL, parcel, send(parcel), asking, new=True)
    for parcel in parcels[::2]:
        await handle(road.log, PARCEL, parcel, Scan("Paris", NOON), asking)
    for parcel in parcels[::3]:
        await handle(road.log, PARCEL, parcel, Deliver(NOON), asking)
    await handle(road.log, PARCEL, parcels[1], Forget(NOON), asking)
    await road.relay_all()
    await road.project_all()
    live = [await road.rows(workspace, table) for table in ("parcels", "cities")]
    await road.rebuild()
    assert [await road.rows(workspace, table) for table in ("parcels", "cities")] == live
    assert len(live[0]) == 20
    await handle(road.log, PARCEL, parcels[2], Scan("Rome", NOON), asking)
    await road.relay_all()
    await road.project_all()
    cities = {row["parcel_id"]: row["city"] for row in await road.rows(workspace)}
    assert cities[parcels[2]] == "Rome"


async def test_a_rebuild_that_meets_a_bad_event_changes_nothing(road: Road) -> None:
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    await road.project_all()
    before = await road.rows(workspace)
    road.fails = lambda r: r.workspace == workspace
    with pytest.raises(Poison, match="this one is bad"):
        await road.rebuild()
    assert await road.rows(workspace) == before


async def test_a_projector_that_slept_through_a_takeover_is_refused(road: Road) -> None:
    workspace, parcel = new_id(), new_id()
    asking = road.context(workspace)
    await handle(road.log, PARCEL, parcel, send(parcel), asking, new=True)
    await road.relay_all()
    await road.project_all()
    await handle(road.log, PARCEL, parcel, Scan("Paris", NOON), asking)
    await road.relay_all()
    zombie = road.reader()
    zombie.want(ON_THE_WAY.types())
    await zombie.start()
    batch = await road.held_batch(zombie)
    await zombie.stop()
    await road.project_all()
    with pytest.raises(Fenced):
        await zombie.commit(batch)
    assert [row["scans"] for row in await road.rows(workspace)] == [1]


def test_every_event_of_the_tiny_domain_is_projected() -> None:
    assert set(ON_THE_WAY.events) == set(EVENTS)


async def test_live_tables_equal_the_fold_and_a_difference_is_found(road: Road) -> None:
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    await road.relay_all()
    await road.project_all()
    assert all(compared.equal for compared in await road.rebuilding().compare())
    async with road.worker.connection(None) as connection:
        generation = await connection.fetchval(
            "select generation from road.generations where status = 'live'"
        )
        await connection.execute(
            f"update on_the_way_g{generation}.parcels set city = 'Tampered' where parcel_id = $1",
            parcel,
        )
    compared = {c.table: c for c in await road.rebuilding().compare()}
    assert not compared["parcels"].equal
    assert compared["cities"].equal
    async with road.worker.connection(None) as connection:
        await connection.execute(
            f"update on_the_way_g{generation}.parcels set city = 'London' where parcel_id = $1",
            parcel,
        )
