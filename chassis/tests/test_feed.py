"""The feed over HTTP on real servers: complete, in order, prompt, by index, bounded."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from fastapi import APIRouter, Response
from pydantic import BaseModel

from chassis.http.writing import Writing
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.postgres.feed import BYTES_MOST, page_statement
from chassis.service import API, BOTH, WORKER
from chassis.testing.parcel_routes import SCANNING
from chassis.testing.parcels import ON_THE_WAY, PARCEL, Forget, Send
from chassis.testing.service_bench import Client, running

pytestmark = pytest.mark.integration

SENT, SCANNED = "parcels.parcel-sent.v1", "parcels.parcel-scanned.v1"

router = APIRouter()


class SendBody(BaseModel):
    receiver: str
    city: str = "London"
    longer: int = 0


@router.post("/parcels", status_code=201)
async def send_parcel(body: SendBody, write: Writing) -> Response:
    parcel = new_id()
    name = body.receiver + "x" * body.longer
    command = Send(parcel, new_id(), name, body.city, write.now)
    return await write.new(PARCEL, parcel, command, location="/api/v1/parcels")


@router.post("/parcels/{parcel_id}/forget")
async def forget_receiver(parcel_id: UUID, write: Writing) -> Response:
    return await write.change(PARCEL, parcel_id, Forget(write.now))


MANIFEST = Manifest(
    "sorting", deciders=(PARCEL,), projections=(ON_THE_WAY,), routers=(router, SCANNING)
)


@asynccontextmanager
async def sorting(
    postgres: str, kafka: str, path: Path, roles: Sequence[str] = (BOTH,)
) -> AsyncIterator[Client]:
    may = frozenset({"events.read"})
    async with running(MANIFEST, postgres, kafka, path, may, roles=roles) as client:
        yield client


@pytest.fixture
async def ask(postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with sorting(postgres_dsn, kafka_bootstrap, tmp_path) as client:
        yield client


@pytest.fixture
async def admin(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(f"{postgres_dsn.rsplit('/', 1)[0]}/everlog_sorting")
    yield connection
    await connection.close()


async def send(ask: Client, **body: Any) -> str:
    status, made, _ = await ask("POST", "/api/v1/parcels", {"receiver": "Ada", **body})
    assert status == 201, made
    return str(made["id"])


async def feed(ask: Client, query: str) -> dict[str, Any]:
    status, body, _ = await ask("GET", f"/api/v1/events?{query}")
    assert status == 200, body
    found: dict[str, Any] = body
    return found


async def until(ask: Client, head: int) -> None:
    """Until so many events are in the feed."""
    async with asyncio.timeout(20):
        while (await feed(ask, "limit=1"))["head"] < head:
            await asyncio.sleep(0.02)


async def poll(ask: Client, most: int) -> list[dict[str, Any]]:
    """All events from the first one on, as the guide for analysts does it."""
    items: list[dict[str, Any]] = []
    after, log = 0, ""
    async with asyncio.timeout(60):
        while len(items) < most:
            page = await feed(ask, f"after={after}&limit=7&wait_s=5{log}")
            items += page["items"]
            after, log = page["next"], f"&log={page['log']}"
    return items


async def test_a_poller_sees_every_event_once_while_many_write_and_relays_die(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    roles = (API, WORKER, WORKER)
    async with sorting(postgres_dsn, kafka_bootstrap, tmp_path, roles) as ask:
        relays = asyncio.create_task(_end_relays(postgres_dsn))
        polling = asyncio.create_task(poll(ask, 240))
        parcels = await asyncio.gather(*(_write(ask) for _ in range(12)))
        items = await polling
        assert await relays > 0
    assert [item["number"] for item in items] == list(range(1, 241))
    assert len({item["id"] for item in items}) == 240
    for parcel in parcels:
        versions = [i["version"] for i in items if i["stream"] == f"parcel-{parcel}"]
        assert versions == list(range(1, 21))


async def _write(ask: Client) -> str:
    parcel = await send(ask)
    for number in range(19):
        await ask("POST", f"/api/v1/parcels/{parcel}/scans?city=City {number}")
        await asyncio.sleep(0.05)
    return parcel


async def _end_relays(postgres: str) -> int:
    """Cut the session that makes the active relay the active one, three times."""
    connection = await asyncpg.connect(f"{postgres.rsplit('/', 1)[0]}/everlog_sorting")
    ended = 0
    for _ in range(3):
        await asyncio.sleep(0.4)
        ended += await connection.fetchval(
            "select count(pg_terminate_backend(a.pid)) from pg_stat_activity a "
            "join pg_locks l on l.pid = a.pid and l.locktype = 'advisory' "
            "where a.application_name = 'everlog sorting worker lock'"
        )
    await connection.close()
    return ended


async def test_whoever_waits_hears_of_an_event_at_once(ask: Client) -> None:
    await send(ask)
    await until(ask, 1)
    delays = []
    for number in range(1, 8):
        waiting = asyncio.create_task(feed(ask, f"after={number}&wait_s=10"))
        await asyncio.sleep(0.1)
        await send(ask)
        begin = time.perf_counter()
        page = await waiting
        delays.append(time.perf_counter() - begin)
        assert [item["number"] for item in page["items"]] == [number + 1]
    assert sorted(delays)[2] < 0.05, delays


async def test_many_wait_for_the_price_of_one_connection(
    ask: Client, admin: asyncpg.Connection
) -> None:
    parcel = await send(ask)
    await until(ask, 1)
    waiting = [asyncio.create_task(feed(ask, "after=1&wait_s=20")) for _ in range(60)]
    listening = (
        "select count(*) from pg_stat_activity where application_name = 'everlog sorting api feed'"
    )
    looked = "select max(query_start) from pg_stat_activity where query like '%log.numbering%' "
    mine = "and pid <> pg_backend_pid()"
    last = None
    async with asyncio.timeout(15):
        while not await admin.fetchval(listening):
            await asyncio.sleep(0.02)
        while (now := await admin.fetchval(looked + mine)) != last:  # who polls never rests
            last = now
            await asyncio.sleep(0.8)
    assert await admin.fetchval(listening) == 1
    await ask("POST", f"/api/v1/parcels/{parcel}/scans?city=Paris")
    pages = await asyncio.gather(*waiting)
    assert {page["next"] for page in pages} == {2}


async def test_whoever_waits_survives_the_loss_of_the_listening_connection(
    ask: Client, admin: asyncpg.Connection
) -> None:
    await send(ask)
    await until(ask, 1)
    waiting = asyncio.create_task(feed(ask, "after=1&wait_s=20"))
    await asyncio.sleep(0.3)
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'everlog sorting api feed'"
    )
    await asyncio.sleep(0.3)
    await send(ask)
    begin = time.perf_counter()
    assert (await waiting)["next"] == 2
    assert time.perf_counter() - begin < 5


async def test_a_filter_that_skips_events_moves_its_reader_on(ask: Client) -> None:
    parcel = await send(ask)
    for city in ("Paris", "Rome", "Oslo"):
        await ask("POST", f"/api/v1/parcels/{parcel}/scans?city={city}")
    await until(ask, 4)
    page = await feed(ask, f"type={SENT}&limit=1")
    assert ([item["number"] for item in page["items"]], page["next"]) == ([1], 1)
    page = await feed(ask, f"type={SENT}&after=1")
    assert (page["items"], page["next"], page["head"]) == ([], 4, 4)
    page = await feed(ask, f"type={SENT}&after=4&wait_s=0.1")
    assert (page["items"], page["next"]) == ([], 4)
    page = await feed(ask, f"stream=parcel-{parcel}&type={SCANNED}&after=2&limit=1")
    assert ([item["number"] for item in page["items"]], page["next"]) == ([3], 3)
    page = await feed(ask, f"stream=parcel-{new_id()}")
    assert (page["items"], page["next"]) == ([], 4)


async def test_events_are_found_by_their_ids_and_what_is_no_id_is_refused(ask: Client) -> None:
    await send(ask)
    await until(ask, 1)
    [sent] = (await feed(ask, "limit=1"))["items"]
    found = await feed(ask, f"ids={sent['id']},{new_id()}")
    assert found["items"] == [sent]
    status, problem, _ = await ask("GET", "/api/v1/events?ids=1")
    assert (status, problem["code"]) == (422, "bad-input")


async def test_a_page_is_bounded_in_bytes_and_none_is_lost_by_that(ask: Client) -> None:
    for number in range(10):
        await send(ask, city=str(number), longer=BYTES_MOST // 8 * 3 // 4)
    await until(ask, 10)
    pages = [await feed(ask, "limit=200")]
    while pages[-1]["next"] < 10:
        pages.append(await feed(ask, f"after={pages[-1]['next']}&limit=200"))
    assert [len(page["items"]) for page in pages] == [8, 2]
    cities = [item["data"]["city"] for page in pages for item in page["items"]]
    assert cities == list("0123456789")


async def test_a_reader_from_before_a_restore_is_told_so(
    ask: Client, admin: asyncpg.Connection
) -> None:
    await send(ask)
    await until(ask, 1)
    page = await feed(ask, "limit=1")
    assert (await feed(ask, f"after=1&log={page['log']}"))["next"] == 1
    status, problem, _ = await ask("GET", f"/api/v1/events?after=2&log={page['log']}")
    assert (status, problem["code"], problem["head"]) == (409, "log-restored", 1)
    await admin.fetchval("select log.number_anew()")
    status, problem, _ = await ask("GET", f"/api/v1/events?after=1&log={page['log']}&wait_s=5")
    assert (status, problem["code"]) == (409, "log-restored")
    assert "after=0" in problem["detail"]
    assert (await feed(ask, "after=0"))["log"] == problem["log"]


async def test_the_erased_read_as_erased_and_others_on_the_page_do_not(ask: Client) -> None:
    parcel = await send(ask, receiver="Ada")
    await send(ask, receiver="Grace")
    await ask("POST", f"/api/v1/parcels/{parcel}/forget")
    await until(ask, 3)
    items = (await feed(ask, f"type={SENT}"))["items"]
    assert [item["data"]["receiver"] for item in items] == ["[erased]", "Grace"]


async def test_an_event_that_is_relayed_twice_is_numbered_once(
    ask: Client, admin: asyncpg.Connection
) -> None:
    await send(ask)
    await send(ask)
    await until(ask, 2)
    await admin.execute(
        "insert into log.outbox select position, workspace_id from log.events "
        "where workspace_id = $1",
        ask.principal.workspace,
    )
    await send(ask)
    await until(ask, 3)
    numbers = [item["number"] for item in (await feed(ask, ""))["items"]]
    assert numbers == [1, 2, 3]


# What a page may cost. 40,000 events of 1,000 streams, the rare type is every 2,000th of them.
_MANY = """
with made as (
    insert into log.events (workspace_id, stream, version, id, type, occurred_at, recorded_at,
        actor, correlation_id, data, hash)
    select $1, 'parcel-' || lpad((n % 1000)::text, 36, '0'), n / 1000 + 1, gen_random_uuid(),
        case when n % 2000 = 0 then 'parcels.rare.v1' else 'parcels.common.v1' end,
        now(), now(), 'user-1', gen_random_uuid(), '{}', ''
      from generate_series(0, 39999) as n
    returning position, type)
insert into log.feed (workspace_id, number, position, type)
select $1, row_number() over (order by position), position, type from made
"""


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
async def test_a_page_costs_an_index_whatever_it_is_filtered_by(
    ask: Client, admin: asyncpg.Connection, plan: str
) -> None:
    workspace = new_id()
    await admin.execute(_MANY, workspace)
    await admin.execute("analyze log.events")
    await admin.execute("analyze log.feed")
    await admin.execute(f"set plan_cache_mode = {plan}")
    await admin.execute("set role everlog_sorting_api")
    await admin.execute("select set_config('everlog.workspace', $1, false)", str(workspace))
    stream = f"parcel-{'7'.rjust(36, '0')}"
    common, rare = "parcels.common.v1", "parcels.rare.v1"
    for chosen in ([], [rare], [common], [stream], [stream, common]):
        of_stream, of_type = stream in chosen, bool({common, rare} & set(chosen))
        statement = page_statement(of_stream=of_stream, of_type=of_type)
        given = (workspace, 20_000, 40_000, 20, BYTES_MOST, *chosen)
        told = await _explained(admin, statement, given)
        assert "Seq Scan" not in json.dumps(told["Plan"]), (chosen, told)
        blocks = told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"]
        assert blocks < 400, (chosen, blocks)
        assert told["Plan"]["Actual Rows"] > 0, chosen


async def _explained(
    connection: asyncpg.Connection, statement: str, given: Sequence[Any]
) -> dict[str, Any]:
    """The plan of a prepared statement as it was carried out."""
    types = ("uuid", "bigint", "bigint", "integer", "bigint", "text", "text")[: len(given)]
    await connection.execute(f"prepare page ({', '.join(types)}) as {statement}")
    values = ", ".join(f"'{value}'" for value in given)
    told = await connection.fetchval(
        f"explain (analyze, buffers, format json) execute page ({values})"
    )
    await connection.execute("deallocate page")
    plan: dict[str, Any] = json.loads(told)[0]
    return plan
