"""A database that hangs: requests are refused in seconds, and can be sent again without harm."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import psutil
import pytest
import pytest_asyncio
from fastapi import APIRouter, Response

from chassis.http.reading import Reading
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.testing.parcel_routes import SENDING
from chassis.testing.parcels import ON_THE_WAY, PARCEL
from chassis.testing.service_bench import Client, running
from embedded.download import Servers
from embedded.launch import running as running_server
from embedded.ports import free_port
from embedded.postgres import Postgres

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

Asked = TypeVar("Asked")

PATIENCE_S = 2.0
WAITS_S = 2.0
"""For one's own write (chassis.http.reading)."""
REFUSED_WITHIN_S = PATIENCE_S + 1.75
"""Once the patience, and no time for asking the server to confirm that it is over."""
router = APIRouter()


@router.get("/naps")
async def nap(read: Reading, seconds: float, patience_s: float | None = None) -> Response:
    async with read.connection(patience_s=patience_s) as connection, connection.transaction():
        await connection.fetchval("select pg_sleep($1)", seconds)
    return read.json({"slept": seconds})


MANIFEST = Manifest(
    "depot", deciders=(PARCEL,), projections=(ON_THE_WAY,), routers=(SENDING, router)
)


class Server:
    """A PostgreSQL of the test's own."""

    def __init__(self, dsn: str, process: psutil.Process) -> None:
        self.dsn = dsn
        self._process = process

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """All its processes are frozen: the kernel still takes connections for them."""
        frozen = [self._process, *self._process.children(recursive=True)]
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in frozen:
                process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def server(embedded_servers: Servers, server_home: Path) -> Iterator[Server]:
    port = free_port()
    postgres = Postgres(embedded_servers, server_home / "hung", port, "tests", unsafe_but_fast=True)
    with running_server(postgres, server_home / "hung.log") as process:
        yield Server(postgres.dsn, psutil.Process(process.pid))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ask(
    server: Server, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    secrets, may = tmp_path_factory.mktemp("secrets"), frozenset({"events.read"})
    async with running(
        MANIFEST, server.dsn, kafka_bootstrap, secrets, may, patience_s=PATIENCE_S
    ) as client:
        yield client


async def within(limit_s: float, asked: Awaitable[Asked]) -> Asked:
    async with asyncio.timeout(limit_s):
        return await asked


async def sent_to(server: Server, ask: Client, city: str) -> int:
    """How many parcels the log has for a city."""
    connection = await asyncpg.connect(server.dsn.rpartition("/")[0] + "/everlog_depot")
    try:
        count: int = await connection.fetchval(
            "select count(*) from log.events where workspace_id = $1 and data->>'city' = $2",
            ask.principal.workspace,
            city,
        )
    finally:
        await connection.close()
    return count


async def test_requests_are_refused_within_seconds_while_the_database_hangs(
    server: Server, ask: Client
) -> None:
    assert (await ask("GET", "/api/v1/naps?seconds=0"))[0] == 200
    requests: list[tuple[Any, ...]] = [
        ("GET", "/api/v1/naps?seconds=0"),
        ("POST", "/api/v1/parcels", {"city": "Oslo"}),
        ("GET", "/api/v1/naps?seconds=0&patience_s=60"),
        ("GET", "/api/v1/events"),
    ]
    with server.hanging():
        for _ in range(2):  # with the connections there are, and with new ones
            asked = [ask(*request) for request in requests * 4]
            for status, problem, headers in await within(REFUSED_WITHIN_S, asyncio.gather(*asked)):
                assert (status, problem["code"]) == (503, "unavailable")
                assert "same Idempotency-Key" in problem["detail"]
                assert int(headers["Retry-After"]) > 0
        status, problem, _ = await within(4, ask("GET", "/readyz"))
        assert (status, "database: TimeoutError()" in problem["detail"]) == (503, True)
    assert (await ask("GET", "/api/v1/naps?seconds=0"))[0] == 200


async def test_a_write_that_was_given_up_has_one_effect_when_it_is_sent_again(
    server: Server, ask: Client
) -> None:
    sending: tuple[Any, ...] = ("POST", "/api/v1/parcels", {"city": "Turku"})
    key = str(new_id())
    assert (await ask("GET", "/api/v1/naps?seconds=0"))[0] == 200
    with server.hanging():
        # What the server was sent it will still carry out.
        status, _, _ = await within(REFUSED_WITHIN_S, ask(*sending, Idempotency_Key=key))
        assert status == 503
    again = [ask(*sending, Idempotency_Key=key) for _ in range(3)]
    made = [body["id"] for status, body, _ in await asyncio.gather(*again) if status == 201]
    assert len(made) == 3
    assert len(set(made)) == 1
    await asyncio.sleep(PATIENCE_S)
    assert await sent_to(server, ask, "Turku") == 1


async def test_a_statement_that_takes_too_long_is_undone_on_the_server(
    server: Server, ask: Client
) -> None:
    began = time.monotonic()
    status, problem, headers = await ask("GET", f"/api/v1/naps?seconds={3 * PATIENCE_S}")
    assert time.monotonic() - began < 2 * PATIENCE_S
    assert (status, problem["code"], headers["Retry-After"]) == (503, "too-slow", "5")
    assert "undid it" in problem["detail"]
    connection = await asyncpg.connect(server.dsn)
    napping = "select count(*) from pg_stat_activity where state = 'active' and query like $1"
    assert await connection.fetchval(napping, "%pg_sleep%") == 0
    await connection.close()


async def test_what_may_take_longer_is_given_the_time(ask: Client) -> None:
    path = f"/api/v1/naps?seconds={2 * PATIENCE_S}&patience_s=30"
    assert (await ask("GET", path))[0] == 200


async def test_a_reader_whose_wait_ends_while_the_database_is_slow_is_answered(
    server: Server, ask: Client
) -> None:
    """The time to wait for one's own write is up in the middle of looking whether it is there."""
    connection = await asyncpg.connect(server.dsn.rpartition("/")[0] + "/everlog_depot")
    reading = asyncio.create_task(
        ask("GET", "/api/v1/naps?seconds=0", Everlog_Token=f"parcel-{new_id()}@1")
    )
    await asyncio.sleep(WAITS_S - 0.5)
    async with connection.transaction():
        await connection.execute("lock table road.guards")
        await asyncio.sleep(1.0)
    await connection.close()
    status, said, headers = await reading
    assert (status, said) == (200, {"slept": 0})
    assert headers["Everlog-Stale"] == "true"
