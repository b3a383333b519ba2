"""The feed of a workspace as its readers page through it, and how those who wait hear of more.

Every question is answered from an index: the numbers, the numbers of a type, the places of a
stream, the ids. What is looked at ends at the head, the last number there is: a page that ends
before its limit has left out nothing up to the head.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.events import Stored
from chassis.postgres.database import Connection, Database
from chassis.postgres.event_log import stored_row
from chassis.postgres.outbox import FEED_CHANNEL

BYTES_MOST = 4 << 20
"""How much of stored bodies one page holds; one event alone may be larger."""

_HEAD = """
select n.id as log, coalesce((select f.number from log.feed f where f.workspace_id = $1
                               order by f.number desc limit 1), 0) as head
  from log.numbering n
"""
_EVENT = """
f.number, e.workspace_id, e.stream, e.version, e.id, e.type, e.occurred_at, e.recorded_at, e.actor,
e.correlation_id, e.causation_id, e.traceparent, e.key_id, e.data::text as data, e.hash
"""
_BY_ID = f"""
select {_EVENT} from log.events e join log.feed f using (position)
 where e.workspace_id = $1 and f.workspace_id = $1 and e.id = any($2) order by f.number
"""  # noqa: S608


def page_statement(*, of_stream: bool, of_type: bool) -> str:
    """One page: $1 workspace, $2 after, $3 head, $4 limit, $5 bytes, then stream and type, if any.

    Places come first, and those of a stream one by one: a planner that guesses badly would read the
    whole feed to find one stream in it, or join events that the limit cuts off.
    """
    mine, feed, is_type = "", "log.feed f", ""
    if of_stream:
        feed = (
            "mine cross join lateral (select * from log.feed where position = mine.at offset 0) f"
        )
        mine = (
            "mine as materialized (select position as at from log.events "
            "where workspace_id = $1 and stream = $6),"
        )
    if of_type:
        is_type = f"and f.type = ${6 + of_stream}"
    return f"""
with {mine} places as materialized (
    select f.number, f.position from {feed}
     where f.workspace_id = $1 and f.number > $2 and f.number <= $3 {is_type}
     order by f.number limit $4),
found as (
    select {_EVENT}, octet_length(e.data::text) as bytes
      from places f join log.events e using (position)),
measured as (
    select *, sum(bytes) over (order by number) - bytes as bytes_before from found)
select * from measured where bytes_before < $5 order by number
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Page:
    """Events with their numbers. `next`: where to go on; `head`: the last number there is; `log`:
    the numbering they count in."""

    events: Sequence[tuple[int, Stored]]
    next: int
    head: int
    log: UUID


class Feed:
    """Reads the feed of one workspace at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, workspace: UUID, after: int, limit: int, stream: str | None, type_: str | None
    ) -> Page:
        """The next events after a number, fewer than `limit` if they would be too large."""
        statement = page_statement(of_stream=stream is not None, of_type=type_ is not None)
        chosen = [value for value in (stream, type_) if value is not None]
        async with self._database.connection(workspace) as connection:
            head = await connection.fetchrow(_HEAD, workspace)
            rows: Sequence[Any] = ()
            if after < head["head"]:
                rows = await connection.fetch(
                    statement, workspace, after, head["head"], limit, BYTES_MOST, *chosen
                )
        last = rows[-1] if rows else None
        cut = last is not None and (
            len(rows) == limit or last["bytes_before"] + last["bytes"] >= BYTES_MOST
        )
        reached = last["number"] if last is not None and cut else max(after, head["head"])
        return Page(_numbered(rows), reached, head["head"], head["log"])

    async def by_ids(self, workspace: UUID, ids: Sequence[UUID]) -> Page:
        """Those of these events that have been published."""
        async with self._database.connection(workspace) as connection:
            head = await connection.fetchrow(_HEAD, workspace)
            rows = await connection.fetch(_BY_ID, workspace, list(ids))
        reached = rows[-1]["number"] if rows else 0
        return Page(_numbered(rows), reached, head["head"], head["log"])


def _numbered(rows: Sequence[Any]) -> list[tuple[int, Stored]]:
    return [(row["number"], stored_row(row)) for row in rows]


class FeedNews:
    """Tells those who wait that a workspace's feed has grown, whichever process relays.

    One connection listens for all waiters of a process, from the first one on. While it is lost,
    all are woken to look for themselves.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @asynccontextmanager
    async def of(self, workspace: UUID) -> AsyncIterator[asyncio.Event]:
        """Set whenever there may be more. Clear it, look, wait for it, in this order."""
        news = asyncio.Event()
        self._waiting.setdefault(str(workspace), set()).add(news)
        try:
            yield news
        finally:
            waiting = self._waiting[str(workspace)]
            waiting.discard(news)
            if not waiting:
                del self._waiting[str(workspace)]

    async def listen(self) -> None:
        """Make sure that news arrive: before each look, so that none falls in between."""
        async with self._opening:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._database.dedicated("feed")
                self._connection.add_termination_listener(self._lost)
                await self._connection.add_listener(FEED_CHANNEL, self._told)

    def stop(self) -> None:
        """Listen no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _told(self, _connection: Connection, _pid: int, _channel: str, workspace: str) -> None:
        for news in self._waiting.get(workspace, ()):
            news.set()

    def _lost(self, connection: Connection) -> None:
        if connection is self._connection:
            self._connection = None
        for waiting in self._waiting.values():
            for news in waiting:
                news.set()
