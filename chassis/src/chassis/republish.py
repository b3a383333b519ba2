"""Fills topics again from the event store, when Kafka lost them or they were made anew.

1 seize     fence the active relay, wait until it has given way: nobody else publishes
2 keys      every key of the vault; a tombstone for every key that sealed something and is gone
3 events    all that do not wait in the outbox, in log order, exactly as they are stored
4 note      from now on these are the topics that hold what was published

Writes go on meanwhile: they are acknowledged from the outbox, which the relay takes up again after
this. Whoever is ended in between begins again where the page before ended; what arrives twice is
dropped by its version. The numbers of the feed stay as they are: only the relay gives them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.errors import Lost
from chassis.outbox import KeyNotice
from chassis.ports import Outgoing, Sink
from chassis.postgres.database import Database
from chassis.postgres.event_log import stored_row
from chassis.postgres.outbox import PostgresOutbox
from chassis.relay import key_message
from chassis.wire import message_of

_PAGE = 2_000
_LOOKS_S = 600.0
"""All of a log is looked through."""

_EVENTS = """
select e.position, e.workspace_id, e.stream, e.version, e.id, e.type, e.occurred_at, e.recorded_at,
       e.actor, e.correlation_id, e.causation_id, e.traceparent, e.key_id, e.data::text as data,
       e.hash
  from log.events e
 where e.position > $1 and not exists (select from log.outbox o where o.position = e.position)
 order by e.position limit $2
"""
_COUNT = """
select count(*) from log.events e
 where e.position > $1 and not exists (select from log.outbox o where o.position = e.position)
"""
_KEYS = """
select workspace_id, subject, key_id, wrapped from log.subject_keys
 where (workspace_id, subject) > ($1, $2) order by workspace_id, subject limit $3
"""
_DESTROYED = """
select distinct e.workspace_id, e.key_id from log.events e
 where e.key_id is not null and not exists (
       select from log.subject_keys k
        where k.workspace_id = e.workspace_id and k.key_id = e.key_id)
"""

Report = Callable[[str, int, int], Awaitable[None]]
"""Told about the progress: `keys` or `events`, how many are done, how many there are."""


@dataclass(frozen=True, slots=True)
class Republished:
    """What was published again."""

    events: int
    keys: int
    destroyed_keys: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where it comes from and goes to. `topics`: those the service publishes to."""

    service: str
    database: Database
    outbox: PostgresOutbox
    topics: Sequence[str]
    open_sink: Callable[[], Awaitable[Sink]]


async def republish(origin: Origin, report: Report) -> Republished:
    """Fill the topics. Raises Lost if they are not there, Fenced if another relay takes over."""
    await origin.outbox.seize()
    try:
        sink = await origin.open_sink()
        try:
            topics = await sink.topics(origin.topics)
            if missing := set(origin.topics) - topics.keys():
                raise Lost(f"Kafka has no {', '.join(sorted(missing))}. Run: everlog setup")
            keys, destroyed = await _publish_keys(origin, sink, report)
            events = await _publish_events(origin, sink, topics, report)
            await origin.outbox.note_republished(topics, None)
        finally:
            await sink.close()
    finally:
        await origin.outbox.give_up()
    return Republished(events, keys, destroyed)


async def _publish_keys(origin: Origin, sink: Sink, report: Report) -> tuple[int, int]:
    async with origin.database.connection(None, patience_s=_LOOKS_S) as connection:
        total = await connection.fetchval("select count(*) from log.subject_keys")
        rows = await connection.fetch(_DESTROYED)
    gone = [KeyNotice(0, row["workspace_id"], row["key_id"], None, origin.service) for row in rows]
    done, place = 0, (UUID(int=0), UUID(int=0))
    while True:
        async with origin.database.connection(None) as connection:
            rows = await connection.fetch(_KEYS, *place, _PAGE)
        await origin.outbox.hold()
        notices = [
            KeyNotice(0, row["workspace_id"], row["key_id"], row["wrapped"], origin.service)
            for row in rows
        ]
        await sink.publish([key_message(notice) for notice in notices])
        done += len(rows)
        await report("keys", done, total)
        if len(rows) < _PAGE:
            break
        place = (rows[-1]["workspace_id"], rows[-1]["subject"])
    for start in range(0, len(gone), _PAGE):
        await sink.publish([key_message(notice) for notice in gone[start : start + _PAGE]])
    return done, len(gone)


async def _publish_events(
    origin: Origin, sink: Sink, topics: Mapping[str, UUID], report: Report
) -> int:
    begin = await origin.outbox.republished(topics)
    async with origin.database.connection(None, patience_s=_LOOKS_S) as connection:
        total = await connection.fetchval(_COUNT, begin)
    done = 0
    async for position, messages in _pages(origin, begin):
        await origin.outbox.hold()
        await sink.publish(messages)
        await origin.outbox.note_republished(topics, position)
        done += len(messages)
        await report("events", done, total)
    return done


async def _pages(origin: Origin, begin: int) -> AsyncIterator[tuple[int, list[Outgoing]]]:
    """Pages of messages with the position of the last; the next is read while one is published."""

    async def page(after: int) -> tuple[int, list[Outgoing]]:
        async with origin.database.connection(None) as connection:
            rows = await connection.fetch(_EVENTS, after, _PAGE)
        last = rows[-1]["position"] if rows else after
        return last, [message_of(stored_row(row)) for row in rows]

    reading = asyncio.ensure_future(page(begin))
    try:
        while True:
            last, messages = await reading
            if not messages:
                return
            reading = asyncio.ensure_future(page(last))
            yield last, messages
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
