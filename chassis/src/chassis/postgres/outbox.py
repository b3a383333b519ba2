"""The outbox of one service, as its one active relay sees it.

The session lock says whose turn it is; the epoch, which every deletion checks, makes it safe. A
process that is frozen keeps its connection and with it the lock: so the server ends a lock session
of which it has heard nothing for a while, and the next relay in line takes over.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Mapping
from uuid import UUID

from chassis.errors import Fenced, Unavailable
from chassis.outbox import Batch, KeyNotice
from chassis.postgres.database import CONNECTION_ENDED, Connection, Database
from chassis.postgres.event_log import stored_row

FEED_CHANNEL = "everlog_feed"
"""Where a relay tells which workspaces have more in their feeds. It may notify, since nobody waits
for its transaction; an append must not: commits that notify queue up behind one another."""

_TAKE = """
select o.position, e.workspace_id, e.stream, e.version, e.id, e.type, e.occurred_at, e.recorded_at,
       e.actor, e.correlation_id, e.causation_id, e.traceparent, e.key_id, e.data::text as data,
       e.hash
  from (select position from log.outbox order by position limit $1) as o
  join log.events e using (position)
 order by o.position
"""
_KEYS = "select number, workspace_id, key_id, wrapped from log.key_outbox order by number limit $1"
_EPOCH = "select epoch from log.relay"
_RAISE = "update log.relay set epoch = epoch + 1 returning epoch"
_LOCK = "select pg_advisory_lock($1)"
_END_HOLDER = """
select pg_terminate_backend(pid) from pg_locks
 where locktype = 'advisory' and granted and objsubid = 1
   and classid = 0 and objid = $1::bigint::oid
   and database = (select oid from pg_database where datname = current_database())
"""
_TOPICS = "select topics from log.relay"
_NOTE_TOPICS = "update log.relay set topics = topics || $1 where epoch = $2"
# One statement, so that a relay that is frozen never holds what its successor waits for.
_DONE = """
with fence as (
    update log.relay set epoch = epoch where epoch = $1 returning epoch),
gone as (
    delete from log.outbox where position = any($2) and exists (select from fence)
    returning workspace_id, position),
keys_gone as (
    delete from log.key_outbox where number = any($3) and exists (select from fence)),
fresh as (
    select g.workspace_id, g.position, e.type from gone g join log.events e using (position)
     where not exists (select from log.feed f where f.position = g.position)),
counted as (
    select workspace_id, count(*) as n from fresh group by workspace_id),
heads as (
    insert into log.feed_head as h (workspace_id, number)
    select workspace_id, n from counted
    on conflict (workspace_id) do update set number = h.number + excluded.number
    returning workspace_id, number),
numbered as (
    insert into log.feed (workspace_id, number, position, type)
    select f.workspace_id, h.number - c.n + row_number() over (
               partition by f.workspace_id order by f.position), f.position, f.type
      from fresh f join heads h using (workspace_id) join counted c using (workspace_id)),
told as materialized (
    select pg_notify($4, workspace_id::text) from heads)
select exists (select from fence) as held, (select count(*) from told) as told
"""
_WAITING = """
select count(*) as events, extract(epoch from now() - min(e.recorded_at)) as oldest_s
  from log.outbox o join log.events e using (position)
"""
SILENT_S = 30.0
"""Longer than a batch takes that Kafka hardly acknowledges (chassis.kafka.sink)."""


class PostgresOutbox:
    """Taken over by one relay at a time: a session lock, and an epoch to fence the one before.

    `silent_s`: how long the active relay may be silent before another one may take over (SILENT_S).
    """

    def __init__(self, database: Database, service: str, silent_s: float | None = None) -> None:
        self._database = database
        self._service = service
        self._silent_s = silent_s or SILENT_S
        self._heard_at = 0.0
        self._lock = zlib.crc32(f"everlog relay {service}".encode())
        self._session: Connection | None = None
        self._epoch = -1

    async def take_over(self) -> bool:
        """Become the active relay; False while another one is."""
        if self._session is None:
            self._session = await self._database.dedicated(silent_s=self._silent_s)
        if not await self._session.fetchval("select pg_try_advisory_lock($1)", self._lock):
            return False
        self._epoch = await self._session.fetchval(_RAISE)
        return True

    async def seize(self, *, patience_s: float = 10.0) -> None:
        """Become the active relay although another one is: it is fenced, and gives way when it
        looks; whoever queues for the lock gets it before all that only try. One that hangs loses
        its session. Raises Unavailable if that does not help either."""
        self._session = await self._database.dedicated(silent_s=self._silent_s)
        for last in (False, True):
            await self._session.execute(_RAISE)
            try:
                async with asyncio.timeout(patience_s):
                    await self._session.execute(_LOCK, self._lock)
                break
            except TimeoutError:
                if last:
                    raise Unavailable(
                        f"The relay of {self._service} does not give way. End its worker."
                    ) from None
                await self._session.execute(_END_HOLDER, self._lock)
        self._epoch = await self._session.fetchval(_RAISE)

    async def hold(self) -> None:
        """Make sure that this is still the active relay. Raises Fenced."""
        gone = Fenced("the session that holds the outbox is gone")
        if self._session is None:
            raise gone
        try:
            epoch = await self._session.fetchval(_EPOCH)
        except CONNECTION_ENDED as error:
            raise gone from error
        if epoch != self._epoch:
            raise Fenced("another relay took over the outbox")

    async def give_up(self) -> None:
        """Let another relay take over."""
        session, self._session = self._session, None
        if session is not None:
            session.terminate()

    async def take(self, most: int) -> Batch:
        """See chassis.outbox.Outbox.take. Keys are read after the events that may need them."""
        await self._hold_the_lock()
        async with self._database.connection(None) as connection:
            if await connection.fetchval(_EPOCH) != self._epoch:
                raise Fenced("another relay took over the outbox")
            rows = await connection.fetch(_TAKE, most)
            keys = await connection.fetch(_KEYS, most * 4)
        return Batch(
            [row["position"] for row in rows],
            [stored_row(row) for row in rows],
            [
                KeyNotice(k["number"], k["workspace_id"], k["key_id"], k["wrapped"], self._service)
                for k in keys
            ],
        )

    async def _hold_the_lock(self) -> None:
        """Let the server hear of the lock session. Raises Fenced if it has ended it."""
        now = time.monotonic()
        if self._session is not None and now - self._heard_at > self._silent_s / 5:
            try:
                await self._session.fetchval("select 1", timeout=self._silent_s)
            except CONNECTION_ENDED as error:
                raise Fenced("the session that holds the outbox is gone") from error
            self._heard_at = now

    async def done(self, batch: Batch) -> None:
        """The batch is acknowledged. Raises Fenced if another relay took over meanwhile."""
        keys = [notice.number for notice in batch.keys]
        async with self._database.connection(None) as connection:
            done = await connection.fetchrow(
                _DONE, self._epoch, batch.positions, keys, FEED_CHANNEL
            )
        if not done["held"]:
            raise Fenced("another relay took over the outbox")

    async def waiting(self) -> tuple[int, float]:
        """How many events wait, and the age of the oldest in seconds."""
        async with self._database.connection(None) as connection:
            row = await connection.fetchrow(_WAITING)
        return row["events"], float(row["oldest_s"] or 0.0)

    async def topics(self) -> Mapping[str, UUID]:
        """See chassis.outbox.Outbox.topics."""
        async with self._database.connection(None) as connection:
            found = await connection.fetchval(_TOPICS)
        return {name: UUID(id_) for name, id_ in found.items()}

    async def note_topics(self, topics: Mapping[str, UUID]) -> None:
        """See chassis.outbox.Outbox.note_topics."""
        noted = {name: str(id_) for name, id_ in topics.items()}
        async with self._database.connection(None) as connection:
            if await connection.execute(_NOTE_TOPICS, noted, self._epoch) != "UPDATE 1":
                raise Fenced("another relay took over the outbox")

    async def republished(self, topics: Mapping[str, UUID]) -> int:
        """Up to which position these very topics were filled again by somebody who was ended."""
        async with self._database.connection(None) as connection:
            found = await connection.fetchval("select republished from log.relay")
        filled = found or {"topics": {}, "position": 0}
        same = filled["topics"] == {name: str(id_) for name, id_ in topics.items()}
        return int(filled["position"]) if same else 0

    async def note_republished(self, topics: Mapping[str, UUID], position: int | None) -> None:
        """These topics are filled again up to a position; None: wholly, they are the topics now."""
        noted = {name: str(id_) for name, id_ in topics.items()}
        filled = None if position is None else {"topics": noted, "position": position}
        statement = "update log.relay set republished = $1 where epoch = $2"
        async with self._database.connection(None) as connection, connection.transaction():
            if await connection.execute(statement, filled, self._epoch) != "UPDATE 1":
                raise Fenced("another relay took over the outbox")
            if position is None:
                await connection.execute(_NOTE_TOPICS, noted, self._epoch)
