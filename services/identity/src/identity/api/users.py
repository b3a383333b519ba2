"""Users over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import BadInput, NotFound
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import Principal, require
from chassis.http.reading import Reading
from chassis.http.writing import Write, Writing, answer
from chassis.ids import new_id
from chassis.ports import Appended
from chassis.postgres.database import Connection, Record
from chassis.postgres.event_log import PostgresEventLog
from identity import access
from identity.api.sessions import CurrentSession, FrontDesk
from identity.desk import Desk
from identity.domain.email import normal_email
from identity.domain.password import check_password
from identity.domain.role import ROLES
from identity.domain.team import TEAM
from identity.domain.user import (
    KEEP,
    USER,
    AddUser,
    ChangeUser,
    Deactivate,
    Reactivate,
    UserCommand,
)
from identity.read_models.users import fetch_user, fetch_users
from identity.writing import Within, carry_out

router = APIRouter(tags=["users"])

MANAGE = "identity.manage"
Manager = Annotated[Principal, Depends(require(MANAGE))]


class NewUser(BaseModel):
    """Somebody who is to belong to the workspace."""

    model_config = ConfigDict(extra="forbid")

    name: str
    email: str | None = Field(default=None, description="To sign in with.")
    role: str = Field(default="sales_representative", description="See GET /roles.")
    team_id: UUID | None = None
    password: str | None = Field(default=None, description="The first one.")
    external_id: str | None = Field(default=None, max_length=200)


class UserChanges(BaseModel):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    email: str | None = None
    role: str = ""
    team_id: UUID | None = None
    password: str = Field(default="", description="A new one; ends the user's sessions.")


@router.post("/users", status_code=201)
async def add_user(
    request: Request, body: NewUser, write: Writing, desk: FrontDesk, _: Manager
) -> Response:
    """Add a user; with e-mail and password they can sign in."""
    await check_team(write, body.team_id)
    user_id = new_id()
    command = AddUser(
        user_id,
        body.name,
        body.email,
        body.role,
        body.team_id,
        write.now,
        body.external_id,
        write.principal.user_id if body.password is not None else None,
    )
    within: Within = nothing
    if body.password is not None:
        if body.email is None:
            raise BadInput("A password is of use only with an e-mail address to sign in with.")
        within = await set_password(desk, write, user_id, body.email, body.password, name=body.name)
    done = await carry_out(_log(request), USER, user_id, command, write.context, within=within)
    made = done.stream.removeprefix("user-")
    return answer(done, 201, Location=f"/api/v1/users/{made}")


@router.patch("/users/{user_id}")
async def change_user(
    request: Request,
    user_id: UUID,
    body: UserChanges,
    write: Writing,
    desk: FrontDesk,
    _: Manager,
    current: CurrentSession = None,
) -> Response:
    """Change name, address, role, team, or set a new password."""
    given = body.model_fields_set
    if given - {"password"}:
        write.need_version()
    if "team_id" in given:
        await check_team(write, body.team_id)
    command = ChangeUser(
        write.principal.user_id,
        write.now,
        body.name if "name" in given else KEEP,
        body.email if "email" in given else KEEP,
        body.role if "role" in given else KEEP,
        body.team_id if "team_id" in given else KEEP,
        "password" in given,
    )
    within = await _consequences(body, write, desk, user_id, current)
    return answer(await change(request, write, user_id, command, within), 200)


async def _consequences(
    body: UserChanges, write: Write, desk: Desk, user_id: UUID, current: UUID | None
) -> Within:
    """What a change of address or password means for the credentials."""
    workspace, given = write.principal.workspace, body.model_fields_set
    if "password" in given:
        user = await write.state(USER, user_id)
        email = body.email if "email" in given else user.email if user else None
        if email is None:
            raise BadInput("A password is of use only with an e-mail address to sign in with.")
        name = body.name or (user.name if user else "")
        return await set_password(desk, write, user_id, email, body.password, current, name=name)
    if "email" not in given:
        return nothing
    blind = None if body.email is None else desk.email_hash(normal_email(body.email))

    async def within(connection: Connection) -> None:
        await access.move_credentials(connection, workspace, user_id, blind)
        if blind is None:
            await access.revoke_all(connection, workspace, user_id)

    return within


@router.post("/users/{user_id}/deactivate")
async def deactivate(request: Request, user_id: UUID, write: Writing, _: Manager) -> Response:
    """Nobody signs in as this user any more; sessions and API tokens end at once."""
    workspace = write.principal.workspace

    async def within(connection: Connection) -> None:
        await access.revoke_all(connection, workspace, user_id)

    command = Deactivate(write.principal.user_id, write.now)
    return answer(await change(request, write, user_id, command, within), 200)


@router.post("/users/{user_id}/reactivate")
async def reactivate(request: Request, user_id: UUID, write: Writing, _: Manager) -> Response:
    """The user may sign in again."""
    command = Reactivate(write.now)
    return answer(await change(request, write, user_id, command, nothing), 200)


@router.get("/users")
async def list_users(
    read: Reading,
    q: Annotated[str | None, Query(description="Beginning of a word of the name.")] = None,
    team: UUID | None = None,
    active: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Colleagues by name. Their addresses are shown to those who manage users."""
    async with read.connection() as connection:
        rows, following = await fetch_users(
            connection,
            read.principal.workspace,
            q=q,
            team_id=team,
            active=active,
            limit=limit,
            cursor=cursor,
        )
    return read.json({"items": [shown(row, read.principal) for row in rows], "next": following})


@router.get("/users/{user_id}")
async def one_user(read: Reading, user_id: UUID) -> Response:
    """One colleague."""
    async with read.connection() as connection:
        row = await fetch_user(connection, read.principal.workspace, user_id)
    if row is None:
        raise NotFound("There is no such user in this workspace.")
    return read.json(shown(row, read.principal), version=row["version"])


@router.get("/roles")
async def roles(read: Reading) -> Response:
    """The roles that users can have."""
    items = [
        {
            "name": role.name,
            "title": role.title,
            "about": role.about,
            "sees": role.sees,
            "permissions": sorted(role.permissions),
        }
        for role in ROLES.values()
    ]
    return read.json({"items": items, "next": None})


def shown(row: Record, principal: Principal) -> dict[str, Any]:
    """A user as others may see them."""
    own = row["user_id"] == principal.user_id
    item = {
        "id": row["user_id"],
        "version": row["version"],
        "name": row["name"],
        "role": row["role"],
        "team": team_of(row),
        "active": row["active"],
        "external_id": row["external_id"],
        "added_at": row["added_at"],
    }
    if own or principal.may(MANAGE):
        item["email"] = row["email"]
    return item


def team_of(row: Record) -> dict[str, Any] | None:
    """The team in a user's row."""
    if row["team_id"] is None:
        return None
    return {"id": row["team_id"], "name": row["team_name"], "region": row["team_region"]}


async def check_team(write: Write, team_id: UUID | None) -> None:
    """Raises BadInput unless there is such a team in the workspace."""
    if team_id is not None and await write.state(TEAM, team_id) is None:
        raise BadInput(
            "There is no such team in this workspace; GET /api/v1/teams lists them.",
            errors=[{"pointer": "#/team_id", "detail": "is no team"}],
        )


async def change(
    request: Request, write: Write, user_id: UUID, command: UserCommand, within: Within
) -> Appended:
    return await carry_out(
        _log(request),
        USER,
        user_id,
        command,
        write.context,
        within=within,
        expected=write.expected,
        version_of=lambda user: user.revision if user else 0,
    )


def _log(request: Request) -> PostgresEventLog:
    return cast(PostgresEventLog, request.app.state.service.log)


async def nothing(_: Connection) -> None:
    """Nothing more to write."""


async def set_password(
    desk: Desk,
    write: Write,
    user_id: UUID,
    email: str,
    password: str,
    current: UUID | None = None,
    *,
    name: str = "",
) -> Within:
    """What keeps a new password and ends the user's other sessions."""
    workspace, address = write.principal.workspace, normal_email(email)
    check_password(password, address, name)
    kept = await desk.hashing.hash(password)

    async def within(connection: Connection) -> None:
        await access.set_credentials(
            connection,
            workspace,
            user_id,
            email=desk.email_hash(address),
            password_hash=kept,
            now=write.now,
        )
        await access.revoke_all(connection, workspace, user_id, kind=access.SESSION, but=current)

    return within
