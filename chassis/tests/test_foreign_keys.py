"""Keys of persons whom another service owns: found when they are needed, gone when destroyed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from chassis.decider import handle
from chassis.ids import new_id
from chassis.testing.contracts import NOON, send
from chassis.testing.parcels import PARCEL, Forget
from chassis.testing.road import Road, open_road

pytestmark = pytest.mark.integration


@pytest.fixture
async def elsewhere(postgres_dsn: str, kafka_bootstrap: str) -> AsyncIterator[Road]:
    async with open_road(postgres_dsn, kafka_bootstrap, "elsewhere") as opened:
        yield opened


async def send_one(road: Road) -> tuple[UUID, UUID, UUID]:
    """A parcel on the topic: its workspace, its id, and the id of its receiver's key."""
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    async with road.worker.connection(None) as connection:
        key_id = await connection.fetchval(
            "select key_id from log.events where stream = $1", PARCEL.stream(parcel)
        )
    await road.relay_all()
    return workspace, parcel, key_id


async def test_an_unknown_key_is_looked_for_on_the_topic(road: Road, elsewhere: Road) -> None:
    await elsewhere.known_keys.catch_up()
    workspace, _, key_id = await send_one(road)
    assert (await elsewhere.known_keys.keys(workspace, [key_id]))[key_id] is not None


async def test_a_key_that_was_destroyed_is_forgotten_by_others(road: Road, elsewhere: Road) -> None:
    workspace, parcel, key_id = await send_one(road)
    assert (await elsewhere.known_keys.keys(workspace, [key_id]))[key_id] is not None
    await handle(road.log, PARCEL, parcel, Forget(NOON), road.context(workspace))
    await road.relay_all()
    await elsewhere.known_keys.catch_up()
    assert (await elsewhere.known_keys.keys(workspace, [key_id]))[key_id] is None
    async with elsewhere.worker.connection(None) as connection:
        left = await connection.fetchval(
            "select count(*) from road.known_keys where key_id = $1", key_id
        )
    assert left == 0
