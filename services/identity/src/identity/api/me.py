"""Whoever asks, over HTTP: who I am, my name, my password, my API tokens."""

from __future__ import annotations

import os
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from chassis.errors import BadInput, Forbidden, NotFound
from chassis.http.reading import Reading
from chassis.http.writing import Write, Writing, answer
from chassis.ids import new_id
from chassis.postgres.database import Connection
from chassis.postgres.event_log import PostgresEventLog
from identity import access
from identity.api.sessions import CurrentSession, FrontDesk
from identity.api.users import change, nothing, set_password, team_of
from identity.domain.role import role_of
from identity.domain.user import USER, ChangeUser, MakeApiToken, RevokeApiToken
from identity.read_models.users import fetch_user
from identity.read_models.workspace_settings import fetch_workspace
from identity.writing import carry_out

router = APIRouter(tags=["me"])


class MyChanges(BaseModel):
    """What I may change of myself."""

    model_config = ConfigDict(extra="forbid")

    name: str


class NewPassword(BaseModel):
    """A change of my password."""

    model_config = ConfigDict(extra="forbid")

    current: str = Field(max_length=1024)
    new: str


class NewApiToken(BaseModel):
    """A token for a program."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="What it is for.")
    scopes: list[str] = Field(description="Permissions, none beyond your own; see GET /me.")
    expires_at: AwareDatetime | None = Field(default=None, description="Never, if left out.")


@router.get("/me")
async def me(read: Reading) -> Response:
    """Who I am, what I may do, where I am."""
    who = read.principal
    async with read.connection() as connection:
        row = await fetch_user(connection, who.workspace, who.user_id)
        workspace = await fetch_workspace(connection, who.workspace)
    body = {
        "id": who.user_id,
        "version": row["version"] if row else None,
        "name": row["name"] if row else who.name,
        "email": row["email"] if row else None,
        "role": who.role,
        "role_title": role_of(who.role).title,
        "permissions": sorted(who.permissions),
        "sees": who.sees,
        "team": team_of(row) if row else None,
        "workspace": {
            "id": who.workspace,
            "name": workspace["name"] if workspace else "",
            "currency": workspace["currency"] if workspace else "EUR",
            "time_zone": workspace["time_zone"] if workspace else "UTC",
        },
    }
    return read.json(body)


@router.patch("/me")
async def change_me(request: Request, body: MyChanges, write: Writing) -> Response:
    """Change my name."""
    who = write.principal
    command = ChangeUser(who.user_id, write.now, body.name)
    return answer(await change(request, write, who.user_id, command, nothing), 200)


@router.post("/me/password")
async def change_my_password(
    request: Request,
    body: NewPassword,
    write: Writing,
    desk: FrontDesk,
    current: CurrentSession = None,
) -> Response:
    """Set a new password; my other sessions end."""
    who = write.principal
    _refuse_programs(current)
    user = await write.state(USER, who.user_id)
    if user is None or user.email is None:
        raise NotFound("You have no password.")
    await desk.check_own_password(who.workspace, who.user_id, body.current)
    within = await set_password(
        desk, write, who.user_id, user.email, body.new, current, name=user.name
    )
    command = ChangeUser(who.user_id, write.now, with_password=True)
    done = await carry_out(_log(request), USER, who.user_id, command, write.context, within=within)
    return answer(done, 200)


@router.get("/api-tokens")
async def my_tokens(read: Reading, request: Request) -> Response:
    """My API tokens that are good; their secrets are not kept."""
    who, now = read.principal, request.app.state.service.clock.now()
    async with read.connection() as connection:
        rows = await access.list_tokens(connection, who.workspace, who.user_id, access.API, now)
    names = ("id", "name", "scopes", "made_at", "used_at", "expires_at")
    items = [{name: row[name] for name in names} for row in rows]
    return read.json({"items": items, "next": None})


@router.post("/api-tokens", status_code=201)
async def make_token(
    request: Request, body: NewApiToken, write: Writing, current: CurrentSession = None
) -> Response:
    """Make an API token. Its secret is in this answer and nowhere else."""
    _refuse_programs(current)
    who = write.principal
    if body.expires_at is not None and body.expires_at <= write.now:
        raise BadInput("The token would have expired already.")
    secret = access.Secret.new(access.API_PREFIX, who.workspace, _secret_bytes(request, write))
    token_id = UUID(bytes=secret.hash[:16], version=4) if write.context.key else new_id()
    token = _new_token(body, write, secret, token_id)

    async def within(connection: Connection) -> None:
        await access.keep_token(connection, token)

    command = MakeApiToken(
        token_id, body.name, frozenset(body.scopes), who.permissions, write.now, body.expires_at
    )
    done = await carry_out(_log(request), USER, who.user_id, command, write.context, within=within)
    told = {
        "id": token_id,
        "name": body.name,
        "scopes": sorted(set(body.scopes)),
        "token": secret.text,
        "expires_at": body.expires_at,
    }
    headers = {
        "Everlog-Token": f"{done.stream}@{done.version}",
        "Location": f"/api/v1/api-tokens/{token_id}",
        "Cache-Control": "no-store",
    }
    if done.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(msgspec.json.encode(told), 201, headers, media_type="application/json")


@router.delete("/api-tokens/{token_id}", status_code=204)
async def revoke_token(request: Request, token_id: UUID, write: Writing) -> Response:
    """Revoke an API token; it is no good from now on."""
    who = write.principal
    async with request.app.state.service.api.connection(who.workspace) as connection:
        found = await access.revoke(connection, who.workspace, who.user_id, token_id)
    command = RevokeApiToken(token_id, write.now)
    done = await carry_out(_log(request), USER, who.user_id, command, write.context, within=nothing)
    if not found and not done.event_ids:
        raise NotFound("You have no such API token (any more).")
    return Response(status_code=204, headers={"Everlog-Token": f"{done.stream}@{done.version}"})


def _new_token(
    body: NewApiToken, write: Write, secret: access.Secret, token_id: UUID
) -> access.NewToken:
    expires_at: datetime | None = body.expires_at
    return access.NewToken(
        secret,
        token_id,
        write.principal.user_id,
        access.API,
        write.now,
        expires_at,
        name=body.name,
        scopes=sorted(set(body.scopes)),
    )


def _secret_bytes(request: Request, write: Write) -> bytes:
    """By chance; for a repeated request (Idempotency-Key) the same again, for the same answer."""
    key = write.context.key
    if key is None:
        return os.urandom(32)
    about = f"api token\x1f{key}\x1f{(write.context.fingerprint or b'').hex()}"
    made: bytes = request.app.state.service.keyring.blind(write.principal.workspace, about)
    return made


def _refuse_programs(session: UUID | None) -> None:
    if session is None:
        raise Forbidden(
            "This needs somebody who is signed in; an API token cannot do it.",
            code="needs-session",
        )


def _log(request: Request) -> PostgresEventLog:
    return cast(PostgresEventLog, request.app.state.service.log)
