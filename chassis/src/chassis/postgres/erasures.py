"""What the log can testify of persons who were erased: their events stand, their keys are gone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from chassis.errors import Tampered
from chassis.postgres.database import Connection, Record

_EVENTS = """
select e.stream, e.version, e.id, e.type, e.actor, e.occurred_at, e.recorded_at, e.key_id, e.hash,
       k.key_id is not null as opens
  from log.events e left join log.subject_keys k
    on k.workspace_id = e.workspace_id and k.key_id = e.key_id
 where e.workspace_id = $1 and e.stream = any($2) order by e.stream, e.version
"""
_WAITING = """
select count(*) from log.key_outbox where workspace_id = $1 and key_id = any($2)
"""


async def testimony(
    connection: Connection, workspace: UUID, streams: Sequence[str], erased: str
) -> dict[str, Any]:
    """What stands of these streams after an event of the type `erased`; without any of their data.

    Raises Tampered if a stream was not erased, or a key of it is there nevertheless.
    """
    rows = await connection.fetch(_EVENTS, workspace, list(streams))
    records = [
        _of_stream(stream, list(events), erased)
        for stream, events in groupby(rows, key=lambda row: row["stream"])
    ]
    if {record["stream"] for record in records} != set(streams):
        raise Tampered("A record that was erased is not in the log.")
    keys = [key for record in records for key in record["destroyed_keys"]]
    return {
        "records": records,
        "told_to_others": not await connection.fetchval(_WAITING, workspace, keys),
    }


def _of_stream(stream: str, events: Sequence[Record], erased: str) -> dict[str, Any]:
    ends = [event for event in events if event["type"] == erased]
    if not ends or any(event["opens"] for event in events):
        raise Tampered(f"{stream} is not erased: a key that opens its events is still there.")
    last = ends[-1]
    return {
        "stream": stream,
        "erasure": {
            "event_id": last["id"],
            "version": last["version"],
            "occurred_at": last["occurred_at"],
            "recorded_at": last["recorded_at"],
            "actor": last["actor"],
            "hash": last["hash"].hex(),
        },
        "events": len(events),
        "unreadable_events": sum(event["key_id"] is not None for event in events),
        "destroyed_keys": sorted({event["key_id"] for event in events} - {None}),
    }
