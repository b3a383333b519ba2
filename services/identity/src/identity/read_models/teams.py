"""Which teams are there, and where?"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Text, Uuid, select

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Change, Projection, Put, read_table
from identity.domain.email import folded
from identity.domain.team import EVENTS, TeamEvent, TeamFormed

TEAMS = read_table(
    "teams",
    Column("team_id", Uuid),
    Column("name", Text),
    Column("name_folded", Text),
    Column("region", Text),
    Column("external_id", Text),
    Column("version", Integer),
    Index("teams_by_name", "workspace_id", "name_folded", "team_id"),
    key=("team_id",),
)


def project(recorded: Recorded[TeamEvent]) -> Iterable[Change]:
    """One row per team."""
    event = recorded.event
    columns = {
        "name": event.name,
        "name_folded": folded(event.name),
        "region": event.region,
        "version": recorded.version,
    }
    if isinstance(event, TeamFormed):
        columns["external_id"] = event.external_id
    yield Put(TEAMS, (event.team_id,), columns)


TEAMS_LIST = Projection("teams", 1, EVENTS, (TEAMS,), project)


async def fetch_teams(
    connection: Connection, workspace: UUID, *, limit: int, cursor: str | None
) -> tuple[list[Record], str | None]:
    """Teams by name."""
    statement = select(TEAMS).where(TEAMS.c.workspace_id == workspace)
    if cursor is not None:
        place = decode_cursor(cursor, [str, UUID])
        columns = [TEAMS.c.name_folded, TEAMS.c.team_id]
        statement = statement.where(after(columns, place, descending=False))
    statement = statement.order_by(TEAMS.c.name_folded, TEAMS.c.team_id).limit(limit + 1)
    rows = await fetch(connection, statement)
    items, following = page(rows, limit, lambda row: [row["name_folded"], row["team_id"]])
    return list(items), following


async def fetch_team(connection: Connection, workspace: UUID, team_id: UUID) -> Record | None:
    """One team."""
    mine = TEAMS.c.workspace_id == workspace
    return await fetch_one(connection, select(TEAMS).where(mine, TEAMS.c.team_id == team_id))


async def find_teams(connection: Connection, workspace: UUID, names: list[str]) -> list[Record]:
    """Teams with one of these names (folded)."""
    mine = TEAMS.c.workspace_id == workspace
    statement = select(TEAMS).where(mine, TEAMS.c.name_folded.in_(names))
    return await fetch(connection, statement)
