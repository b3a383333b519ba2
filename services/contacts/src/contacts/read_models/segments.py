"""Which segments are there, what do they ask, and how many people are in each?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Text, Uuid, and_, func, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Add, Change, Projection, Put, read_table
from contacts.domain.membership import (
    MEMBERSHIP_EVENTS,
    MembershipEvent,
    MembershipsErased,
    SegmentEntered,
    SegmentLeft,
)
from contacts.domain.segment import (
    SEGMENT_EVENTS,
    SegmentAdded,
    SegmentArchived,
    SegmentConditionChanged,
    SegmentDescribed,
    SegmentEvent,
    SegmentRenamed,
    SegmentRestored,
)
from contacts.domain.words import folded

SEGMENTS = read_table(
    "segments",
    Column("segment_id", Uuid),
    Column("version", BigInteger),
    Column("name", Text),
    Column("sort_name", Text(collation="C")),
    Column("kind", Text),
    Column("description", Text),
    Column("condition", JSONB),
    Column("frozen_from", Uuid),
    Column("archived", Boolean),
    Column("created_at", DateTime(timezone=True)),
    Column("changed_at", DateTime(timezone=True)),
    Column("asked_at", DateTime(timezone=True)),
    Index("segments_by_name", "workspace_id", "archived", "sort_name", "segment_id"),
    key=("segment_id",),
)
SEGMENT_SIZES = read_table(
    "segment_sizes",
    Column("segment_id", Uuid),
    *(
        Column(name, BigInteger, nullable=False, server_default="0")
        for name in ("members", "entered", "left")
    ),
    key=("segment_id",),
)


def project(recorded: Recorded[SegmentEvent | MembershipEvent]) -> Iterable[Change]:
    """What an event changes of a segment's row, or of how many people are in it."""
    event = recorded.event
    match event:
        case SegmentEntered():
            yield Add(SEGMENT_SIZES, (event.segment_id,), {"members": 1, "entered": 1})
        case SegmentLeft():
            yield Add(SEGMENT_SIZES, (event.segment_id,), {"members": -1, "left": 1})
        case MembershipsErased():
            for segment_id in event.segment_ids:
                yield Add(SEGMENT_SIZES, (segment_id,), {"members": -1, "left": 1})
        case _:
            columns = {"version": recorded.version, "changed_at": event.occurred_at}
            yield Put(SEGMENTS, (event.segment_id,), {**columns, **_columns(event)})


def _columns(event: SegmentEvent) -> dict[str, Any]:
    match event:
        case SegmentAdded():
            return {
                **_name(event.name),
                "kind": event.kind,
                "description": event.description,
                "condition": event.condition,
                "frozen_from": event.frozen_from,
                "archived": False,
                "created_at": event.occurred_at,
                "asked_at": event.occurred_at if event.condition or event.frozen_from else None,
            }
        case SegmentRenamed():
            return _name(event.name)
        case SegmentDescribed():
            return {"description": event.description}
        case SegmentConditionChanged():
            return {"condition": event.condition, "asked_at": event.occurred_at}
        case SegmentArchived():
            return {"archived": True}
        case SegmentRestored():
            return {"archived": False, "asked_at": event.occurred_at}


def _name(name: str) -> dict[str, Any]:
    return {"name": name, "sort_name": folded(name)}


SEGMENTS_PROJECTION = Projection(
    "segments",
    1,
    (*SEGMENT_EVENTS, *MEMBERSHIP_EVENTS),
    (SEGMENTS, SEGMENT_SIZES),
    project,
    shared=(SEGMENT_SIZES,),
)

# --- fetching

_S, _N = SEGMENTS.c, SEGMENT_SIZES.c
_COUNTED = SEGMENTS.outerjoin(
    SEGMENT_SIZES, and_(_N.workspace_id == _S.workspace_id, _N.segment_id == _S.segment_id)
)
_SHOWN = select(SEGMENTS, func.coalesce(_N.members, 0).label("members")).select_from(_COUNTED)


@dataclass(frozen=True, slots=True)
class SegmentsWanted:
    """Which segments, from where on."""

    workspace: UUID
    archived: bool = False
    limit: int = 50
    cursor: str | None = None


async def fetch_segments(
    connection: Connection, wanted: SegmentsWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of segments by name, and the cursor of the next page."""
    order = [_S.sort_name, _S.segment_id]
    statement = (
        _SHOWN.where(_S.workspace_id == wanted.workspace, _S.archived.is_(wanted.archived))
        .order_by(*order)
        .limit(wanted.limit + 1)
    )
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [str, UUID])
        statement = statement.where(after(order, place, descending=False))
    rows = await fetch(connection, statement)
    kept, following = page(rows, wanted.limit, lambda row: [row["sort_name"], row["segment_id"]])
    return [shown(row) for row in kept], following


async def fetch_segment(
    connection: Connection, workspace: UUID, segment_id: UUID
) -> dict[str, Any] | None:
    """One segment."""
    statement = _SHOWN.where(_S.workspace_id == workspace, _S.segment_id == segment_id)
    row = await fetch_one(connection, statement)
    return shown(row) if row else None


async def fetch_all_segments(connection: Connection, workspace: UUID) -> list[dict[str, Any]]:
    """All segments that are in use."""
    statement = _SHOWN.where(_S.workspace_id == workspace, _S.archived.is_(False))
    return [shown(row) for row in await fetch(connection, statement.order_by(_S.sort_name))]


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A segment as it is shown."""
    return {
        "id": row["segment_id"],
        "version": row["version"],
        "name": row["name"],
        "description": row["description"],
        "kind": row["kind"],
        "condition": row["condition"],
        "frozen_from": row["frozen_from"],
        "archived": row["archived"],
        "members": row["members"],
        "created_at": row["created_at"],
        "changed_at": row["changed_at"],
        "asked_at": row["asked_at"],
    }
