"""The event log's contract, on the in-memory and on the real implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from chassis.clock import SetClock
from chassis.codec import Codec
from chassis.errors import Fenced
from chassis.events import Stored
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.memory.event_log import MemoryEventLog
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.event_log import PostgresEventLog, stored_row
from chassis.postgres.keys import PostgresSubjects
from chassis.postgres.outbox import PostgresOutbox
from chassis.setup import prepare_database
from chassis.testing.contracts import NOON, EventLogContract, LogBench, context, send
from chassis.testing.parcels import EVENTS, ON_THE_WAY, PARCEL
from chassis.vault import Keyring

KEYRING = Keyring(bytes(32))
MANIFEST = Manifest("parcels", deciders=(PARCEL,), projections=(ON_THE_WAY,))


@dataclass
class MemoryBench:
    log: MemoryEventLog
    outbox: MemoryEventLog
    clock: SetClock

    async def stored(self, workspace: UUID, stream: str) -> list[Stored]:
        return list(self.log.stored(workspace, stream))


class TestInMemory(EventLogContract):
    @pytest.fixture
    def bench(self) -> LogBench:
        clock = SetClock(NOON)
        log = MemoryEventLog(Codec(EVENTS), KEYRING, clock)
        return MemoryBench(log, log, clock)


@dataclass
class PostgresBench:
    log: PostgresEventLog
    outbox: PostgresOutbox
    clock: SetClock
    database: Database
    worker: Database

    async def stored(self, workspace: UUID, stream: str) -> list[Stored]:
        async with self.database.connection(workspace) as connection:
            rows = await connection.fetch(
                "select *, data::text as text from log.events "
                "where workspace_id = $1 and stream = $2 order by version",
                workspace,
                stream,
            )
        return [stored_row({**row, "data": row["text"]}) for row in rows]


@pytest.fixture
async def postgres_bench(postgres_dsn: str) -> AsyncIterator[PostgresBench]:
    await asyncio.to_thread(prepare_database, MANIFEST, postgres_dsn, KEYRING)
    api = Database(dsn_for(postgres_dsn, "parcels", "api", KEYRING), name="test api")
    worker = Database(dsn_for(postgres_dsn, "parcels", "worker", KEYRING), name="test worker")
    await api.start()
    await worker.start()
    clock = SetClock(NOON)
    log = PostgresEventLog(
        api, Codec(EVENTS), PostgresSubjects(api, KEYRING), clock, appended=lambda: None
    )
    outbox = PostgresOutbox(worker, "parcels")
    yield PostgresBench(log, outbox, clock, api, worker)
    await outbox.give_up()
    await api.stop()
    await worker.stop()


@pytest.mark.integration
class TestInPostgres(EventLogContract):
    @pytest.fixture
    def bench(self, postgres_bench: PostgresBench) -> LogBench:
        return postgres_bench

    async def test_many_writers_of_one_stream_leave_no_gap(
        self, postgres_bench: PostgresBench
    ) -> None:
        from chassis.decider import handle
        from chassis.testing.parcels import Scan

        asking, parcel = context(new_id()), new_id()
        await handle(postgres_bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        scans = [
            handle(postgres_bench.log, PARCEL, parcel, Scan(f"city {n}", NOON), asking)
            for n in range(6)
        ]
        await asyncio.gather(*scans)
        stored = await postgres_bench.stored(asking.workspace, PARCEL.stream(parcel))
        assert [s.version for s in stored] == [1, 2, 3, 4, 5, 6, 7]

    async def test_the_log_refuses_updates_and_deletes(self, postgres_dsn: str) -> None:
        await asyncio.to_thread(prepare_database, MANIFEST, postgres_dsn, KEYRING)
        server = postgres_dsn.rsplit("/", 1)[0]
        admin = await asyncpg.connect(f"{server}/everlog_parcels")
        try:
            for statement in ("update log.events set actor = ''", "truncate log.events"):
                with pytest.raises(asyncpg.PostgresError, match="append-only"):
                    await admin.execute(statement)
        finally:
            await admin.close()

    async def test_a_relay_that_was_succeeded_can_delete_nothing(
        self, postgres_bench: PostgresBench
    ) -> None:
        from chassis.decider import handle

        asking, parcel = context(new_id()), new_id()
        await handle(postgres_bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        zombie, heir = postgres_bench.outbox, PostgresOutbox(postgres_bench.worker, "parcels")
        assert await zombie.take_over()
        assert not await heir.take_over()
        batch = await zombie.take(10_000)
        assert zombie._session is not None
        zombie._session.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while not await heir.take_over():
                    await asyncio.sleep(0.05)
        with pytest.raises(Fenced):
            await zombie.done(batch)
        again = await heir.take(10_000)
        assert again.positions == batch.positions
        await heir.give_up()

    async def test_a_relay_that_is_frozen_is_succeeded_and_then_refused(
        self, postgres_bench: PostgresBench
    ) -> None:
        """Its process sleeps and its connection is open: it would hold the lock for ever."""
        from chassis.decider import handle

        asking, parcel = context(new_id()), new_id()
        await handle(postgres_bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        frozen, heir = (PostgresOutbox(postgres_bench.worker, "parcels", 1.0) for _ in range(2))
        assert await frozen.take_over()
        batch = await frozen.take(10_000)
        async with asyncio.timeout(10):
            while not await heir.take_over():
                await asyncio.sleep(0.1)
        with pytest.raises(Fenced):
            await frozen.done(batch)
        with pytest.raises(Fenced):
            await frozen.take(10_000)
        assert (await heir.take(10_000)).positions == batch.positions
        await frozen.give_up()
        await heir.give_up()

    async def test_a_relay_that_is_frozen_while_it_empties_the_outbox_holds_nothing(
        self, postgres_bench: PostgresBench, postgres_dsn: str
    ) -> None:
        """Its last word is carried out by the server, and nobody waits for another one."""
        from chassis.decider import handle

        asking, parcel = context(new_id()), new_id()
        await handle(postgres_bench.log, PARCEL, parcel, send(parcel), asking, new=True)
        frozen, heir = (PostgresOutbox(postgres_bench.worker, "parcels") for _ in range(2))
        assert await frozen.take_over()
        batch = await frozen.take(10_000)
        async with postgres_bench.worker.connection(None) as connection:
            line = connection._con._transport
        async with waiting_for_the_outbox(postgres_dsn) as is_waited_for:
            emptying = asyncio.create_task(frozen.done(batch))
            await is_waited_for()
            line.pause_reading()
        assert frozen._session is not None
        frozen._session.terminate()
        async with asyncio.timeout(10):
            while not await heir.take_over():
                await asyncio.sleep(0.05)
        assert not set((await heir.take(10_000)).positions) & set(batch.positions)
        line.resume_reading()
        await emptying
        await heir.give_up()

    async def test_a_relay_that_is_at_work_is_not_succeeded(
        self, postgres_bench: PostgresBench
    ) -> None:
        working, heir = (PostgresOutbox(postgres_bench.worker, "parcels", 0.5) for _ in range(2))
        assert await working.take_over()
        for _ in range(20):
            await working.take(1)
            await asyncio.sleep(0.1)
        assert not await heir.take_over()
        await working.give_up()
        await heir.give_up()

    async def test_a_relay_that_was_succeeded_notices_it_even_if_it_has_nothing_to_do(
        self, postgres_bench: PostgresBench
    ) -> None:
        idle, heir = postgres_bench.outbox, PostgresOutbox(postgres_bench.worker, "parcels")
        assert await idle.take_over()
        await idle.take(10)
        seizing = asyncio.create_task(heir.seize())
        with pytest.raises(Fenced):
            await _take_for_ever(idle)
        await idle.give_up()
        await seizing
        await heir.hold()
        await heir.give_up()

    async def test_whoever_seizes_the_outbox_comes_before_all_that_only_try(
        self, postgres_bench: PostgresBench
    ) -> None:
        active, heir = postgres_bench.outbox, PostgresOutbox(postgres_bench.worker, "parcels")
        standby = PostgresOutbox(postgres_bench.worker, "parcels")
        assert await active.take_over()
        seizing = asyncio.create_task(heir.seize())
        await asyncio.sleep(0.2)
        trying = asyncio.create_task(_try_for_ever(standby))
        await active.give_up()
        async with asyncio.timeout(5):
            await seizing
        await heir.hold()
        trying.cancel()
        await heir.give_up()
        await standby.give_up()

    async def test_a_relay_that_hangs_loses_the_outbox(self, postgres_bench: PostgresBench) -> None:
        hanging, heir = postgres_bench.outbox, PostgresOutbox(postgres_bench.worker, "parcels")
        assert await hanging.take_over()
        await heir.seize(patience_s=0.3)
        await heir.hold()
        with pytest.raises(Fenced):
            await hanging.hold()
        await heir.give_up()


@asynccontextmanager
async def waiting_for_the_outbox(dsn: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Nothing can be taken out of it meanwhile; what is given waits until somebody tries."""
    connection = await asyncpg.connect(dsn.rpartition("/")[0] + "/everlog_parcels")
    waits = "select count(*) from pg_locks where not granted and locktype = 'transactionid'"

    async def is_waited_for() -> None:
        async with asyncio.timeout(5):
            while not await connection.fetchval(waits):
                await asyncio.sleep(0.02)

    async with connection.transaction():
        await connection.execute("select from log.outbox for update")
        yield is_waited_for
    await connection.close()


async def _take_for_ever(outbox: PostgresOutbox) -> None:
    async with asyncio.timeout(5):
        while True:
            await outbox.take(10)


async def _try_for_ever(outbox: PostgresOutbox) -> None:
    while not await outbox.take_over():
        await asyncio.sleep(0.001)


def test_the_master_key_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_text("00" * 32 + "\n")
    workspace, key_id = new_id(), new_id()
    key, wrapped = KEYRING.new_key(workspace, key_id)
    sealed = key.seal(b"secret", b"here")
    again = Keyring.from_file(tmp_path / "master.key").unwrap(workspace, key_id, wrapped)
    assert again.open(sealed, b"here") == b"secret"
