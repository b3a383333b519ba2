"""Who signed in or failed to, who may act by token, who set which password: the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, Integer, Text, Uuid, select

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch
from chassis.projection import Change, Projection, Put, read_table
from identity.domain.user_events import (
    ApiTokenMade,
    ApiTokenRevoked,
    PasswordSet,
    SignInFailed,
    SignInLocked,
    UserDeactivated,
    UserEvent,
    UserReactivated,
    UserRoleChanged,
    UserSignedIn,
    UserSignedOut,
)

SIGN_INS = read_table(
    "sign_ins",
    Column("user_id", Uuid),
    Column("version", Integer),
    Column("at", DateTime(timezone=True)),
    Column("what", Text),
    Column("actor", Text),
    Column("address", Text),
    Column("agent", Text),
    Column("detail", Text),
    Index("sign_ins_by_time", "workspace_id", "at", "user_id", "version"),
    Index("sign_ins_by_user", "workspace_id", "user_id", "at", "version"),
    key=("user_id", "version"),
)

EVENTS = (
    UserSignedIn,
    UserSignedOut,
    SignInFailed,
    SignInLocked,
    PasswordSet,
    ApiTokenMade,
    ApiTokenRevoked,
    UserRoleChanged,
    UserDeactivated,
    UserReactivated,
)
KINDS = {
    UserSignedIn: "signed-in",
    UserSignedOut: "signed-out",
    SignInFailed: "failed",
    SignInLocked: "locked",
    PasswordSet: "password-set",
    ApiTokenMade: "token-made",
    ApiTokenRevoked: "token-revoked",
    UserRoleChanged: "role-changed",
    UserDeactivated: "deactivated",
    UserReactivated: "reactivated",
}


def project(recorded: Recorded[UserEvent]) -> Iterable[Change]:
    """One row per happening."""
    event = recorded.event
    columns: dict[str, Any] = {
        "at": event.occurred_at,
        "what": KINDS[type(event)],
        "actor": recorded.actor,
        "address": None,
        "agent": None,
        "detail": _detail(event),
    }
    if isinstance(event, UserSignedIn | SignInFailed):
        columns |= {"address": event.address, "agent": event.agent}
    yield Put(SIGN_INS, (event.user_id, recorded.version), columns)


def _detail(event: UserEvent) -> str | None:
    match event:
        case SignInLocked():
            return f"until {event.until:%Y-%m-%d %H:%M:%S} UTC"
        case ApiTokenMade():
            return f"{event.name}: {', '.join(event.scopes)}"
        case UserRoleChanged():
            return event.role
        case _:
            return None


AUDIT = Projection("sign_ins", 1, EVENTS, (SIGN_INS,), project)


async def fetch_sign_ins(
    connection: Connection,
    workspace: UUID,
    *,
    user_id: UUID | None,
    what: str | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Record], str | None]:
    """The latest first."""
    order = [SIGN_INS.c.at, SIGN_INS.c.user_id, SIGN_INS.c.version]
    statement = select(SIGN_INS).where(SIGN_INS.c.workspace_id == workspace)
    if user_id is not None:
        statement = statement.where(SIGN_INS.c.user_id == user_id)
    if what is not None:
        statement = statement.where(SIGN_INS.c.what == what)
    if cursor is not None:
        place = decode_cursor(cursor, [datetime, UUID, int])
        statement = statement.where(after(order, place, descending=True))
    statement = statement.order_by(*(column.desc() for column in order)).limit(limit + 1)
    rows = await fetch(connection, statement)
    position = ("at", "user_id", "version")
    items, following = page(rows, limit, lambda row: [row[name] for name in position])
    return list(items), following
