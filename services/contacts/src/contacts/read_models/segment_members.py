"""Who is in this segment, who was when, and who came and went?

A row is a stay: of one person in one segment, from one entering to the leaving after it. Who was in
at a moment are those whose stay covers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Index,
    Select,
    Text,
    Uuid,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch, fetch_value
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.membership import (
    MEMBERSHIP_EVENTS,
    MembershipEvent,
    MembershipsErased,
    SegmentEntered,
    SegmentLeft,
)
from contacts.read_models.known_users import visible
from contacts.read_models.people import PEOPLE, full_name

STAYS = read_table(
    "segment_stays",
    Column("person_id", Uuid),
    Column("segment_id", Uuid),
    Column("entered_at", DateTime(timezone=True)),
    Column("left_at", DateTime(timezone=True)),
    Column("came_by", Text),
    Column("went_by", Text),
    Index("segment_stays_members", "workspace_id", "segment_id", "left_at", "person_id"),
    Index("segment_stays_entered", "workspace_id", "segment_id", "entered_at", "person_id"),
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

_T, _P = STAYS.c, PEOPLE.c


@dataclass(frozen=True, slots=True)
class MembersWanted:
    """Whose members, as of when (None: now), from where on. `owners`: as in PeopleWanted."""

    workspace: UUID
    segment_id: UUID
    owners: frozenset[UUID] | None = None
    as_of: datetime | None = None
    limit: int = 50
    cursor: str | None = None


def is_member(workspace: UUID, segment_id: UUID, person: ColumnElement[UUID]) -> Any:
    """A condition: this person is in the segment now."""
    return exists().where(
        _T.workspace_id == workspace,
        _T.segment_id == segment_id,
        _T.person_id == person,
        _T.left_at.is_(None),
    )


def stay_covers(as_of: datetime | None) -> ColumnElement[bool]:
    """A stay lasts at a moment; None: now."""
    if as_of is None:
        return _T.left_at.is_(None)
    return and_(_T.entered_at <= as_of, or_(_T.left_at.is_(None), _T.left_at > as_of))


def _with_people(workspace: UUID, owners: frozenset[UUID] | None, of: Select[Any]) -> Select[Any]:
    known = and_(_P.workspace_id == workspace, _P.person_id == _T.person_id)
    return of.select_from(STAYS.join(PEOPLE, known)).where(*visible(_P.owner_id, owners))


async def fetch_members(
    connection: Connection, wanted: MembersWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the members, and the cursor of the next page."""
    order = [_T.person_id]
    chosen = select(
        _T.person_id, _T.entered_at, _T.came_by, _P.first_name, _P.last_name, _P.email, _P.phone
    ).where(
        _T.workspace_id == wanted.workspace,
        _T.segment_id == wanted.segment_id,
        stay_covers(wanted.as_of),
    )
    statement = _with_people(wanted.workspace, wanted.owners, chosen).order_by(*order)
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [UUID])
        statement = statement.where(after(order, place, descending=False))
    rows = await fetch(connection, statement.limit(wanted.limit + 1))
    kept, following = page(rows, wanted.limit, lambda row: [row["person_id"]])
    return [{**_person(row), "since": row["entered_at"]} for row in kept], following


async def fetch_member_count(connection: Connection, wanted: MembersWanted) -> int:
    """How many were in, of those whom the caller sees."""
    counted = select(func.count()).where(
        _T.workspace_id == wanted.workspace,
        _T.segment_id == wanted.segment_id,
        stay_covers(wanted.as_of),
    )
    statement = _with_people(wanted.workspace, wanted.owners, counted)
    return int(await fetch_value(connection, statement) or 0)


async def fetch_member_counts(
    connection: Connection, workspace: UUID, segments: Sequence[UUID], owners: frozenset[UUID]
) -> dict[UUID, int]:
    """How many people of these owners, and of nobody, are in each of these segments now."""
    counted = select(_T.segment_id, func.count().label("people")).where(
        _T.workspace_id == workspace, any_of(_T.segment_id, segments), stay_covers(None)
    )
    statement = _with_people(workspace, owners, counted)
    rows = await fetch(connection, statement.group_by(_T.segment_id))
    return {row["segment_id"]: row["people"] for row in rows}


async def fetch_moves(
    connection: Connection, wanted: MembersWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """Who came and who went, the latest first."""
    halves = []
    for what, at, cause in (
        ("entered", _T.entered_at, _T.came_by),
        ("left", _T.left_at, _T.went_by),
    ):
        half = select(
            at.label("at"), _T.person_id, literal(what).label("move"), cause.label("cause")
        ).where(_T.workspace_id == wanted.workspace, _T.segment_id == wanted.segment_id)
        halves.append(half.where(at.is_not(None)))
    moves = union_all(*halves).subquery()
    order = [moves.c.at, moves.c.person_id, moves.c.move]
    known = and_(_P.workspace_id == wanted.workspace, _P.person_id == moves.c.person_id)
    statement = (
        select(moves, _P.first_name, _P.last_name, _P.email, _P.phone)
        .join(PEOPLE, known)
        .where(*visible(_P.owner_id, wanted.owners))
        .order_by(*(column.desc() for column in order))
        .limit(wanted.limit + 1)
    )
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [datetime, UUID, str])
        statement = statement.where(after(order, place, descending=True))
    rows = await fetch(connection, statement)
    kept, following = page(rows, wanted.limit, lambda r: [r["at"], r["person_id"], r["move"]])
    told = ("at", "move", "cause")
    return [{**_person(row), **{name: row[name] for name in told}} for row in kept], following


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


def _person(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["person_id"], "name": full_name(row), "email": row["email"]}
