"""Who is this user? Names of those who work here, and look after people and companies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Index, Text, Uuid, or_, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Change, Projection, Put, read_table
from contacts.domain.words import folded
from contacts.received import UserAdded, UserRenamed

KNOWN_USERS = read_table(
    "known_users",
    Column("user_id", Uuid),
    Column("name", Text),
    Column("folded", Text(collation="C")),
    Index("known_users_by_name", "workspace_id", "folded"),
    key=("user_id",),
)


def project(recorded: Recorded[UserAdded | UserRenamed]) -> Iterable[Change]:
    """A user goes by this name now."""
    user = recorded.event
    yield Put(KNOWN_USERS, (user.user_id,), {"name": user.name, "folded": folded(user.name)})


KNOWN_USERS_PROJECTION = Projection(
    "known_users", 1, (UserAdded, UserRenamed), (KNOWN_USERS,), project
)


def visible(owner: ColumnElement[Any], owners: frozenset[UUID] | None) -> list[ColumnElement[bool]]:
    """The records of these owners, and of nobody, are seen; None: all."""
    return [] if owners is None else [or_(owner.is_(None), any_of(owner, sorted(owners)))]


def may_see(owner_id: UUID | None, owners: frozenset[UUID] | None) -> bool:
    """Whether a record of this owner is seen: `visible`, for a record at hand."""
    return owners is None or owner_id is None or owner_id in owners


async def fetch_user_names(
    connection: Connection, workspace: UUID, users: Iterable[UUID]
) -> dict[UUID, str]:
    """The names of these users, as far as they are known."""
    wanted = list(set(users))
    if not wanted:
        return {}
    t = KNOWN_USERS.c
    statement = select(t.user_id, t.name).where(
        t.workspace_id == workspace, any_of(t.user_id, wanted)
    )
    return {row["user_id"]: row["name"] for row in await fetch(connection, statement)}


async def fetch_users_called(
    connection: Connection, workspace: UUID, names: Iterable[str]
) -> dict[str, UUID]:
    """Users by folded name; of two with one name the one who came first."""
    t = KNOWN_USERS.c
    statement = (
        select(t.user_id, t.folded)
        .where(t.workspace_id == workspace, any_of(t.folded, list(set(names))))
        .order_by(t.user_id.desc())
    )
    return {row["folded"]: row["user_id"] for row in await fetch(connection, statement)}
