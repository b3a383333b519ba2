"""A disk is full: every write is kept or refused clearly; with room again all goes on by itself.

PostgreSQL and Kafka have a small disk each (tests.chaos.grounds), which is filled to the last byte
while people write: once here, several times in `make chaos`.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, TypeAlias

import psycopg2
import pytest

from chassis.testing.service_bench import Client
from tests.chaos.asking import Asking, people
from tests.chaos.grounds import Disk, Grounds
from tests.chaos.reckoning import everything_is_there_once, is_stale
from tests.chaos.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

Connection: TypeAlias = Any
"""Of psycopg2, whose types have no common name."""

often = pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.long)])


def disk_of(grounds: Grounds, server: str) -> Disk:
    if not grounds.disks:
        assert not (os.environ.get("CI") and os.geteuid() == 0), "CI, as root, mounts small disks"
        pytest.skip("a small disk can only be mounted by root, and not everywhere")
    return grounds.disks[server]


@often
async def test_writes_are_refused_clearly_while_postgres_has_no_room(
    grounds: Grounds, contacts: Site, ada: Client, times: int
) -> None:
    disk = disk_of(grounds, "postgres")
    with contacts.process("both"):
        await contacts.ready(ada)
        async with people(ada) as asking:
            for _ in range(times):
                await asking.until_answered(5)
                operator = connected(grounds)  # now: a full disk lets nobody in anew
                disk.fill()
                try:
                    await refused(asking, "503 disk-full", 10)
                    assert (await ada("GET", "/api/v1/contacts"))[0] == 200, "to read takes no room"
                    panics = grounds.log("postgres").count("PANIC:")
                    no_room_for_the_journal(operator)
                    await refused(asking, "503 unavailable", 10)
                    assert grounds.log("postgres").count("PANIC:") > panics
                finally:
                    disk.free()
                    operator.close()
            await asking.until_answered(10)
            await everything_is_there_once(contacts, ada, asking)


def connected(grounds: Grounds) -> Connection:
    connection = psycopg2.connect(grounds.home.postgres_admin)
    connection.autocommit = True
    return connection


async def refused(asking: Asking, how: str, more: int) -> None:
    """Wait until so many more writes were refused like this."""
    wanted = asking.refused[how] + more
    async with asyncio.timeout(30):
        while asking.refused[how] < wanted:
            await asyncio.sleep(0.05)


def no_room_for_the_journal(operator: Connection) -> None:
    """Have PostgreSQL begin new files of its journal (WAL): without room for one, it goes down."""
    with pytest.raises(psycopg2.OperationalError):
        _begin_files(operator, 60)


def _begin_files(operator: Connection, number: int) -> None:
    """More than it keeps in store."""
    for _ in range(number):
        operator.cursor().execute("select pg_switch_wal(), txid_current()")


@often
async def test_writes_are_answered_all_the_time_while_kafka_has_no_room(
    grounds: Grounds, contacts: Site, ada: Client, times: int
) -> None:
    disk = disk_of(grounds, "kafka")
    with contacts.process("both"):
        await contacts.ready(ada)
        async with people(ada) as asking:
            for _ in range(times):
                await asking.until_answered(5)
                broker = grounds.process("kafka")
                disk.fill()
                try:
                    async with asyncio.timeout(30):  # it ends, and is started again and again
                        while grounds.process("kafka") in (broker, None):
                            await asyncio.sleep(0.05)
                    await asking.until_answered(50)
                    assert await is_stale(ada, asking)
                finally:
                    disk.free()
                async with asyncio.timeout(60):
                    while not grounds.answers("kafka"):
                        await asyncio.sleep(0.1)
            assert not asking.refused
            await everything_is_there_once(contacts, ada, asking)
