"""Opens workspaces, each with its administrator: both at once or neither."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.ids import new_id
from chassis.ports import Append, Context
from chassis.postgres.database import Connection
from chassis.postgres.event_log import PostgresEventLog
from chassis.telemetry import traceparent
from identity import access
from identity.domain.role import ADMINISTRATOR
from identity.domain.user import USER, AddUser
from identity.domain.workspace import WORKSPACE, OpenWorkspace


@dataclass(frozen=True, slots=True)
class Opening:
    """What a workspace begins with. `email_hash` and `password_hash`: how its administrator signs
    in."""

    workspace_id: UUID
    name: str
    currency: str
    time_zone: str
    user_id: UUID
    user_name: str
    email: str
    email_hash: bytes
    password_hash: str


async def open_workspace(log: PostgresEventLog, opening: Opening, at: datetime, actor: str) -> None:
    """Open it. Raises StaleVersion if a workspace with this id is open already."""
    workspace = opening.workspace_id
    opened = WORKSPACE.decide(
        OpenWorkspace(workspace, opening.name, opening.currency, opening.time_zone, at), None
    )
    added = USER.decide(add_administrator(opening, at), None)
    appends: list[Append] = [
        WORKSPACE.append_of(workspace, opened, 0),
        USER.append_of(opening.user_id, added, 0),
    ]

    async def within(connection: Connection) -> None:
        await keep_credentials(connection, opening, at)

    context = Context(workspace, actor, new_id(), traceparent=traceparent())
    await log.append_many(context, appends, within=within)


def add_administrator(opening: Opening, at: datetime) -> AddUser:
    """The command that adds a workspace's first administrator."""
    return AddUser(
        opening.user_id,
        opening.user_name,
        opening.email,
        ADMINISTRATOR.name,
        None,
        at,
        password_set_by=opening.user_id,
    )


async def keep_credentials(connection: Connection, opening: Opening, at: datetime) -> None:
    """The administrator can sign in."""
    await access.set_credentials(
        connection,
        opening.workspace_id,
        opening.user_id,
        email=opening.email_hash,
        password_hash=opening.password_hash,
        now=at,
    )
