"""A line to PostgreSQL or Kafka that is slow, cut, half open, or loses the answer to a commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.clock import SystemClock
from chassis.decider import handle
from chassis.ids import new_id
from chassis.kafka.sink import KafkaSink
from chassis.kafka.source import RangeSource
from chassis.kafka.topics import make_topics, partitions_of
from chassis.ports import Append, Outgoing
from chassis.postgres.database import Database, dsn_for
from chassis.postgres.event_log import PostgresEventLog
from chassis.postgres.keys import PostgresSubjects
from chassis.testing.contracts import NOON, context, send
from chassis.testing.parcels import PARCEL, ParcelScanned, Scan
from chassis.testing.proxy import FaultProxy, fault_proxy
from chassis.testing.road import KEYRING, Road, open_road
from embedded.download import Servers
from embedded.kafka import Kafka
from embedded.launch import running
from embedded.ports import free_ports

pytestmark = pytest.mark.integration

NO_ANSWER = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError, TimeoutError)
TOPIC = "everlog.lines"


@dataclass
class Line:
    """A road, and a log that reaches the same database over a line which can be broken."""

    road: Road
    proxy: FaultProxy
    log: PostgresEventLog


@pytest.fixture
async def line(postgres_dsn: str, kafka_bootstrap: str) -> AsyncIterator[Line]:
    parts = urlsplit(postgres_dsn)
    async with (
        open_road(postgres_dsn, kafka_bootstrap) as road,
        fault_proxy(parts.hostname or "", parts.port or 5432) as proxy,
    ):
        own = dsn_for(f"postgresql://127.0.0.1:{proxy.port}", "parcels", "api", KEYRING)
        database = Database(own, name="line", patience_s=1.0)
        await database.start()
        subjects = PostgresSubjects(database, KEYRING)
        log = PostgresEventLog(
            database, road.manifest.codec(), subjects, SystemClock(), lambda: None
        )
        yield Line(road, proxy, log)
        await database.stop()


async def test_a_write_whose_answer_is_lost_after_the_commit_is_there_once(line: Line) -> None:
    """The client cannot know; it asks again under the same key and gets the first answer."""
    workspace, parcel = new_id(), new_id()
    await handle(line.log, PARCEL, parcel, send(parcel), context(workspace), new=True)
    first, second = (
        Append(PARCEL.stream(parcel), [ParcelScanned(parcel, city, occurred_at=NOON)], expected)
        for city, expected in (("Rome", 1), ("Oslo", 2))
    )
    await line.log.append(context(workspace), first)  # connected, the statement prepared
    asking = context(workspace, "key-1", b"same")
    line.proxy.lose_answers()
    with pytest.raises(NO_ANSWER):
        await line.log.append(asking, second)
    assert line.proxy.swallowed == 1
    line.proxy.heal()
    again = await line.log.append(asking, second)
    assert (again.version, again.replayed) == (3, True)
    await line.road.relay_all()
    await line.road.project_all()
    assert [row["scans"] for row in await line.road.rows(workspace)] == [2]


@pytest.mark.parametrize("fault", ["hold", "cut"])
async def test_a_broken_line_is_noticed_in_time_and_used_again_when_it_is_mended(
    line: Line, fault: str
) -> None:
    workspace, parcel = new_id(), new_id()
    asking = context(workspace, "key-1", b"same")
    await line.log.load(asking, PARCEL.stream(parcel))
    getattr(line.proxy, fault)()
    begin = time.monotonic()
    try:
        await handle(line.log, PARCEL, parcel, send(parcel), asking, new=True)
        assert fault == "cut", "answered over a line on which nothing goes"
    except NO_ANSWER:
        assert time.monotonic() - begin < 5
    line.proxy.heal()
    line.proxy.cut()
    await handle(line.log, PARCEL, parcel, send(parcel), asking, new=True)
    assert len((await line.road.log.load(asking, PARCEL.stream(parcel))).events) <= 1
    plain = context(workspace)
    assert (await line.road.log.load(plain, PARCEL.stream(parcel))).version == 1


async def test_a_slow_line_changes_nothing_but_the_time(line: Line) -> None:
    workspace, parcel = new_id(), new_id()
    line.proxy.delay_s = 0.05
    await handle(line.log, PARCEL, parcel, send(parcel), context(workspace), new=True)
    scans = [
        handle(line.log, PARCEL, parcel, Scan(f"city {n}", NOON), context(workspace))
        for n in range(3)
    ]
    await asyncio.gather(*scans)
    loaded = await line.road.log.load(context(workspace), PARCEL.stream(parcel))
    assert [recorded.version for recorded in loaded.events] == [1, 2, 3, 4]


@pytest.fixture(scope="module")
def far_kafka(embedded_servers: Servers, server_home: Path) -> Iterator[tuple[int, int]]:
    """A broker that its clients only reach over a proxy: its port, and the proxy's."""
    port, controller, proxied = free_ports(3)
    home = server_home / "far-kafka"
    server = Kafka(embedded_servers, home, port, controller, advertised_port=proxied)
    with running(server, server_home / "far-kafka.log"):
        yield port, proxied


async def test_what_kafka_has_not_acknowledged_is_not_taken_for_published(
    far_kafka: tuple[int, int],
) -> None:
    port, proxied = far_kafka
    bootstrap, message = f"127.0.0.1:{proxied}", Outgoing(TOPIC, b"key", b"value")
    async with fault_proxy("127.0.0.1", port, proxied) as proxy:
        await make_topics(bootstrap, [TOPIC])
        sink = await KafkaSink.open(bootstrap)
        await sink.publish([message])
        proxy.hold()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await sink.publish([message])
        await sink.close()
        proxy.heal()
        another = await KafkaSink.open(bootstrap)
        await another.publish([message])
        await another.close()


async def test_a_reader_whose_broker_is_away_stops_without_ending_whoever_stops_it(
    far_kafka: tuple[int, int],
) -> None:
    port, proxied = far_kafka
    bootstrap = f"127.0.0.1:{proxied}"
    async with fault_proxy("127.0.0.1", port, proxied):
        await make_topics(bootstrap, [TOPIC])
        sources = [
            RangeSource(bootstrap, dict.fromkeys(partitions_of([TOPIC]), 0)) for _ in range(5)
        ]
        for source in sources:
            await source.start()
            await source.poll(timeout_s=0.05, max_messages=10)
    for source in sources:
        await asyncio.sleep(0.13)  # they try and pause, try and pause
        await source.stop()
