"""The keys topic: what it told is known, also after it was lost and published again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import pytest

from chassis.errors import Unavailable
from chassis.ids import new_id
from chassis.keys_topic import KnownKeys
from chassis.manifest import Manifest
from chassis.memory.broker import MemoryBroker, MemorySource
from chassis.outbox import KeyNotice
from chassis.ports import Partition, Source
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.keys import PostgresSubjects
from chassis.relay import key_message
from chassis.setup import prepare_database
from chassis.vault import Keyring
from chassis.wire import KEYS_TOPIC, PARTITIONS

pytestmark = pytest.mark.integration

KEYRING = Keyring(bytes(32))


class Bench:
    """A service that follows the keys of others."""

    def __init__(self, database: Database) -> None:
        self.broker = MemoryBroker(PARTITIONS)
        self.database = database
        self.workspace = new_id()
        self.known = self.follower()

    def follower(self) -> KnownKeys:
        """Another process of it."""
        subjects = PostgresSubjects(self.database, KEYRING)
        return KnownKeys(self.database, subjects, self._open_source, own="us")

    def _open_source(self, positions: Mapping[Partition, int]) -> Source:
        async def starts(_: object) -> Mapping[Partition, int]:
            return positions

        return MemorySource(self.broker, positions, starts)

    def publish(self, key_id: UUID, wrapped: bytes | None) -> None:
        self.broker.put(key_message(KeyNotice(0, self.workspace, key_id, wrapped, "them")))

    def publish_many_others(self) -> None:
        """So many that every partition ends beyond where it was read to."""
        for _ in range(200):
            self.publish(*self.new_key())

    def new_key(self) -> tuple[UUID, bytes]:
        key_id = new_id()
        return key_id, KEYRING.new_key(self.workspace, key_id)[1]

    async def knows(self, key_id: UUID) -> bool:
        return (await self.known.keys(self.workspace, [key_id]))[key_id] is not None


@pytest.fixture
async def bench(postgres_dsn: str) -> AsyncIterator[Bench]:
    await asyncio.to_thread(prepare_database, Manifest("followers"), postgres_dsn, KEYRING)
    database = Database(dsn_for(postgres_dsn, "followers", "worker", KEYRING), name="followers")
    await database.start()
    async with database.connection(None) as connection:
        await connection.execute("delete from road.offsets where lane = 'keys'")
    yield Bench(database)
    await database.stop()


async def test_a_key_is_known_until_its_tombstone_comes(bench: Bench) -> None:
    key_id, wrapped = bench.new_key()
    bench.publish(key_id, wrapped)
    assert await bench.knows(key_id)
    bench.publish(key_id, None)
    await bench.known.catch_up()
    assert not await bench.knows(key_id)


async def test_a_keys_topic_made_anew_is_read_from_its_beginning(bench: Bench) -> None:
    """Also by a process that had read the former one to its end."""
    early, late = bench.new_key(), bench.new_key()
    for _ in range(3):
        bench.publish(*early)
    await bench.known.catch_up()
    bench.broker.lose(KEYS_TOPIC)
    bench.publish(early[0], None)
    bench.publish(*late)
    bench.publish_many_others()
    await bench.known.catch_up()
    assert not await bench.knows(early[0])
    assert await bench.knows(late[0])


async def test_a_process_that_starts_after_the_loss_reads_the_new_topic_from_its_beginning(
    bench: Bench,
) -> None:
    early = bench.new_key()
    for _ in range(3):
        bench.publish(*early)
    await bench.known.catch_up()
    bench.broker.lose(KEYS_TOPIC)
    bench.publish(early[0], None)
    bench.publish_many_others()
    bench.known = bench.follower()
    await bench.known.catch_up()
    assert not await bench.knows(early[0])


async def test_a_keys_topic_set_back_is_read_again(bench: Bench) -> None:
    early, late = bench.new_key(), bench.new_key()
    for _ in range(3):
        bench.publish(*early)
    await bench.known.catch_up()
    for log in bench.broker.logs.values():
        log.clear()
    bench.publish(early[0], None)
    bench.publish(*late)
    await bench.known.catch_up()
    assert not await bench.knows(early[0])


async def test_without_the_topic_nobody_is_taken_for_erased(bench: Bench) -> None:
    key_id, wrapped = bench.new_key()
    bench.publish(key_id, wrapped)
    bench.broker.remove(KEYS_TOPIC)
    with pytest.raises(Unavailable, match=KEYS_TOPIC):
        await bench.knows(key_id)
