"""The live stream: Faust reads every service's topic and counts the last hour. No other Faust file.

Derived and never the truth: it publishes nothing, commits only where it is, and may be killed at
any time. On its start it reads the last hour from the topics itself (Faust is slow at that), tells
Kafka where Faust is to go on, and starts Faust there. What Faust does is `LastHour.see` and no
more, so any consumer can replace it. Only one such process may run: a second one would share the
partitions, and each would count half.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge

from analytics.live import HOUR, LastHour, Seen, Won
from analytics.live_feed import write
from analytics.received import DealWon
from chassis import telemetry
from chassis.clock import Clock, SystemClock
from chassis.events import wire_name
from chassis.kafka.topics import partitions_of
from chassis.measuring import exposition, of_pools, of_process
from chassis.postgres.database import Database, dsn_for
from chassis.settings import ServiceSettings
from chassis.vault import Keyring
from chassis.wire import workspace_of

log = structlog.get_logger("stream")

GROUP = "everlog.analytics.stream"
SERVICE = "analytics"
TOPICS = ("everlog.campaigns", "everlog.contacts", "everlog.identity", "everlog.pipeline")

EVENTS = Counter("everlog_stream_events_total", "Events the live stream has counted.")
BEHIND = Gauge("everlog_stream_lag_events", "Events the live stream has not read yet.")

_WON = wire_name(DealWon)
_FLUSH_S = 1.0
_LOOK_S = 15.0
_STALLED_LOOKS = 4
_FETCH_BYTES = 128 * 1024
"""Of each of 48 partitions at a time: what is fetched is what stays in memory."""

_decode_won = msgspec.json.Decoder(DealWon).decode


def seen_of(place: tuple[str, int], offset: int, headers: Mapping[str, bytes], body: Any) -> Seen:
    """An event as it goes by. Raises KeyError, ValueError for what is no event of ours."""
    type_ = headers["ce_type"].decode()
    won = None
    if type_ == _WON:
        deal = _decode_won(body)
        won = Won(deal.owner_id, deal.currency, deal.value_minor)
    return Seen(
        place,
        offset,
        workspace_of(headers["ce_workspaceid"]),
        type_,
        headers["ce_stream"].decode(),
        datetime.fromisoformat(headers["ce_time"].decode()),
        datetime.fromisoformat(headers["ce_recordedat"].decode()),
        won,
    )


class Stream:
    """The process: windows, their reader, and what it tells."""

    def __init__(self, settings: ServiceSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.windows = LastHour()
        self.ready = False
        keyring = Keyring.from_file(settings.secrets / "master.key")
        dsn = dsn_for(settings.postgres, SERVICE, "worker", keyring)
        self._database = Database(dsn, name="everlog analytics stream", most=1)
        self._told: dict[UUID, Any] = {}

    def see(self, place: tuple[str, int], offset: int, headers: Any, body: Any) -> None:
        """Count an event. What is none of ours is left out: this is a display."""
        try:
            seen = seen_of(place, offset, dict(headers), body)
        except (KeyError, ValueError, msgspec.MsgspecError) as error:
            log.warning("no event of ours", place=place, offset=offset, error=error)
            return
        if self.windows.see(seen, self.clock.now()):
            EVENTS.inc()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises whatever ends it before: it is started anew then."""
        await self._database.start()
        runner = await self._serve_health()
        reader = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka,
            group_id=GROUP,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        await reader.start()
        try:
            await self._read_the_last_hour(reader)
            app = make_app(self)
            await app.start()
            try:
                self.ready = True
                await self._tell_until(stop, reader, app)
            finally:
                self.ready = False
                await app.stop()
        finally:
            await reader.stop()
            await runner.cleanup()
            await self._database.stop()

    async def _read_the_last_hour(self, reader: Any) -> None:
        """Fill the windows, and have Faust go on where this ends."""
        partitions = [TopicPartition(p.topic, p.number) for p in partitions_of(TOPICS)]
        reader.assign(partitions)
        ends = await reader.end_offsets(partitions)
        since = int((self.clock.now() - HOUR).timestamp() * 1000)
        found = await reader.offsets_for_times(dict.fromkeys(partitions, since))
        for partition in partitions:
            begin = found[partition].offset if found[partition] else ends[partition]
            self.windows.positions[partition.topic, partition.partition] = begin
            reader.seek(partition, begin)
        while any(self._position(tp) < end for tp, end in ends.items()):
            for tp, records in (await reader.getmany(timeout_ms=1000, max_records=2000)).items():
                for r in records:
                    if r.offset < ends[tp]:
                        self.see((tp.topic, tp.partition), r.offset, r.headers, r.value)
                last = min(records[-1].offset + 1, ends[tp])
                self.windows.positions[tp.topic, tp.partition] = last
        try:
            await reader.commit(ends)
        except KafkaError as error:
            # The group is alive: a process that is going, or a second one. Faust finds its place.
            log.warning("the place to go on could not be told", error=error)
        reader.unsubscribe()

    def _position(self, tp: TopicPartition) -> int:
        return self.windows.positions.get((tp.topic, tp.partition), 0)

    async def _tell_until(self, stop: asyncio.Event, reader: Any, app: Any) -> None:
        looked, stalled, before = 0.0, 0, 0
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            if app.crashed or app.should_stop:
                raise RuntimeError("Faust has stopped") from app.crash_reason
            await self._tell()
            if loop.time() - looked > _LOOK_S:
                looked = loop.time()
                lag = await self._lag(reader)
                read = sum(self.windows.positions.values())
                stalled = stalled + 1 if lag and read == before else 0
                before = read
                if stalled >= _STALLED_LOOKS:
                    raise RuntimeError(f"Faust reads nothing, though {lag} events wait")
            try:
                async with asyncio.timeout(_FLUSH_S):
                    await stop.wait()
            except TimeoutError:
                continue

    async def _lag(self, reader: Any) -> int:
        ends = await reader.end_offsets(
            [TopicPartition(p.topic, p.number) for p in partitions_of(TOPICS)]
        )
        lag: int = sum(max(0, end - self._position(tp)) for tp, end in ends.items())
        BEHIND.set(lag)
        return lag

    async def _tell(self) -> None:
        """Write the snapshots that differ from those told last."""
        now = self.clock.now()
        there = self.windows.workspaces(now)
        snapshots = {id_: self.windows.snapshot(id_, now) for id_ in there}
        changed = {id_: s for id_, s in snapshots.items() if self._told.get(id_) != s}
        detail = {"workspaces": len(there), "events": int(EVENTS._value.get())}
        await write(self._database, now, changed, there, detail)
        self._told = snapshots

    async def _serve_health(self) -> web.AppRunner:
        async def livez(_: web.Request) -> web.Response:
            return web.json_response({"status": "alive"})

        async def readyz(_: web.Request) -> web.Response:
            status = {"status": "ready" if self.ready else "reading the last hour"}
            return web.json_response(status, status=200 if self.ready else 503)

        async def metrics(_: web.Request) -> web.Response:
            told = of_process("analytics-stream", "stream", ready=self.ready)
            body = exposition([*told, *of_pools([self._database])])
            return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

        health = web.Application()
        for path, answer in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
            health.router.add_get(path, answer)
        runner = web.AppRunner(health, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, self.settings.host, self.settings.port).start()
        return runner


def make_app(stream: Stream) -> Any:
    """Faust, told to do nothing but hand over what arrives."""
    # It sets up much on import, which only this process needs.
    import faust
    from faust.app.base import BootStrategy

    class ReadOnly(BootStrategy):
        enable_kafka_producer = False

    class App(faust.App):
        BootStrategy = ReadOnly

    app = App(
        GROUP,
        broker=f"kafka://{stream.settings.kafka}",
        store="memory://",
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="latest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        stream_wait_empty=False,
        broker_commit_interval=5.0,
        broker_session_timeout=10.0,
        broker_max_poll_records=500,
        consumer_max_fetch_size=_FETCH_BYTES,
        stream_buffer_maxsize=500,
        loop=asyncio.get_running_loop(),
    )
    topic = app.topic(*TOPICS, key_type=bytes, value_type=bytes, value_serializer="raw")

    @app.agent(topic, concurrency=1)
    async def count(events: Any) -> None:
        async for event in events.events():
            message = event.message
            place = (message.topic, message.partition)
            stream.see(place, message.offset, message.headers, message.value)

    return app


def main() -> None:
    """`python -m analytics stream`."""
    telemetry.configure("analytics-stream", "stream")
    asyncio.run(_until_signal(ServiceSettings()))


async def _until_signal(settings: ServiceSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop.set)
    await Stream(settings, SystemClock()).run(stop)
