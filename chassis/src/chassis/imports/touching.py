"""Which records an import wrote to: the rows of taking it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from chassis.imports.model import ImportRow
from chassis.postgres.database import Connection, Record

STREAM = "stream"
_SLACK_MS = 600_000
# Ids of events grow with time (UUIDv7): the index on them finds those of the time of the import.
_TOUCHED = """
select stream from log.events
 where workspace_id = $1 and correlation_id = $2 and id between $3 and $4
 group by stream order by min(position)
"""


async def touched(connection: Connection, workspace: UUID, job: Record) -> list[str]:
    """The streams that an import (`job`) wrote to, in the order in which it did."""
    began = int(job["asked_at"].timestamp() * 1000) - _SLACK_MS
    ended = int(job["finished_at"].timestamp() * 1000) + _SLACK_MS
    first, last = UUID(int=began << 80), UUID(int=((ended + 1) << 80) - 1)
    rows = await connection.fetch(_TOUCHED, workspace, job["id"], first, last)
    return [row["stream"] for row in rows]


def rows_of(streams: Sequence[str]) -> Iterator[ImportRow]:
    """The rows of an undoing."""
    return (ImportRow(number, {STREAM: stream}) for number, stream in enumerate(streams, 1))
