"""Who is and was in a segment, by name: of the people whom somebody sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, literal, select, union_all

from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch, fetch_value
from contacts.read_models.known_users import visible
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.segment_members import STAYS, stay_covers

_T, _P = STAYS.c, PEOPLE.c
_NAMED = (_T.person_id, _P.first_name, _P.last_name, _P.email, _P.phone)


@dataclass(frozen=True, slots=True)
class MembersWanted:
    """Whose members, as of when (None: now), from where on. `owners`: as in PeopleWanted."""

    workspace: UUID
    segment_id: UUID
    owners: frozenset[UUID] | None = None
    as_of: datetime | None = None
    limit: int = 50
    cursor: str | None = None


def _with_people(workspace: UUID, owners: frozenset[UUID] | None, of: Select[Any]) -> Select[Any]:
    known = and_(_P.workspace_id == workspace, _P.person_id == _T.person_id)
    return of.select_from(STAYS.join(PEOPLE, known)).where(*visible(_P.owner_id, owners))


def wanted_members(wanted: MembersWanted) -> Select[Any]:
    """A page of the members and one more."""
    chosen = select(*_NAMED, _T.entered_at).where(
        _T.workspace_id == wanted.workspace,
        _T.segment_id == wanted.segment_id,
        stay_covers(wanted.as_of),
    )
    statement = _with_people(wanted.workspace, wanted.owners, chosen).order_by(_T.person_id)
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [UUID])
        statement = statement.where(after([_T.person_id], place, descending=False))
    return statement.limit(wanted.limit + 1)


async def fetch_members(
    connection: Connection, wanted: MembersWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the members, and the cursor of the next page."""
    rows = await fetch(connection, wanted_members(wanted))
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


def wanted_moves(wanted: MembersWanted) -> Select[Any]:
    """A page of who came and who went, and one more: the latest of either, together."""
    halves = []
    for move, at, cause in (
        ("entered", _T.entered_at, _T.came_by),
        ("left", _T.left_at, _T.went_by),
    ):
        half = select(*_NAMED, at.label("at"), literal(move).label("move"), cause.label("cause"))
        half = half.where(_T.workspace_id == wanted.workspace, _T.segment_id == wanted.segment_id)
        half = _with_people(wanted.workspace, wanted.owners, half.where(at.is_not(None)))
        if wanted.cursor:
            then, person_id, last = decode_cursor(wanted.cursor, [datetime, UUID, str])
            place, itself = (at, _T.person_id), move < last
            half = half.where(after(place, [then, person_id], descending=True, itself=itself))
        half = half.order_by(at.desc(), _T.person_id.desc()).limit(wanted.limit + 1)
        halves.append(select(half.subquery()))
    moves = union_all(*halves).subquery()
    order = (moves.c.at, moves.c.person_id, moves.c.move)
    return select(moves).order_by(*(each.desc() for each in order)).limit(wanted.limit + 1)


async def fetch_moves(
    connection: Connection, wanted: MembersWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """Who came and who went, the latest first, and the cursor of the next page."""
    rows = await fetch(connection, wanted_moves(wanted))
    kept, following = page(rows, wanted.limit, lambda r: [r["at"], r["person_id"], r["move"]])
    told = ("at", "move", "cause")
    return [{**_person(row), **{name: row[name] for name in told}} for row in kept], following


def _person(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["person_id"], "name": full_name(row), "email": row["email"]}
