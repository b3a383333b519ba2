"""What is this workspace called, which currency and which time zone does it use?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Integer, Text, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch_one
from chassis.projection import Change, Projection, Put, read_table
from identity.domain.workspace import (
    EVENTS,
    TimeZoneChosen,
    WorkspaceEvent,
    WorkspaceOpened,
    WorkspaceRenamed,
)

WORKSPACES = read_table(
    "workspaces",
    Column("id", Uuid),
    Column("name", Text),
    Column("currency", Text),
    Column("time_zone", Text),
    Column("opened_at", DateTime(timezone=True)),
    Column("version", Integer),
    key=("id",),
)


def project(recorded: Recorded[WorkspaceEvent]) -> Iterable[Change]:
    """One row."""
    columns: dict[str, Any] = {"version": recorded.version}
    match recorded.event:
        case WorkspaceOpened() as e:
            columns |= {
                "name": e.name,
                "currency": e.currency,
                "time_zone": e.time_zone,
                "opened_at": e.occurred_at,
            }
        case WorkspaceRenamed() as e:
            columns["name"] = e.name
        case TimeZoneChosen() as e:
            columns["time_zone"] = e.time_zone
    yield Put(WORKSPACES, (recorded.event.workspace_id,), columns)


WORKSPACE_SETTINGS = Projection("workspace_settings", 1, EVENTS, (WORKSPACES,), project)


async def fetch_workspace(connection: Connection, workspace: UUID) -> Record | None:
    """The workspace."""
    one = (WORKSPACES.c.workspace_id == workspace, WORKSPACES.c.id == workspace)
    return await fetch_one(connection, select(WORKSPACES).where(*one))
