"""Who belongs to the workspace, in which role, on which team?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, Select, Text, Uuid, and_, select

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Change, Projection, Put, read_table
from identity.domain.email import folded
from identity.domain.user_events import (
    PasswordSet,
    UserAdded,
    UserDeactivated,
    UserEmailChanged,
    UserEvent,
    UserJoinedTeam,
    UserReactivated,
    UserRenamed,
    UserRoleChanged,
)
from identity.read_models.teams import TEAMS

USERS = read_table(
    "users",
    Column("user_id", Uuid),
    Column("name", Text),
    Column("name_folded", Text),
    Column("email", Text),
    Column("role", Text),
    Column("team_id", Uuid),
    Column("active", Boolean),
    Column("external_id", Text),
    Column("added_at", DateTime(timezone=True)),
    Column("version", Integer),
    Index("users_by_name", "workspace_id", "name_folded", "user_id"),
    Index("users_by_team", "workspace_id", "team_id"),
    Index("users_by_email", "workspace_id", "email"),
    Index("users_by_external_id", "workspace_id", "external_id"),
    key=("user_id",),
)

EVENTS = (
    UserAdded,
    UserRenamed,
    UserEmailChanged,
    UserRoleChanged,
    UserJoinedTeam,
    UserDeactivated,
    UserReactivated,
    PasswordSet,
)


def project(recorded: Recorded[UserEvent]) -> Iterable[Change]:
    """One row per user."""
    columns = {**_columns(recorded.event), "version": recorded.version}
    yield Put(USERS, (recorded.event.user_id,), columns)


def _columns(event: UserEvent) -> dict[str, Any]:
    match event:
        case UserAdded():
            return {
                "name": event.name,
                "name_folded": folded(event.name),
                "email": event.email,
                "role": event.role,
                "team_id": event.team_id,
                "active": True,
                "external_id": event.external_id,
                "added_at": event.occurred_at,
            }
        case UserRenamed():
            return {"name": event.name, "name_folded": folded(event.name)}
        case UserEmailChanged():
            return {"email": event.email}
        case UserRoleChanged():
            return {"role": event.role}
        case UserJoinedTeam():
            return {"team_id": event.team_id}
        case UserDeactivated():
            return {"active": False}
        case UserReactivated():
            return {"active": True}
        case _:
            return {}


USERS_LIST = Projection("users", 1, EVENTS, (USERS,), project)


def _with_team(workspace: UUID) -> Select[Any]:
    team = and_(TEAMS.c.workspace_id == USERS.c.workspace_id, TEAMS.c.team_id == USERS.c.team_id)
    return (
        select(USERS, TEAMS.c.name.label("team_name"), TEAMS.c.region.label("team_region"))
        .select_from(USERS.outerjoin(TEAMS, team))
        .where(USERS.c.workspace_id == workspace)
    )


async def fetch_user(connection: Connection, workspace: UUID, user_id: UUID) -> Record | None:
    """One user, with the team."""
    return await fetch_one(connection, _with_team(workspace).where(USERS.c.user_id == user_id))


async def fetch_users(
    connection: Connection,
    workspace: UUID,
    *,
    q: str | None,
    team_id: UUID | None,
    active: bool | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Record], str | None]:
    """Users by name. `q`: what a word of the name begins with."""
    statement = _with_team(workspace).order_by(USERS.c.name_folded, USERS.c.user_id)
    if q and folded(q):
        begin = folded(q)
        first = USERS.c.name_folded.startswith(begin, autoescape=True)
        statement = statement.where(
            first | USERS.c.name_folded.contains(f" {begin}", autoescape=True)
        )
    if team_id is not None:
        statement = statement.where(USERS.c.team_id == team_id)
    if active is not None:
        statement = statement.where(USERS.c.active == active)
    if cursor is not None:
        place = decode_cursor(cursor, [str, UUID])
        statement = statement.where(
            after([USERS.c.name_folded, USERS.c.user_id], place, descending=False)
        )
    rows = await fetch(connection, statement.limit(limit + 1))
    items, following = page(rows, limit, lambda row: [row["name_folded"], row["user_id"]])
    return list(items), following


async def find_users(
    connection: Connection, workspace: UUID, *, emails: list[str], names: list[str], ids: list[str]
) -> list[Record]:
    """Users with one of these addresses, names (folded) or ids elsewhere."""
    matching = (
        USERS.c.email.in_(emails) | USERS.c.name_folded.in_(names) | USERS.c.external_id.in_(ids)
    )
    return await fetch(connection, select(USERS).where(USERS.c.workspace_id == workspace, matching))
