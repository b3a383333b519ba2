"""Two writers at once, interleaved by hand: one has not committed yet when the other begins.

A race that is left to chance passes most of the time, also without the guard that it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from chassis.decider import handle
from chassis.ids import new_id
from chassis.ports import Append, Appended
from chassis.postgres.event_log import _APPEND, PostgresEventLog
from chassis.testing.contracts import NOON, context, send
from chassis.testing.parcels import PARCEL, ParcelScanned
from chassis.testing.road import Road

pytestmark = pytest.mark.integration


@asynccontextmanager
async def under_way(
    road: Road, append: Append, workspace: UUID, key: str | None
) -> AsyncIterator[None]:
    """An append whose transaction is open; it commits at the end."""
    asking = context(workspace, key, b"same" if key else None)
    log: PostgresEventLog = road.log
    async with road.api.connection(workspace) as connection, connection.transaction():
        [prepared] = await log.prepare(connection, asking, [append])
        await connection.fetchrow(_APPEND, *log._arguments(prepared))
        yield


async def stands_still(writing: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Begin to write; it has to wait for the one before."""
    task = asyncio.ensure_future(writing)
    done, _ = await asyncio.wait({task}, timeout=0.4)
    assert not done, "it did not wait"
    return task


async def sent(road: Road) -> tuple[UUID, UUID]:
    workspace, parcel = new_id(), new_id()
    await handle(road.log, PARCEL, parcel, send(parcel), road.context(workspace), new=True)
    return workspace, parcel


def scan(parcel: UUID, city: str) -> Append:
    seen = ParcelScanned(parcel, city, occurred_at=NOON)
    return Append(PARCEL.stream(parcel), [seen], expected=None)


async def test_a_writer_who_means_any_version_waits_for_the_one_before(road: Road) -> None:
    workspace, parcel = await sent(road)
    async with under_way(road, scan(parcel, "Rome"), workspace, None):
        writing = road.log.append(road.context(workspace), scan(parcel, "Oslo"))
        second = await stands_still(writing)
    assert (await second).version == 3


async def test_a_bulk_append_waits_for_the_one_before(road: Road) -> None:
    workspace, parcel = await sent(road)
    async with under_way(road, scan(parcel, "Rome"), workspace, None):
        writing = road.log.append_many(road.context(workspace), [scan(parcel, "Oslo")])
        second = await stands_still(writing)
    assert [answer.version for answer in await second] == [3]


async def test_a_key_used_on_two_new_streams_at_once_has_one_effect(road: Road) -> None:
    """As when a client repeats a request that is still being answered."""
    workspace, one, two = new_id(), new_id(), new_id()
    first, second = (
        PARCEL.append_of(parcel, PARCEL.decide(send(parcel), None), 0) for parcel in (one, two)
    )
    async with under_way(road, first, workspace, "key-1"):
        writing = road.log.append(context(workspace, "key-1", b"same"), second)
        again = await stands_still(writing)
    answer: Appended = await again
    assert (answer.stream, answer.replayed) == (PARCEL.stream(one), True)
    loaded = await road.log.load(road.context(workspace), PARCEL.stream(two))
    assert loaded.version == 0


async def test_two_first_events_of_one_person_share_one_key(road: Road) -> None:
    """Two keys for one person would leave one behind when the person is forgotten."""
    workspace, receiver, one, two = new_id(), new_id(), new_id(), new_id()
    first, second = (
        PARCEL.append_of(parcel, PARCEL.decide(send(parcel, receiver_id=receiver), None), 0)
        for parcel in (one, two)
    )
    async with under_way(road, first, workspace, None):
        second_writes = await stands_still(road.log.append(road.context(workspace), second))
    await second_writes
    async with road.worker.connection(None) as connection:
        keys = await connection.fetch(
            "select distinct key_id from log.events where workspace_id = $1", workspace
        )
    assert len(keys) == 1


async def test_neither_role_of_a_service_may_change_what_is_in_the_log(road: Road) -> None:
    async with road.worker.connection(None) as connection:
        granted = await connection.fetch(
            "select grantee, privilege_type from information_schema.role_table_grants "
            "where table_schema = 'log' and table_name = 'events' and grantee like 'everlog%'"
        )
        rights = await connection.fetchval(
            "select array_agg(r || ' ' || p) from unnest($1::text[]) r, unnest($2::text[]) p "
            "where has_table_privilege(r, 'log.events', p)",
            ["everlog_parcels_api", "everlog_parcels_worker"],
            ["update", "delete", "truncate"],
        )
    assert {row["privilege_type"] for row in granted} == {"SELECT", "INSERT"}
    assert rights is None


async def test_a_bulk_append_that_fails_at_the_end_leaves_nothing(road: Road) -> None:
    workspace, parcel = await sent(road)
    new = new_id()

    async def fail(_: Any) -> None:
        raise ConnectionError("killed before the commit")

    appends = [scan(parcel, "Rome"), PARCEL.append_of(new, PARCEL.decide(send(new), None), 0)]
    with pytest.raises(ConnectionError):
        await road.log.append_many(context(workspace, "key-1", b"same"), appends, within=fail)
    for stream, version in ((PARCEL.stream(parcel), 1), (PARCEL.stream(new), 0)):
        assert (await road.log.load(road.context(workspace), stream)).version == version


async def test_a_connection_sees_the_workspace_that_it_is_handed_out_for(road: Road) -> None:
    one, two = new_id(), new_id()
    for workspace in (one, two, one):
        async with road.api.connection(workspace) as connection:
            assert await connection.fetchval("select log.workspace()") == workspace
