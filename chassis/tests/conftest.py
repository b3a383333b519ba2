"""What several test modules start: a road to take apart, a service of imports, one to repair."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from chassis.http.principal import INSTALLATION
from chassis.ids import new_id
from chassis.postgres.database import Connection
from chassis.testing import freight, workshop
from chassis.testing.road import Road, open_road
from chassis.testing.service_bench import Client, running


@pytest.fixture
async def road(postgres_dsn: str, kafka_bootstrap: str) -> AsyncIterator[Road]:
    async with open_road(postgres_dsn, kafka_bootstrap) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def freight_service(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    """The service of chassis.testing.freight, and who runs it."""
    secrets = tmp_path_factory.mktemp("secrets")
    running_it = running(
        freight.MANIFEST, postgres_dsn, kafka_bootstrap, secrets, permissions=freight.MAY
    )
    async with running_it as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def shipper(freight_service: Client) -> AsyncIterator[Client]:
    """Somebody who sees all records of a workspace of their own."""
    client = freight_service.other(workspace=new_id(), permissions=freight.MAY)
    yield client
    await client.close()


@pytest_asyncio.fixture(loop_scope="module")
async def archive(freight_service: Client, postgres_dsn: str) -> AsyncIterator[Connection]:
    """What the database of freight holds, as a thief or a backup has it."""
    connection = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_freight")
    yield connection
    await connection.close()


@pytest.fixture
async def operator(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    """An operator of chassis.testing.workshop, which begins empty."""
    admin = await asyncpg.connect(postgres_dsn)
    await admin.execute("drop database if exists everlog_workshop with (force)")
    await admin.close()
    workshop.write_module(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("EVERLOG_LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("EVERLOG_KAFKA", kafka_bootstrap)
    monkeypatch.setenv("EVERLOG_POSTGRES", postgres_dsn)
    monkeypatch.setenv("EVERLOG_SECRETS", str(tmp_path))
    may = frozenset({"ops", INSTALLATION, "events.read"})
    async with running(workshop.MANIFEST, postgres_dsn, kafka_bootstrap, tmp_path, may) as client:
        yield client
