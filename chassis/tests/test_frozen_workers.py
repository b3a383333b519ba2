"""A worker that is frozen while it has something in hand does not hold it for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from chassis.postgres import database as databases
from chassis.postgres.database import Database

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


async def test_a_worker_frozen_in_the_middle_of_a_statement_lets_go_of_its_rows(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has been told what is to be asked, and never hears with which values: to it, that
    is no transaction that idles."""
    monkeypatch.setattr(databases, "_TRANSACTION_S", 2.0)
    other = await asyncpg.connect(postgres_dsn)
    await other.execute("create table worked_on as select 1 as id, 0 as value")
    worker = Database(postgres_dsn, name="frozen worker")
    await worker.start()
    try:
        let_go = False
        with suppress(*databases.CONNECTION_ENDED):
            async with worker.connection(None) as connection, connection.transaction():
                await connection.execute("update public.worked_on set value = 1")
                connection._con._transport.pause_reading()
                asking = asyncio.create_task(connection.fetch("select $1::int", 1, timeout=60))
                await other.execute("update public.worked_on set value = value + 2", timeout=10)
                let_go = True
                connection._con._transport.resume_reading()
                await asking
        assert let_go
        assert await other.fetchval("select value from public.worked_on") == 2
    finally:
        await worker.stop()
        await other.execute("drop table worked_on")
        await other.close()
