"""Who is in this segment, who was when, and who came and went?

A row is a stay: of one person in one segment, from one entering to the leaving after it. Who was in
at a moment are those whose stay covers it. With names they are fetched by `segmenting/members.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Exists,
    Index,
    Text,
    Uuid,
    and_,
    exists,
    or_,
    select,
    text,
)

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.membership import (
    MEMBERSHIP_EVENTS,
    MembershipEvent,
    MembershipsErased,
    SegmentEntered,
    SegmentLeft,
)
from contacts.read_models.search import few, found_for_row

STAYS = read_table(
    "segment_stays",
    Column("person_id", Uuid),
    Column("segment_id", Uuid),
    Column("entered_at", DateTime(timezone=True)),
    Column("left_at", DateTime(timezone=True)),
    Column("came_by", Text),
    Column("went_by", Text),
    Index(
        "segment_stays_now",
        "workspace_id",
        "segment_id",
        "person_id",
        postgresql_where=text("left_at is null"),
    ),
    Index("segment_stays_entered", "workspace_id", "segment_id", "entered_at", "person_id"),
    Index("segment_stays_left", "workspace_id", "segment_id", "left_at", "person_id"),
    key=("person_id", "segment_id", "entered_at"),
)


def project(recorded: Recorded[MembershipEvent]) -> Iterable[Change]:
    """A stay begins or ends. Nothing stays of whoever was erased."""
    match recorded.event:
        case SegmentEntered() as e:
            key = (e.person_id, e.segment_id, e.occurred_at)
            yield Put(STAYS, key, {"left_at": None, "came_by": e.cause})
        case SegmentLeft() as e:
            key = (e.person_id, e.segment_id, e.entered_at)
            yield Put(STAYS, key, {"left_at": e.occurred_at, "went_by": e.cause})
        case MembershipsErased() as e:
            yield Remove(STAYS, (e.person_id,))


SEGMENT_MEMBERS_PROJECTION = Projection("segment_members", 1, MEMBERSHIP_EVENTS, (STAYS,), project)

# --- fetching

_T = STAYS.c


def stay_covers(as_of: datetime | None) -> ColumnElement[bool]:
    """A stay lasts at a moment; None: now."""
    if as_of is None:
        return _T.left_at.is_(None)
    return and_(_T.entered_at <= as_of, or_(_T.left_at.is_(None), _T.left_at > as_of))


def is_member(workspace: UUID, segment_id: UUID, person: ColumnElement[UUID]) -> Exists:
    """A condition: this person is in the segment now."""
    return exists().where(
        _T.workspace_id == workspace,
        _T.segment_id == segment_id,
        _T.person_id == person,
        stay_covers(None),
    )


async def fetch_members_among(
    connection: Connection, workspace: UUID, segment_id: UUID, people: Sequence[UUID]
) -> set[UUID]:
    """Those of these people who are in the segment now."""
    statement = select(_T.person_id).where(
        _T.workspace_id == workspace,
        _T.segment_id == segment_id,
        any_of(_T.person_id, people),
        stay_covers(None),
    )
    return {row["person_id"] for row in await fetch(connection, statement)}


async def narrowed_to(
    connection: Connection,
    workspace: UUID,
    segment_id: UUID,
    person: ColumnElement[UUID],
    as_of: datetime | None = None,
) -> ColumnElement[bool]:
    """The condition that a person is, or was, in the segment: few are listed, many are asked row by
    row."""
    members = select(_T.person_id).where(
        _T.workspace_id == workspace, _T.segment_id == segment_id, stay_covers(as_of)
    )
    listed = await few(connection, members)
    if listed is None:
        return found_for_row(members.where(_T.person_id == person))
    return any_of(person, listed)


async def fetch_stays_of(
    connection: Connection, workspace: UUID, person_id: UUID
) -> dict[UUID, datetime]:
    """The segments a person is in, and since when."""
    statement = select(_T.segment_id, _T.entered_at).where(
        _T.workspace_id == workspace, _T.person_id == person_id, _T.left_at.is_(None)
    )
    return {row["segment_id"]: row["entered_at"] for row in await fetch(connection, statement)}


async def fetch_some_members(
    connection: Connection,
    workspace: UUID,
    segment_id: UUID,
    as_of: datetime,
    after_id: UUID,
    most: int,
) -> Sequence[UUID]:
    """Members at a moment by id, for copying them in chunks."""
    statement = (
        select(_T.person_id)
        .where(
            _T.workspace_id == workspace,
            _T.segment_id == segment_id,
            _T.person_id > after_id,
            stay_covers(as_of),
        )
        .order_by(_T.person_id)
        .limit(most)
    )
    return [row["person_id"] for row in await fetch(connection, statement)]
