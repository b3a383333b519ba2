"""Which currency does a workspace have?"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Column, Table, Text, select

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch_one
from chassis.projection import Change, Projection, Put, read_table
from contacts.received import WorkspaceOpened

KNOWN_WORKSPACES: Table = read_table("known_workspaces", Column("currency", Text), key=())


def project(recorded: Recorded[WorkspaceOpened]) -> Iterable[Change]:
    """One row per workspace."""
    yield Put(KNOWN_WORKSPACES, (), {"currency": recorded.event.currency})


KNOWN_WORKSPACES_PROJECTION = Projection(
    "known_workspaces", 1, (WorkspaceOpened,), (KNOWN_WORKSPACES,), project
)


async def fetch_currency(connection: Connection, workspace: UUID) -> str:
    """Euros for a workspace nothing is known about yet."""
    known = KNOWN_WORKSPACES.c
    statement = select(known.currency).where(known.workspace_id == workspace)
    row = await fetch_one(connection, statement)
    return row["currency"] if row is not None else "EUR"
