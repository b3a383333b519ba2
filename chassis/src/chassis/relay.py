"""The relay: outbox → Kafka, in order, one active per service.

Take a batch, publish the keys it may need, publish the events, wait until all are acknowledged,
delete them from the outbox. On any failure the producer is dropped and everything starts again from
the outbox; what was published but not deleted arrives twice, and consumers drop it by its version.

A topic that is not the one published to before lacks all that came before: nothing is published
into it until it was filled again (chassis.republish); events wait in the outbox as long.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge, Histogram

from chassis.errors import Lost, Unavailable
from chassis.events import topic_of
from chassis.messaging import in_trace
from chassis.outbox import Batch, KeyNotice, Outbox
from chassis.ports import Outgoing, Sink
from chassis.wire import KEY_OWNER, KEYS_TOPIC, message_of

ACTIVE = Gauge("everlog_relay_active", "Whether this process relays; the others stand by.")
PUBLISHED = Counter("everlog_relay_published", "Events that Kafka has acknowledged.", ("topic",))
BATCH = Histogram(
    "everlog_relay_batch_events",
    "Events that the relay published together.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
TOOK = Histogram(
    "everlog_relay_publish_seconds",
    "How long a batch took, until Kafka had acknowledged all of it.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)

log = structlog.get_logger("relay")

_POLL_S = 0.05
_STANDBY_S = 0.25
_LOOK_EVERY_S = 5.0


class Relay:
    """Runs until it is cancelled, fenced or out of luck; its runner starts a new one then.

    `wake` is set by appends of the same process, so that an event does not wait for the poll.
    `topics`: those it publishes to, which have to be the ones they were before.
    """

    def __init__(
        self,
        outbox: Outbox,
        open_sink: Callable[[], Awaitable[Sink]],
        wake: asyncio.Event,
        *,
        topics: Sequence[str] = (),
        most: int = 1000,
    ) -> None:
        self._topics = topics
        self._look_at = 0.0
        self._outbox = outbox
        self._open_sink = open_sink
        self._wake = wake
        self._most = most
        self.published = 0
        self.active = False

    async def run(self) -> None:
        """Wait for one's turn, then relay. Raises whatever ends it, Fenced among it."""
        try:
            while not await self._outbox.take_over():  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(_STANDBY_S)
            self.active = True
            ACTIVE.set(1)
            sink = await self._open_sink()
            try:
                await self._look(sink)
                while True:
                    await self._look_now_and_then(sink)
                    self._wake.clear()
                    if not await self.step(sink):
                        await self._rest()
            finally:
                await sink.close()
        finally:
            self.active = False
            ACTIVE.set(0)
            await self._outbox.give_up()

    async def _look_now_and_then(self, sink: Sink) -> None:
        if asyncio.get_running_loop().time() < self._look_at:
            return
        try:
            await self._look(sink)
        except Unavailable:  # Kafka is away: whoever has something to publish will find out
            return

    async def _look(self, sink: Sink) -> None:
        """Raises Lost if a topic is not the one it was."""
        self._look_at = asyncio.get_running_loop().time() + _LOOK_EVERY_S
        there, known = await sink.topics(self._topics), await self._outbox.topics()
        if lost := lost_topics(self._topics, known, there):
            raise Lost(
                f"{', '.join(lost)}: not there, or made anew and without what it held. "
                "Events wait in the outbox until it was filled again. Run: everlog republish"
            )
        if unknown := {name: id_ for name, id_ in there.items() if name not in known}:
            await self._outbox.note_topics(unknown)

    async def step(self, sink: Sink) -> int:
        """Relay one batch; returns how many messages it had."""
        batch = await self._outbox.take(self._most)
        if not batch:
            return 0
        if batch.keys:
            await sink.publish([key_message(notice) for notice in batch.keys])
        if batch.events:
            began = time.perf_counter()
            await sink.publish([message_of(stored) for stored in batch.events])
            TOOK.observe(time.perf_counter() - began)
        await self._outbox.done(batch)
        self.published += len(batch.events)
        if batch.events:
            BATCH.observe(len(batch.events))
            PUBLISHED.labels(topic_of(batch.events[0].type)).inc(len(batch.events))
            _say(batch)
        return len(batch.events) + len(batch.keys)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_POLL_S):
                await self._wake.wait()
        except TimeoutError:
            return


def _say(batch: Batch) -> None:
    """Which traces have come so far: for whoever follows one through the logs."""
    if log.is_enabled_for(logging.DEBUG):
        for parent in dict.fromkeys(stored.traceparent for stored in batch.events):
            if parent is not None:
                log.debug("published", topic=topic_of(batch.events[0].type), **in_trace(parent))


def key_message(notice: KeyNotice) -> Outgoing:
    """A wrapped key on the keys topic; a destroyed one is a tombstone."""
    key = f"{notice.workspace}:{notice.key_id}".encode()
    headers = [(KEY_OWNER, notice.service.encode())]
    return Outgoing(KEYS_TOPIC, key, notice.wrapped, headers)


def lost_topics(
    names: Sequence[str], known: Mapping[str, UUID], there: Mapping[str, UUID]
) -> list[str]:
    """Those of these topics that are not there, or not the ones that were published to before."""
    return [
        name for name in names if name not in there or known.get(name, there[name]) != there[name]
    ]
