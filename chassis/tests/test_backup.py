"""A store comes back from a backup, or from its topic, as it was; destroyed keys do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from msgspec import structs

from chassis.backup import taking
from chassis.backup.archive import Backup, BackupManifest, writing
from chassis.backup.from_kafka import Broker, Refilled, refill
from chassis.backup.restoring import Store, destroyed_by, destroyed_in, fill
from chassis.backup.taking import take
from chassis.clock import SystemClock
from chassis.codec import Codec
from chassis.decider import handle
from chassis.errors import Conflict, Lost, Tampered, Unavailable
from chassis.events import Recorded
from chassis.ids import new_id
from chassis.imports import IMPORT_SCHEMA
from chassis.kafka.reading import KeyPlace
from chassis.manifest import Manifest
from chassis.memory.broker import MemoryBroker, MemorySink, MemorySource
from chassis.ports import Context, Message, Partition, Source
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.event_log import PostgresEventLog
from chassis.postgres.keys import PostgresSubjects
from chassis.postgres.outbox import PostgresOutbox
from chassis.reaction import Later, NoLonger, Order, Reaction
from chassis.relay import Relay
from chassis.setup import in_database, prepare_database
from chassis.testing.contracts import NOON, context, send
from chassis.testing.parcels import EVENTS, PARCEL, Forget, ParcelDelivered, ParcelSent, Scan
from chassis.testing.parcels import Deliver as DeliverParcel
from chassis.vault import Keyring
from chassis.wire import KEYS_TOPIC

pytestmark = pytest.mark.integration

KEYRING = Keyring(bytes(32))
TOPIC = "everlog.parcels"
TABLES = {
    "log.events": "workspace_id, stream, version, id, type, occurred_at, recorded_at, actor, "
    "correlation_id, causation_id, traceparent, key_id, data::text, hash",
    "log.subject_keys": "*",
    "log.claims": "*",
    "log.commands": "*",
    "log.feed": "workspace_id, number",
    "road.due": "workspace_id, kind, key, due_at",
}


REFUSE = "insert into imports.refusals values ($1, $2, 1, 'x')"


def remind(recorded: Recorded[Any]) -> Iterable[Order]:
    """Ask after a parcel that has not arrived within a week."""
    event: ParcelSent | ParcelDelivered = recorded.event
    key = str(event.parcel_id)
    if isinstance(event, ParcelSent):
        yield Later("late-parcel", key, event.occurred_at + timedelta(days=7), {"city": event.city})
    else:
        yield NoLonger("late-parcel", key)


MANIFEST = Manifest(
    "parcels",
    deciders=(PARCEL,),
    reactions=(Reaction("remind", (ParcelSent, ParcelDelivered), remind),),
    schema=IMPORT_SCHEMA,
)


class Depot:
    """A service's store in PostgreSQL, relayed to topics in memory."""

    def __init__(self, postgres: str) -> None:
        self.postgres = postgres
        self.address = in_database(postgres, "everlog_parcels")
        self.broker = MemoryBroker(12)
        self.workspace = new_id()
        self.databases = [
            Database(dsn_for(postgres, "parcels", role, KEYRING), name=role)
            for role in ("worker", "api")
        ]
        subjects = PostgresSubjects(self.databases[1], KEYRING)
        self.log = PostgresEventLog(
            self.databases[1], Codec(EVENTS), subjects, SystemClock(), lambda: None
        )

    async def start(self) -> None:
        for database in self.databases:
            await database.start()

    async def stop(self) -> None:
        for database in self.databases:
            await database.stop()

    def keyed(self, key: str) -> Context:
        return replace(context(self.workspace), key=key)

    async def parcel(self, *cities: str, number: str | None = None) -> UUID:
        parcel = new_id()
        command = replace(send(parcel), number=number)
        await handle(self.log, PARCEL, parcel, command, self.keyed(f"send {parcel}"), new=True)
        for city in cities:
            await handle(self.log, PARCEL, parcel, Scan(city, NOON), context(self.workspace))
        return parcel

    async def forget(self, parcel: UUID) -> None:
        await handle(self.log, PARCEL, parcel, Forget(NOON), context(self.workspace))

    async def deliver(self, parcel: UUID) -> None:
        await handle(self.log, PARCEL, parcel, DeliverParcel(NOON), context(self.workspace))

    async def relay_all(self) -> None:
        async def open_sink() -> MemorySink:
            return MemorySink(self.broker)

        relay = Relay(PostgresOutbox(self.databases[0], "parcels"), open_sink, asyncio.Event())
        working = asyncio.create_task(relay.run())
        async with asyncio.timeout(10):
            while self.rows("log.outbox") or self.rows("log.key_outbox"):
                await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    def rows(self, table: str, columns: str = "*") -> list[Any]:
        with closing(psycopg2.connect(self.address)) as connection:
            cursor = connection.cursor()
            cursor.execute(f"select {columns} from {table}")
            found = [tuple(map(_plain, row)) for row in cursor.fetchall()]
        return sorted(found, key=str)

    def state(self, *but: str) -> dict[str, list[Any]]:
        """Everything in the tables that count."""
        return {name: self.rows(name, what) for name, what in TABLES.items() if name not in but}

    def back_up(self, path: Path) -> BackupManifest:
        with writing(path) as file:
            take(["parcels"], self.postgres, file, lambda *_: None)
            return file.finish(SystemClock().now(), KEYRING.fingerprint(), ("parcels",))

    def store(self) -> Store:
        return Store(MANIFEST, self.postgres, KEYRING)

    async def lose(self) -> None:
        """The database is gone."""
        await self.stop()
        await asyncio.to_thread(drop, self.postgres)

    async def put_in_place(self) -> None:
        await self.stop()
        self.store().put_in_place()
        await self.start()

    async def restore(self, path: Path, destroyed: Iterable[KeyPlace] = ()) -> list[KeyPlace]:
        with Backup(path) as backup:
            erased = fill(self.store(), backup, destroyed)
        await self.put_in_place()
        return erased

    def source(self, positions: Mapping[Partition, int]) -> Source:
        async def starts(partitions: frozenset[Partition]) -> Mapping[Partition, int]:
            return {p: positions[p] for p in partitions}

        return MemorySource(self.broker, positions, starts)

    async def refill(
        self, reached: Mapping[Partition, int] | None = None, rest: Backup | None = None
    ) -> Refilled:
        async def asked(_: Sequence[Partition]) -> Mapping[Partition, int]:
            return reached or {}

        broker = Broker(self.source, self.broker.ids([TOPIC, KEYS_TOPIC]), asked)
        done = await refill(self.store(), broker, lambda *_: None, rest)
        await self.put_in_place()
        return done


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def drop(postgres: str) -> None:
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        connection.cursor().execute("drop database if exists everlog_parcels with (force)")


@pytest.fixture
async def depot(postgres_dsn: str) -> AsyncIterator[Depot]:
    await asyncio.to_thread(drop, postgres_dsn)
    await asyncio.to_thread(prepare_database, MANIFEST, postgres_dsn, KEYRING)
    made = Depot(postgres_dsn)
    await made.start()
    yield made
    await made.stop()


async def test_a_backup_brings_everything_back_and_writing_goes_on(
    depot: Depot, tmp_path: Path
) -> None:
    parcel = await depot.parcel("Paris", "Rome", number="7")
    await depot.relay_all()
    waiting = await depot.parcel("Oslo")
    [numbering] = depot.rows("log.numbering", "id")
    manifest, before = depot.back_up(tmp_path / "one"), depot.state()
    outbox = depot.rows("log.outbox")
    await depot.parcel("Bergen", number="8")
    await depot.lose()
    assert await depot.restore(tmp_path / "one") == []
    assert depot.state() == before
    assert depot.rows("log.numbering", "id") != [numbering], "readers of the feed begin anew"
    assert depot.rows("log.outbox") == outbox, "what waited for Kafka waits again"
    assert {c.table: c.rows for c in manifest.contents}["log.events"] == 5
    again = await depot.log.load(depot.keyed(f"send {parcel}"), f"parcel-{parcel}")
    assert again.answered is not None, "the same key gives the same answer"
    await depot.parcel(number="8")
    with pytest.raises(Conflict):
        await depot.parcel(number="7")
    await handle(depot.log, PARCEL, waiting, Scan("Rome", NOON), context(depot.workspace))
    await depot.relay_all()


async def test_a_key_that_was_destroyed_after_the_backup_does_not_come_back(
    depot: Depot, tmp_path: Path
) -> None:
    kept, forgotten = await depot.parcel(), await depot.parcel()
    depot.back_up(tmp_path / "one")
    await depot.forget(forgotten)
    [subject] = [row for row in depot.rows("log.subject_keys", "subject")]
    depot.back_up(tmp_path / "two")
    with Backup(tmp_path / "two") as later:
        destroyed = destroyed_by(later)
    assert destroyed == destroyed_in("parcels", depot.postgres)
    assert len(destroyed) == 1
    erased = await depot.restore(tmp_path / "one", destroyed)
    assert len(erased) == 1
    assert depot.rows("log.subject_keys", "subject") == [subject]
    assert destroyed_in("parcels", depot.postgres) == destroyed
    notices = depot.rows("log.key_outbox", "key_id, wrapped is null")
    assert not {(str(key_id), False) for _, key_id in destroyed} & set(notices)
    assert kept


async def test_what_a_service_keeps_of_imports_goes_with_the_key_of_anothers_person(
    depot: Depot, tmp_path: Path
) -> None:
    elsewhere = (depot.workspace, new_id())
    async with depot.databases[0].connection(None) as connection:
        for workspace in (depot.workspace, new_id()):
            await connection.execute(REFUSE, workspace, new_id())
    depot.back_up(tmp_path / "one")
    assert await depot.restore(tmp_path / "one") == []
    assert len(depot.rows("imports.refusals")) == 2
    assert await depot.restore(tmp_path / "one", [elsewhere]) == []
    left = depot.rows("imports.refusals", "workspace_id")
    assert len(left) == 1
    assert left != [(str(depot.workspace),)]


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def test_a_damaged_backup_is_known_and_half_a_one_is_none(
    depot: Depot, tmp_path: Path
) -> None:
    await depot.parcel("Paris")
    path = tmp_path / "one"
    depot.back_up(path)
    with Backup(path) as backup:
        backup.check()
        content = next(c for c in backup.manifest.contents if c.table == "log.events")
        start = backup.reader(content)._orig_compress_start  # type: ignore[attr-defined]
    whole = path.read_bytes()
    path.write_bytes(whole[: start + 3] + b"\x00\xff" + whole[start + 5 :])
    with Backup(path) as backup, pytest.raises(Tampered):
        backup.check()
    path.write_bytes(whole[:-100])
    with pytest.raises(Tampered, match="no backup"):
        Backup(path)
    with pytest.raises(RuntimeError), writing(tmp_path / "two"):
        raise RuntimeError("the disk is full")
    assert names_in(tmp_path) == ["one"]


async def test_a_backup_waits_for_the_lanes_and_not_for_ever(
    depot: Depot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "_HOLD_MOST", "200ms")
    with closing(psycopg2.connect(depot.address)) as holder:
        holder.cursor().execute("lock table road.offsets in row exclusive mode")
        with pytest.raises(Unavailable, match="held"):
            depot.back_up(tmp_path / "one")
    depot.back_up(tmp_path / "one")


async def test_a_lost_store_is_filled_again_from_its_topic(depot: Depot) -> None:
    parcel = await depot.parcel("Paris", "Rome", number="7")
    forgotten, delivered = await depot.parcel(number="9"), await depot.parcel()
    await depot.forget(forgotten)
    await depot.deliver(delivered)
    await depot.relay_all()
    before = depot.state("log.commands", "road.due", "log.claims")
    await depot.lose()
    done = await depot.refill()
    assert (done.events, done.streams, done.keys, done.destroyed_keys) == (7, 3, 2, 1)
    assert not done.reacted_known
    assert depot.state("log.commands", "road.due", "log.claims") == before
    assert [row[0] for row in depot.rows("road.due", "key")] == sorted(
        [str(parcel), str(forgotten)]
    )
    with pytest.raises(Conflict):
        await depot.parcel(number="7")
    await handle(depot.log, PARCEL, parcel, Scan("Oslo", NOON), context(depot.workspace))
    await depot.relay_all()
    numbers = [number for (number,) in depot.rows("log.feed", "number")]
    assert sorted(numbers) == [*range(1, len(numbers) + 1)]


async def test_what_is_not_on_kafka_is_taken_from_a_backup(depot: Depot, tmp_path: Path) -> None:
    await depot.parcel("Paris")
    forgotten = await depot.parcel()
    async with depot.databases[0].connection(None) as connection:
        for workspace in (depot.workspace, new_id()):
            await connection.execute(REFUSE, workspace, new_id())
    depot.back_up(tmp_path / "one")
    await depot.forget(forgotten)
    await depot.relay_all()
    before = depot.state("log.commands", "road.due", "log.claims")
    await depot.lose()
    with Backup(tmp_path / "one") as backup:
        done = await depot.refill(rest=backup)
    assert depot.state("log.commands", "road.due", "log.claims") == before, "the log is Kafka's"
    assert done.rest == 2
    left = depot.rows("imports.refusals", "workspace_id")
    assert len(left) == 1, "what a destroyed key goes with stays gone"
    assert left != [(str(depot.workspace),)]


async def test_reactions_go_on_where_they_were(depot: Depot) -> None:
    first = await depot.parcel()
    await depot.relay_all()
    reached = {p: len(log) for p, log in depot.broker.logs.items() if p.topic == TOPIC}
    later = await depot.parcel()
    await depot.relay_all()
    await depot.lose()
    assert (await depot.refill(reached)).reacted_known
    assert depot.rows("road.due", "key") == [(str(first),)]
    streams = depot.rows("road.guards", "lane, stream")
    assert ("reactions", f"parcel-{first}") in streams
    assert ("reactions", f"parcel-{later}") not in streams


async def test_a_topic_that_lacks_something_or_was_written_to_fills_no_store(
    depot: Depot,
) -> None:
    await depot.parcel("Paris", "Rome")
    await depot.relay_all()
    [log] = [log for p, log in depot.broker.logs.items() if p.topic == TOPIC]
    whole = list(log)
    log[1] = structs.replace(whole[1], value=(whole[1].value or b"").replace(b"Paris", b"Lyons"))
    before = depot.state()
    with pytest.raises(Tampered, match="is not what was recorded"):
        await depot.refill()
    log[1:] = [_moved(message, 1) for message in whole[2:]]
    with pytest.raises(Lost, match="version 2 is not on Kafka"):
        await depot.refill()
    log[:] = [*whole, structs.replace(_changed_hash(whole[1]), offset=len(whole))]
    with pytest.raises(Tampered, match="twice, and not the same"):
        await depot.refill()
    assert depot.state() == before, "what is there stays"


def _moved(message: Message, by: int) -> Message:
    return structs.replace(message, offset=message.offset - by)


def _changed_hash(message: Message) -> Message:
    headers = [(n, v if n != "ce_hash" else b"00" * 32) for n, v in message.headers]
    return structs.replace(message, headers=headers)
