"""Which currency and which time zone does a workspace have?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Column, Table, Text, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch_one
from chassis.projection import Change, Projection, Put, read_table
from pipeline.received import WorkspaceOpened

KNOWN_WORKSPACES_TABLE: Table = read_table(
    "known_workspaces", Column("currency", Text), Column("time_zone", Text), key=()
)


def project(recorded: Recorded[WorkspaceOpened]) -> Iterable[Change]:
    """One row per workspace."""
    event = recorded.event
    yield Put(
        KNOWN_WORKSPACES_TABLE, (), {"currency": event.currency, "time_zone": event.time_zone}
    )


KNOWN_WORKSPACES = Projection(
    "known_workspaces", 1, (WorkspaceOpened,), (KNOWN_WORKSPACES_TABLE,), project
)


@dataclass(frozen=True, slots=True)
class Ways:
    """How a workspace counts money and days."""

    currency: str
    zone: tzinfo


async def fetch_ways(connection: Connection, workspace: UUID) -> Ways:
    """Euros and UTC for a workspace nothing is known about yet."""
    table = KNOWN_WORKSPACES_TABLE
    row = await fetch_one(connection, select(table).where(table.c.workspace_id == workspace))
    if row is None:
        return Ways("EUR", ZoneInfo("UTC"))
    try:
        return Ways(row["currency"], ZoneInfo(row["time_zone"]))
    except (ZoneInfoNotFoundError, ValueError):
        return Ways(row["currency"], ZoneInfo("UTC"))
