"""The event log in PostgreSQL: one call of log.append per command, arrays for bulk appends."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import starmap
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter

from chassis.chain import digest
from chassis.clock import Clock
from chassis.codec import Codec
from chassis.decider import claimed, key_reused, stale
from chassis.errors import StaleVersion
from chassis.events import Event, Recorded, Stored, category_of, wire_name
from chassis.ids import new_id
from chassis.messaging import appending, describe_append, in_this_trace
from chassis.ports import Append, Appended, Context, Loaded
from chassis.postgres import bulk
from chassis.postgres.database import Connection, Database, Record
from chassis.postgres.keys import PostgresSubjects
from chassis.vault import DataKey

APPENDED = Counter("everlog_events_appended", "Events in the log.", ("aggregate", "type"))

log = structlog.get_logger("log")

_KEY_RACES = 3

_LOAD = """
select c.stream as answer_stream, c.version as answer_version, c.fingerprint,
       e.workspace_id, e.stream, e.version, e.id, e.type, e.occurred_at, e.recorded_at, e.actor,
       e.correlation_id, e.causation_id, e.traceparent, e.key_id, e.data::text as data, e.hash
  from (select 1) as one
  left join log.commands c on c.workspace_id = $1 and c.key = $3
  left join log.events e on e.workspace_id = $1 and e.stream = $2
       and ($4::timestamptz is null or e.recorded_at <= $4)
 order by e.version
"""
_LOAD_MANY = """
select workspace_id, stream, version, id, type, occurred_at, recorded_at, actor, correlation_id,
       causation_id, traceparent, key_id, data::text as data, hash
  from log.events where workspace_id = $1 and stream = any($2) order by stream, version
"""
_STREAM_OF = "select stream from log.events where workspace_id = $1 and id = $2"
_APPEND = """
select * from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                         $17, $18, $19, $20, $21, $22, $23, $24)
"""


@dataclass(slots=True)
class Prepared:
    """An append with its events encoded: what is sent to the database."""

    append: Append
    context: Context
    events: list[Stored]
    new_keys: dict[UUID, tuple[DataKey, bytes]] = field(default_factory=dict)


class PostgresEventLog:
    """See chassis.ports.EventLog. `appended` is called after each commit, to wake the relay."""

    def __init__(
        self,
        database: Database,
        codec: Codec,
        subjects: PostgresSubjects,
        clock: Clock,
        appended: Callable[[], None],
    ) -> None:
        self._database = database
        self._codec = codec
        self._subjects = subjects
        self._clock = clock
        self._appended = appended
        self._log = log.bind()  # once: for every append it would take as long as encoding it

    async def load(self, context: Context, stream: str, *, upto: datetime | None = None) -> Loaded:
        """See chassis.ports.EventLog.load."""
        async with self._database.connection(context.workspace) as connection:
            rows = await connection.fetch(_LOAD, context.workspace, stream, context.key, upto)
        first = rows[0]
        if first["answer_stream"] is not None:
            if first["fingerprint"] != context.fingerprint:
                raise key_reused()
            answer = Appended(first["answer_stream"], first["answer_version"], replayed=True)
            return Loaded(answer.version, answered=answer)
        if first["version"] is None:
            return Loaded(0)
        events = await self._decoded(context.workspace, rows)
        return Loaded(events[-1].version, events)

    async def load_many(self, context: Context, streams: Sequence[str]) -> dict[str, Loaded]:
        """See chassis.ports.EventLog.load_many."""
        async with self._database.connection(context.workspace) as connection:
            rows = await connection.fetch(_LOAD_MANY, context.workspace, list(streams))
        by_stream: dict[str, list[Recorded[Event]]] = {}
        for recorded in await self._decoded(context.workspace, rows):
            by_stream.setdefault(recorded.stream, []).append(recorded)
        return {stream: Loaded(found[-1].version, found) for stream, found in by_stream.items()}

    async def stream_of(self, context: Context, event_id: UUID) -> str | None:
        """See chassis.ports.EventLog.stream_of."""
        async with self._database.connection(context.workspace) as connection:
            found: str | None = await connection.fetchval(_STREAM_OF, context.workspace, event_id)
        return found

    async def _decoded(self, workspace: UUID, rows: Sequence[Record]) -> list[Recorded[Event]]:
        stored = [stored_row(row) for row in rows]
        wanted = {
            s.key_id for s in stored if s.key_id is not None and self._codec.needs_key(s.type)
        }
        keys = await self._subjects.keys(workspace, wanted) if wanted else {}
        return [self._codec.recorded(s, keys.get(s.key_id) if s.key_id else None) for s in stored]

    async def append(self, context: Context, append: Append) -> Appended:
        """See chassis.ports.EventLog.append."""
        with appending():
            return await self._append(append.context or context, append)

    async def _append(self, context: Context, append: Append) -> Appended:
        for attempt in range(_KEY_RACES):
            async with self._database.connection(context.workspace) as connection:
                prepared = await self.prepare(connection, context, [append])
                try:
                    row = await connection.fetchrow(_APPEND, *self._arguments(prepared[0]))
                except asyncpg.PostgresError as error:
                    if error.sqlstate == "ES003" and attempt < _KEY_RACES - 1:
                        self._subjects.forget(context.workspace, prepared[0].new_keys)
                        continue
                    raise refusal(error, append) from error
            ids = () if row["replayed"] else tuple(s.id for s in prepared[0].events)
            answer = Appended(row["answer_stream"], row["answer_version"], row["replayed"], ids)
            self._settle(context.workspace, prepared, [answer])
            return answer
        raise AssertionError("the last attempt returns or raises")

    async def append_many(
        self,
        context: Context,
        appends: Sequence[Append],
        *,
        before: Callable[[Connection], Awaitable[None]] | None = None,
        within: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> list[Appended]:
        """See chassis.ports.EventLog.append_many; `before` and `within` do more in the same
        transaction, before the events are written and after."""
        if not appends:
            return []
        with appending():
            async with self._database.connection(context.workspace) as connection:
                try:
                    async with connection.transaction():
                        if before is not None:
                            await before(connection)
                        prepared = await self.prepare(connection, context, appends)
                        answers = await bulk.write(
                            connection, prepared, self._clock.now(), self._blind(context.workspace)
                        )
                        if within is not None:
                            await within(connection)
                except asyncpg.PostgresError as error:
                    raise refusal(error, appends[0]) from error
            self._settle(context.workspace, prepared, answers)
            return answers

    async def prepare(
        self, connection: Connection, context: Context, appends: Sequence[Append]
    ) -> list[Prepared]:
        """Give events their ids, seal personal fields; keys of new persons are made on the way."""
        people = [_subjects_of(self._codec, append) for append in appends]
        subjects = {s for persons in people for s in persons if s is not None}
        keys = (
            await self._subjects.of_subjects(connection, context.workspace, subjects)
            if subjects
            else {}
        )
        prepared = []
        for append, persons in zip(appends, people, strict=True):
            own = in_this_trace(append.context or context)
            one = Prepared(append, own, [])
            for event, subject in zip(append.events, persons, strict=True):
                key = None
                if subject is not None:
                    key = keys.get(subject)
                    if key is None:
                        one.new_keys[subject] = self._subjects.make(context.workspace)
                        key = keys[subject] = one.new_keys[subject][0]
                one.events.append(self._encode(own, append.stream, event, key))
            prepared.append(one)
        describe_append(prepared)
        return prepared

    def _encode(self, context: Context, stream: str, event: Any, key: DataKey | None) -> Stored:
        id_ = new_id()
        return Stored(
            workspace=context.workspace,
            stream=stream,
            version=0,
            id=id_,
            type=wire_name(type(event)),
            occurred_at=event.occurred_at,
            recorded_at=event.occurred_at,
            actor=context.actor,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            traceparent=context.traceparent,
            key_id=key.id if key is not None else None,
            data=self._codec.encode(event, id_.bytes, key),
            hash=b"",
        )

    def _blind(self, workspace: UUID) -> Callable[[str], bytes]:
        return lambda value: self._subjects.keyring.blind(workspace, value)

    def _arguments(self, prepared: Prepared) -> list[Any]:
        append, context, events = prepared.append, prepared.context, prepared.events
        kept, released = bulk.split_claims(append.claims)
        blind = self._blind(context.workspace)
        return [
            context.workspace,
            append.stream,
            append.expected,
            context.key,
            context.fingerprint,
            context.actor,
            context.correlation_id,
            context.causation_id,
            context.traceparent,
            self._clock.now(),
            [s.id for s in events],
            [s.type for s in events],
            [s.occurred_at for s in events],
            [s.key_id for s in events],
            [s.data.decode() for s in events],
            [digest(s) for s in events],
            list(prepared.new_keys),
            [key.id for key, _ in prepared.new_keys.values()],
            [wrapped for _, wrapped in prepared.new_keys.values()],
            list(append.forget),
            *bulk.claim_columns(kept, blind),
            *bulk.claim_columns(released, blind),
        ]

    def _settle(
        self, workspace: UUID, prepared: Sequence[Prepared], answers: Sequence[Appended]
    ) -> None:
        """Keys made for an append that was only a repetition were never stored."""
        for one, answer in zip(prepared, answers, strict=True):
            if not answer.replayed:
                for subject, (key, _) in one.new_keys.items():
                    self._subjects.remember(workspace, subject, key)
                self._subjects.forget(workspace, one.append.forget)
                for stored in one.events:
                    APPENDED.labels(category_of(stored.stream), stored.type).inc()
        self._say(prepared)
        self._appended()

    def _say(self, prepared: Sequence[Prepared]) -> None:
        if self._log.is_enabled_for(logging.DEBUG):
            events = [stored for one in prepared for stored in one.events]
            types = sorted({stored.type for stored in events})
            correlated = str(prepared[0].context.correlation_id)
            self._log.debug("appended", events=len(events), types=types, correlation_id=correlated)


def _subjects_of(codec: Codec, append: Append) -> list[UUID | None]:
    personal = ((codec.personal(event), event) for event in append.events)
    return list(starmap(lambda p, event: p.subject(event) if p else None, personal))


def stored_row(row: Record) -> Stored:
    """A row of log.events (with `data` as text) as the stored event."""
    return Stored(
        workspace=row["workspace_id"],
        stream=row["stream"],
        version=row["version"],
        id=row["id"],
        type=row["type"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        actor=row["actor"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        traceparent=row["traceparent"],
        key_id=row["key_id"],
        data=row["data"].encode(),
        hash=row["hash"],
    )


def refusal(error: asyncpg.PostgresError, append: Append) -> BaseException:
    """What a refusal of log.append means to the caller; other errors as they are."""
    match error.sqlstate:
        case "ES001":
            return stale(append.stream, int(error.detail or 0), append.expected or 0)
        case "23505":
            return StaleVersion("Another write came first. Load it again and retry.")
        case "ES002":
            return key_reused()
        case "ES004":
            kind, _, holder = (error.detail or "").partition(" ")
            return claimed(kind, holder)
    return cast(BaseException, error)
