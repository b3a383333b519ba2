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


def _person(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row["person_id"], "name": full_name(row), "email": row["email"]}
