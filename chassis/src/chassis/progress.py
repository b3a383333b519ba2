"""How far the read models are, for those who wait: read-your-writes, and live pages.

A write answers with a token `<stream>@<version>`; a read that brings it back waits, bounded, until
the live lane has passed that version. Projectors of the same process wake the waiters at once;
those of another process are noticed by a short poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

from chassis.events import category_of
from chassis.lane import LIVE
from chassis.postgres.database import Database

_POLL_S = 0.02
_SEEN = """
select stream, version from road.guards
 where lane = $1 and workspace_id = $2 and stream = any($3)
"""


class Progress:
    """Shared by the projector and the API of a process."""

    def __init__(self, database: Database, categories: frozenset[str]) -> None:
        self._database = database
        self._categories = categories
        self._moved = asyncio.Event()
        self._listeners: set[asyncio.Queue[tuple[frozenset[UUID], tuple[str, ...]]]] = set()

    def committed(self, guards: Mapping[tuple[UUID, str], int], changed: Sequence[str]) -> None:
        """The projector made this much final (chassis.projector.Committed)."""
        self._moved.set()
        self._moved = asyncio.Event()
        if self._listeners and changed:
            workspaces = frozenset(workspace for workspace, _ in guards)
            for queue in self._listeners:
                if not queue.full():
                    queue.put_nowait((workspaces, tuple(changed)))

    async def wait(self, workspace: UUID, tokens: str, *, timeout_s: float) -> bool:
        """Wait until every token is projected here; False if the time ran out.

        Streams of which this service reads nothing are not waited for; neither is what is no token.
        """
        wanted = self._wanted(tokens)
        if not wanted:
            return True
        clock = asyncio.get_running_loop().time
        end = clock() + timeout_s
        while True:
            moved = self._moved
            # Never cut off in the middle: a statement that is cancelled takes its connection along.
            if await self._reached(workspace, wanted):
                return True
            if (left := end - clock()) <= 0:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, _POLL_S)):
                    await moved.wait()

    def _wanted(self, tokens: str) -> dict[str, int]:
        wanted: dict[str, int] = {}
        for token in tokens.split(","):
            stream, _, version = token.strip().rpartition("@")
            if stream and version.isdigit() and category_of(stream) in self._categories:
                wanted[stream] = max(int(version), wanted.get(stream, 0))
        return wanted

    async def _reached(self, workspace: UUID, wanted: Mapping[str, int]) -> bool:
        async with self._database.connection(workspace) as connection:
            rows = await connection.fetch(_SEEN, LIVE, workspace, list(wanted))
        seen = {row["stream"]: row["version"] for row in rows}
        return all(seen.get(stream, 0) >= version for stream, version in wanted.items())

    @contextmanager
    def listen(self) -> Iterator[asyncio.Queue[tuple[frozenset[UUID], tuple[str, ...]]]]:
        """Changes as they are committed by this process: (workspaces, read models)."""
        queue: asyncio.Queue[tuple[frozenset[UUID], tuple[str, ...]]] = asyncio.Queue(100)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    async def changes(self, workspace: UUID) -> AsyncIterator[tuple[str, ...]]:
        """Which read models changed for a workspace, for as long as somebody listens."""
        with self.listen() as queue:
            while True:
                workspaces, names = await queue.get()
                if workspace in workspaces:
                    yield names
