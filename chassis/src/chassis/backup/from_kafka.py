"""Fills the event store of a service again from its topic, when the database was lost.

1 read      every event of the topic, into a table of the new store; each version once
2 verify    each stream from its first event on, by its hash chain
3 write     into the log, in the order of recording; the feed is numbered anew
4 derive    what the log implies: whose keys are whose, unique values, answers of reactions
5 react     no further than it had come: see chassis.backup.reacted

What was never on Kafka does not come back: what waited in the outbox (milliseconds), idempotency
keys of requests, and operational tables (passwords, sessions, imports): those a backup may have.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import psycopg2
from psycopg2.extras import register_uuid

from chassis.backup.archive import Backup
from chassis.backup.derived import keep_claims, keep_keys
from chassis.backup.reacted import Reached, note_reactions
from chassis.backup.restoring import Store, count_on, fill_rest, leave_to_be_rebuilt
from chassis.chain import GENESIS, hash_of
from chassis.errors import Lost, Tampered
from chassis.events import Stored
from chassis.kafka.reading import OpenSource, keys_on_kafka, read_whole
from chassis.ports import Message
from chassis.wire import stored_of

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_ROWS_AT_ONCE = 5_000

_COLUMNS = (
    "workspace_id, stream, version, id, type, occurred_at, recorded_at, actor, correlation_id, "
    "causation_id, traceparent, key_id, data, hash"
)
_STAGE = """
create unlogged table public.read_from_kafka (like log.events);
alter table public.read_from_kafka drop column position;
"""
_SORT = """
create index on public.read_from_kafka (workspace_id, stream, version);
analyze public.read_from_kafka;
"""
_UNLIKE = """
select stream, version from public.read_from_kafka
 group by workspace_id, stream, version having count(distinct hash) > 1 limit 1
"""
_STREAMS = f"""
select distinct on (workspace_id, stream, version)
       {_COLUMNS.replace(" data,", " data::text,")}
  from public.read_from_kafka order by workspace_id, stream, version
"""  # noqa: S608 - columns of our own
# Within one moment a stream's events stay together, in the order of their versions.
_WRITE = f"""
insert into log.events ({_COLUMNS})
select {_COLUMNS} from (
    select distinct on (workspace_id, stream, version) {_COLUMNS}
      from public.read_from_kafka order by workspace_id, stream, version) as e
 order by recorded_at, min(id::text) over (partition by workspace_id, stream, recorded_at),
          stream, version
"""  # noqa: S608 - columns of our own
_NUMBER = """
insert into log.feed (workspace_id, number, position)
select workspace_id, row_number() over (partition by workspace_id order by position), position
  from log.events;
insert into log.feed_head (workspace_id, number)
select workspace_id, max(number) from log.feed group by workspace_id;
drop table public.read_from_kafka;
"""
# Reactions that had an effect have had it: their orders answer as before (chassis.orders).
_ANSWERS = """
insert into log.commands (workspace_id, key, fingerprint, stream, version, at)
select workspace_id, actor || ':' || causation_id || ':' ||
       row_number() over (partition by workspace_id, actor, causation_id order by first) - 1,
       null, stream, version, at
  from (select workspace_id, actor, causation_id, stream, min(position) as first,
               max(version) as version, max(recorded_at) as at
          from log.events where actor like 'reaction:%' and causation_id is not null
         group by workspace_id, actor, causation_id, stream) as effects
"""
Told = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the events are: a way to read topics, their ids, how far reactions had come."""

    open_source: OpenSource
    topics: Mapping[str, UUID]
    reached: Reached


@dataclass(frozen=True, slots=True)
class Refilled:
    """What came back. `reacted_known`: whether it was known how far the reactions had come."""

    events: int
    streams: int
    keys: int
    destroyed_keys: int
    claims: int
    reacted_known: bool
    rest: int = 0
    """Rows of a backup that are no events."""


async def refill(
    store: Store, broker: Broker, told: Told, backup: Backup | None = None
) -> Refilled:
    """Fill a store beside; the caller puts it in place. Raises Tampered or Lost: nothing is.

    `backup`: where to take from what is not on Kafka.
    """
    address = await asyncio.to_thread(store.make)
    topics = {t: i for t, i in broker.topics.items() if t in store.manifest.published_topics()}
    wrapped, _ = await keys_on_kafka(broker.open_source)
    with closing(psycopg2.connect(address)) as connection, connection:
        register_uuid(conn_or_curs=connection)  # type: ignore[no-untyped-call]
        cursor = connection.cursor()
        cursor.execute(_STAGE)
        read = await _read(cursor, store.manifest.topic, broker.open_source, told)
        streams = _check(connection, read, told)
        told("writing", 0, read)
        cursor.execute(_WRITE)
        events = cursor.rowcount
        cursor.execute(_NUMBER + _ANSWERS)
        told("deriving what follows from them", 0, events)
        keys, destroyed = keep_keys(cursor, store, wrapped)
        claims = keep_claims(cursor, store, wrapped)
        known = await note_reactions(cursor, store, broker.open_source, broker.reached, wrapped)
        rest = fill_rest(cursor, backup, store.service) if backup else 0
        cursor.execute("update log.relay set topics = %s", (_json(topics),))
        count_on(cursor)
        leave_to_be_rebuilt(cursor)
    return Refilled(events, streams, keys, destroyed, claims, known, rest)


def _json(topics: Mapping[str, UUID]) -> str:
    return msgspec.json.encode({name: str(id_) for name, id_ in topics.items()}).decode()


async def _read(cursor: Any, topic: str, open_source: OpenSource, told: Told) -> int:
    done = 0
    async for messages in read_whole(open_source, [topic]):
        lines = io.StringIO("".join(map(_line, messages)))
        cursor.copy_expert(f"copy public.read_from_kafka ({_COLUMNS}) from stdin", lines)
        done += len(messages)
        told("reading", done, 0)
    cursor.execute(_SORT)
    cursor.execute(_UNLIKE)
    if unlike := cursor.fetchone():
        raise Tampered(f"{unlike[0]}@{unlike[1]} is on Kafka twice, and not the same")
    return done


def _line(message: Message) -> str:
    s = stored_of(message)
    values = (
        s.workspace,
        s.stream,
        s.version,
        s.id,
        s.type,
        s.occurred_at,
        s.recorded_at,
        s.actor,
        s.correlation_id,
        s.causation_id,
        s.traceparent,
        s.key_id,
        s.data.decode(),
        "\\x" + s.hash.hex(),
    )
    return "\t".join(map(_copy_text, values)) + "\n"


def _check(connection: Any, events: int, told: Told) -> int:
    """Every stream from its first event on; returns how many there are."""
    streams = done = 0
    previous, place = GENESIS, ("", "", 0)
    with connection.cursor("streams") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(_STREAMS)
        for row in cursor:
            stored = _stored(row)
            if (row[0], row[1]) != place[:2]:
                previous, place, streams = GENESIS, (row[0], row[1], 0), streams + 1
            if stored.version != place[2] + 1:
                raise Lost(f"{stored.stream}: version {place[2] + 1} is not on Kafka")
            if stored.hash != hash_of(stored, previous):
                raise Tampered(f"{stored.stream}@{stored.version} is not what was recorded")
            previous, place, done = stored.hash, (row[0], row[1], stored.version), done + 1
            if done % _ROWS_AT_ONCE == 0:
                told("checking the chains", done, events)
    return streams


def _stored(row: Sequence[Any]) -> Stored:
    values: list[Any] = [*row[:12], row[12].encode(), bytes(row[13])]
    return Stored(*values)


def _copy_text(value: Any) -> str:
    """A value in COPY's text format."""
    kind = type(value)
    if kind is str:
        return str(value.translate(_ESCAPES)) if not value.isalnum() else str(value)
    if kind is int or kind is float:
        return repr(value)
    if kind is bool:
        return "t" if value else "f"
    if value is None:
        return "\\N"
    return str(value).translate(_ESCAPES)
