"""How a service stands, as its processes tell it to Prometheus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chassis.clock import SystemClock
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.measuring import exposition, of_service
from chassis.service import API, WORKER, Service
from chassis.testing.parcels import ON_THE_WAY, PARCEL
from chassis.testing.service_bench import Client, running

pytestmark = pytest.mark.integration

MANIFEST = Manifest("scales", deciders=(PARCEL,), projections=(ON_THE_WAY,))
_PARK = "insert into road.parked values ('on_the_way', $1, 'parcel-1', 'failed', 'ValueError: Ada')"
_ERRAND = """
insert into road.errands (id, kind, arguments, asked_by, status, done, total, asked_at, updated_at)
values ($1, 'rebuild', '{"read_model": "on_the_way"}', 'Ada', $2, 1, 4, $3, $3)
"""


@pytest.fixture
async def ask(postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[Client]:
    roles = (API, WORKER)
    async with running(
        MANIFEST, postgres_dsn, kafka_bootstrap, tmp_path, frozenset(), roles=roles
    ) as client:
        yield client


@asynccontextmanager
async def process(client: Client, role: str) -> AsyncIterator[Service]:
    """The parts of one more process of the service."""
    service = Service(MANIFEST, client.settings, SystemClock(), role)
    await service.start()
    yield service
    await service.stop()


async def told(service: Service) -> dict[str, float]:
    """What it says of the service: metric with its labels → value."""
    found = {}
    for family in await of_service(service):
        for name, labels, value, *_ in family.samples:
            shown = ",".join(f"{k}={v}" for k, v in sorted(labels.items()))
            found[f"{name}{{{shown}}}" if shown else name] = value
    return found


async def test_a_worker_tells_how_the_service_stands_and_an_api_only_whether_workers_live(
    ask: Client,
) -> None:
    async with process(ask, API) as api, process(ask, WORKER) as worker:
        by_api, by_worker = await told(api), await told(worker)
    assert (by_api["everlog_workers"], by_api["everlog_state_read"]) == (1, 1)
    assert "everlog_outbox_events" not in by_api
    assert by_worker["everlog_workers"] == 1
    assert by_worker["everlog_outbox_events"] == 0
    assert by_worker["everlog_consumer_lag_events{lane=live,topic=everlog.parcels}"] == 0
    assert by_api["everlog_db_connections_limit{pool=api}"] == 6
    assert by_worker["everlog_db_connections_limit{pool=worker}"] == 6


async def test_what_is_parked_or_failed_is_told_as_long_as_it_is(
    ask: Client, postgres_dsn: str
) -> None:
    admin: Any = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_scales")
    parked = "everlog_parked_sequences{cause=failed,read_model=on_the_way}"
    now, an_hour_ago = await admin.fetchrow("select now(), now() - interval '1 hour'")
    async with process(ask, WORKER) as worker:
        await admin.execute(_PARK, new_id())
        await admin.execute(_ERRAND, new_id(), "running", an_hour_ago)
        first = await told(worker)
        await admin.execute("delete from road.parked")
        await admin.execute("update road.errands set status = 'failed'")
        second = await told(worker)
        await admin.execute(_ERRAND, new_id(), "done", now)
        third = await told(worker)
    await admin.execute("delete from road.errands")
    await admin.close()
    assert first[parked] == 1
    assert first["everlog_errands_dead{kind=rebuild}"] == 1
    assert first["everlog_rebuild_progress_ratio{read_model=on_the_way}"] == 0.25
    assert parked not in second
    assert second["everlog_errands{kind=rebuild,status=failed}"] == 1
    assert "everlog_errands{kind=rebuild,status=failed}" not in third, "a later one succeeded"


async def test_the_database_being_away_is_told_with_all_that_is_still_known(ask: Client) -> None:
    async with process(ask, WORKER) as worker:
        await worker.work.stop()
        said = await told(worker)
    assert said["everlog_state_read"] == 0
    assert said["everlog_process_info{role=worker,service=scales}"] == 1
    assert "everlog_outbox_events" not in said


async def test_a_scrape_holds_the_process_s_own_counters_and_the_state_once(ask: Client) -> None:
    async with process(ask, WORKER) as worker:
        text = exposition(await of_service(worker)).decode()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(set(names)) == len(names)
    assert {"everlog_events_appended_total", "everlog_workers"} <= set(names)
