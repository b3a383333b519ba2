"""Signing in and out over HTTP, and who did."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.decider import handle
from chassis.errors import BadInput, NotFound
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import Principal, require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from identity import access
from identity.desk import Desk, From, desk_of
from identity.domain.user import USER, SignOut
from identity.read_models.sign_ins import fetch_sign_ins

router = APIRouter(tags=["sessions"])

CurrentSession = Annotated[UUID | None, Header(alias="Everlog-Session", include_in_schema=False)]
FrontDesk = Annotated[Desk, Depends(desk_of)]


class SignInBody(BaseModel):
    """How somebody signs in."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=254)
    password: str = Field(max_length=1024)
    otp: str | None = Field(
        default=None,
        max_length=64,
        description="Kept for one-time passwords; refused while nobody can have a second factor.",
    )
    workspace: UUID | None = Field(
        default=None, description="Which one, if the address belongs to several."
    )


@router.post("/sessions", status_code=201)
async def sign_in(request: Request, body: SignInBody, desk: FrontDesk) -> Response:
    """Sign in: the token goes into `Authorization: Bearer …` of every further request."""
    if body.otp:
        raise _no_second_factor()
    session = await desk.sign_in(body.email, body.password, From.of(request), body.workspace)
    told = {
        "id": session.id,
        "token": session.secret.text,
        "expires_at": session.expires_at,
        "workspace": session.secret.workspace,
    }
    return Response(
        msgspec.json.encode(told),
        201,
        headers={
            "Location": f"/api/v1/sessions/{session.id}",
            "Cache-Control": "no-store",
            "Everlog-Token": session.everlog_token,
        },
        media_type="application/json",
    )


def _no_second_factor() -> BadInput:
    """Taken and not looked at, it would seem to protect."""
    told = "There are no second factors yet, so a one-time password cannot be checked."
    return BadInput(
        f"{told} Leave `otp` out.",
        code="no-second-factor",
        errors=[{"pointer": "#/otp", "detail": told}],
    )


@router.get("/sessions")
async def my_sessions(read: Reading, request: Request, current: CurrentSession = None) -> Response:
    """Where I am signed in."""
    who, now = read.principal, request.app.state.service.clock.now()
    async with read.connection() as connection:
        rows = await access.list_tokens(connection, who.workspace, who.user_id, access.SESSION, now)
    items = [
        {
            "id": row["id"],
            "current": row["id"] == current,
            "address": row["address"],
            "agent": row["agent"],
            "signed_in_at": row["made_at"],
            "used_at": row["used_at"],
            "expires_at": row["expires_at"],
        }
        for row in rows
    ]
    return read.json({"items": items, "next": None})


@router.delete("/sessions/current", status_code=204)
async def sign_out(request: Request, write: Writing, current: CurrentSession = None) -> Response:
    """Sign out: the token is no good any more."""
    if current is None:
        raise NotFound("You act by an API token; DELETE /api/v1/api-tokens/{id} revokes it.")
    return await _end(request, write, current)


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(request: Request, session_id: UUID, write: Writing) -> Response:
    """End one of my sessions, e.g. on a device that was lost."""
    return await _end(request, write, session_id)


async def _end(request: Request, write: Writing, session_id: UUID) -> Response:
    who = write.principal
    # First the session, then the word that it has ended: signing out must work in any case.
    async with request.app.state.service.api.connection(who.workspace) as connection:
        found = await access.revoke(connection, who.workspace, who.user_id, session_id)
    if not found:
        raise NotFound("You have no such session (any more).")
    await handle(write.log, USER, who.user_id, SignOut(session_id, write.now), write.context)
    return Response(status_code=204)


@router.get("/sign-ins")
async def sign_ins(
    read: Reading,
    _: Annotated[Principal, Depends(require("identity.manage"))],
    user: UUID | None = None,
    what: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Who signed in or failed to, set passwords, made tokens, changed roles; the latest first."""
    async with read.connection() as connection:
        rows, following = await fetch_sign_ins(
            connection,
            read.principal.workspace,
            user_id=user,
            what=what,
            limit=limit,
            cursor=cursor,
        )
    names = ("user_id", "at", "what", "actor", "address", "agent", "detail")
    items = [{name: row[name] for name in names} for row in rows]
    return read.json({"items": items, "next": following})
