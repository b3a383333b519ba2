"""A service whose requests are answered by one process while another one works for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chassis.clock import SystemClock
from chassis.errands import rebuild
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.runner import serve
from chassis.service import API, WORKER, Service
from chassis.testing.parcel_routes import SENDING, SHOWING
from chassis.testing.parcels import ON_THE_WAY, PARCEL
from chassis.testing.service_bench import Client, running
from embedded.ports import free_port

pytestmark = pytest.mark.integration

MANIFEST = Manifest(
    "counter", deciders=(PARCEL,), projections=(ON_THE_WAY,), routers=(SENDING, SHOWING), public=()
)
MAY = frozenset({"ops", "events.read"})
ADA = {"receiver": "Ada", "city": "London"}


@pytest.fixture
def begin(postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path) -> Any:
    def run(*roles: str, manifest: Manifest = MANIFEST) -> AbstractAsyncContextManager[Client]:
        return running(manifest, postgres_dsn, kafka_bootstrap, tmp_path, MAY, roles=roles)

    return run


@pytest.fixture
async def ask(begin: Any) -> AsyncIterator[Client]:
    async with begin(API, WORKER) as client:
        yield client


async def test_a_write_is_seen_though_another_process_projects_it(ask: Client) -> None:
    for _ in range(5):
        status, _, headers = await ask("POST", "/api/v1/parcels", ADA)
        assert status == 201
        token = headers["Everlog-Token"]
        status, parcel, headers = await ask("GET", headers["Location"], Everlog_Token=token)
        assert (status, parcel["receiver"]) == (200, "Ada")
        assert "Everlog-Stale" not in headers


async def test_readers_go_over_to_a_generation_that_another_process_has_built(
    ask: Client,
) -> None:
    _, _, headers = await ask("POST", "/api/v1/parcels", ADA)
    location, token = headers["Location"], headers["Everlog-Token"]
    await ask("GET", location, Everlog_Token=token)
    service = Service(MANIFEST, ask.settings, SystemClock(), WORKER)
    await service.start()
    await rebuild(service, "on_the_way")
    async with service.work.connection(None) as connection:
        # What readers must not depend on any more, made visible in the old form of the table.
        live = await connection.fetchval(
            "select generation from road.generations where name = 'on_the_way' and status = 'live'"
        )
        await connection.execute(f"update on_the_way_g{live - 1}.parcels set city = 'of old'")
    await service.stop()
    await asyncio.sleep(1.5)
    assert (await ask("GET", location))[1]["city"] == "London"
    _, _, headers = await ask("POST", "/api/v1/parcels", ADA)
    status, _, _ = await ask("GET", headers["Location"], Everlog_Token=headers["Everlog-Token"])
    assert status == 200


async def test_errands_are_carried_out_by_the_other_process(ask: Client) -> None:
    body = {"kind": "retry", "read_model": "on_the_way", "stream": f"parcel-{new_id()}"}
    status, errand, _ = await ask("POST", "/api/v1/ops/errands", body)
    assert status == 202
    async with asyncio.timeout(10):
        while True:
            _, told, _ = await ask("GET", f"/api/v1/ops/errands/{errand['id']}")
            if told["status"] not in ("asked", "running"):
                break
            await asyncio.sleep(0.05)
    assert (told["status"], "parked" in told["result"]) == ("failed", True), told


async def test_operators_are_told_what_waits_when_no_worker_runs(begin: Any) -> None:
    async with begin(API, WORKER):
        pass
    async with begin(API) as ask:
        await _forget_workers(ask)
        _, _, headers = await ask("POST", "/api/v1/parcels", ADA)
        _, standing, _ = await ask("GET", "/api/v1/ops/standing")
        assert standing["outbox"]["events"] >= 1
        assert standing["outbox"]["oldest_s"] >= 0
        assert "No worker of counter" in standing["failing"]["worker"]
        token = headers["Everlog-Token"]
    async with begin(API, WORKER) as ask:
        # Whoever comes later does what was left: nothing of it was in the memory of a process.
        async with asyncio.timeout(10):
            while (standing := await _standing(ask))["outbox"]["events"]:
                await asyncio.sleep(0.05)
        assert standing["failing"] == {}
        assert token


async def test_operators_see_what_is_parked_and_what_fails_in_the_other_process(
    begin: Any, postgres_dsn: str
) -> None:
    async def stumble(_: Service) -> None:
        raise RuntimeError("the printer is out of paper")

    async with begin(API, WORKER, manifest=replace(MANIFEST, workers=(stumble,))) as ask:
        admin = await asyncpg.connect(f"{postgres_dsn.rsplit('/', 1)[0]}/everlog_counter")
        stream = f"parcel-{new_id()}"
        await admin.execute(
            "insert into road.parked (projection, workspace_id, stream, cause, error) "
            "values ('on_the_way', $1, $2, 'error', 'made up')",
            new_id(),
            stream,
        )
        try:
            async with asyncio.timeout(15):
                while "stumble" not in (standing := await _standing(ask))["failing"]:
                    await asyncio.sleep(0.1)
            assert "out of paper" in standing["failing"]["stumble"]
            assert standing["parked"]["on_the_way"] >= 1
        finally:
            await admin.execute("delete from road.parked where stream = $1", stream)
            await admin.close()
        await _forget_workers(ask)


async def test_a_task_that_works_again_is_not_reported_any_more(begin: Any) -> None:
    tries = 0

    async def recover(_: Service) -> None:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise RuntimeError("not yet")
        await asyncio.Event().wait()

    async with begin(WORKER, manifest=replace(MANIFEST, workers=(recover,))) as ask:
        async with asyncio.timeout(30):
            while (await ask("GET", "/readyz"))[0] == 200:
                await asyncio.sleep(0.05)
            while (await ask("GET", "/readyz"))[0] != 200:
                await asyncio.sleep(0.1)
        assert tries == 4


async def test_a_worker_answers_health_checks_and_nothing_else(begin: Any) -> None:
    async with begin(WORKER) as ask:
        assert (await ask("GET", "/livez"))[0] == 200
        assert (await ask("POST", "/api/v1/parcels", ADA))[0] == 404


async def _standing(ask: Client) -> Any:
    return (await ask("GET", "/api/v1/ops/standing"))[1]


async def _forget_workers(ask: Client) -> None:
    """Workers of earlier tests are remembered for some seconds."""
    service = Service(MANIFEST, ask.settings, SystemClock(), WORKER)
    await service.start()
    async with service.work.connection(None) as connection:
        await connection.execute("delete from road.workers")
    await service.stop()


async def test_a_process_one_of_whose_workers_has_ended_ends_and_is_started_anew(
    ask: Client,
) -> None:
    async def ends(_: Service) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(60)

    settings = ask.settings.model_copy(update={"listen": f"127.0.0.1:{free_port()}"})
    with pytest.raises(SystemExit, match="it cannot go on"):
        async with asyncio.timeout(30):
            await serve(replace(MANIFEST, workers=(ends,)), settings, WORKER, asyncio.Event())
