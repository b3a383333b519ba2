"""Teams over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import NotFound
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import Principal, require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from chassis.postgres.database import Record
from identity.domain.team import TEAM, FormTeam, RenameTeam
from identity.read_models.teams import fetch_team, fetch_teams

router = APIRouter(tags=["teams"])

Manager = Annotated[Principal, Depends(require("identity.manage"))]


class NewTeam(BaseModel):
    """People who see each other's customers."""

    model_config = ConfigDict(extra="forbid")

    name: str
    region: str | None = None
    external_id: str | None = Field(default=None, max_length=200)


class TeamChanges(BaseModel):
    """A team's name and region from now on."""

    model_config = ConfigDict(extra="forbid")

    name: str
    region: str | None = None


@router.post("/teams", status_code=201)
async def form_team(body: NewTeam, write: Writing, _: Manager) -> Response:
    """Form a team."""
    team_id = new_id()
    command = FormTeam(team_id, body.name, body.region, write.now, body.external_id)
    return await write.new(TEAM, team_id, command, location="/api/v1/teams")


@router.put("/teams/{team_id}")
async def rename_team(team_id: UUID, body: TeamChanges, write: Writing, _: Manager) -> Response:
    """Give a team another name or region."""
    write.need_version()
    return await write.change(TEAM, team_id, RenameTeam(body.name, body.region, write.now))


@router.get("/teams")
async def list_teams(read: Reading, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """Teams by name."""
    async with read.connection() as connection:
        rows, following = await fetch_teams(
            connection, read.principal.workspace, limit=limit, cursor=cursor
        )
    return read.json({"items": [_shown(row) for row in rows], "next": following})


@router.get("/teams/{team_id}")
async def one_team(read: Reading, team_id: UUID) -> Response:
    """One team."""
    async with read.connection() as connection:
        row = await fetch_team(connection, read.principal.workspace, team_id)
    if row is None:
        raise NotFound("There is no such team in this workspace.")
    return read.json(_shown(row), version=row["version"])


def _shown(row: Record) -> dict[str, Any]:
    return {
        "id": row["team_id"],
        "version": row["version"],
        "name": row["name"],
        "region": row["region"],
        "external_id": row["external_id"],
    }
