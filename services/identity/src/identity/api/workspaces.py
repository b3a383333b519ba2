"""Workspaces over HTTP: one's own, and opening another one."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import uuid5

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.decider import load_state
from chassis.errors import Forbidden, NotFound, StaleVersion
from chassis.http.principal import Principal, principal_of, require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from chassis.ports import Context
from chassis.service import Service
from identity.api.sessions import FrontDesk
from identity.domain.email import normal_email
from identity.domain.password import check_password
from identity.domain.workspace import WORKSPACE, SettleWorkspace
from identity.opening import Opening, open_workspace
from identity.read_models.workspace_settings import fetch_workspace
from identity.settings import NAMESPACE, IdentitySettings
from identity.zones import check_zone

router = APIRouter(tags=["workspaces"])


class FirstUser(BaseModel):
    """Who administers a new workspace."""

    model_config = ConfigDict(extra="forbid")

    name: str = "Administrator"
    email: str
    password: str


class NewWorkspace(BaseModel):
    """A workspace that is to be opened."""

    model_config = ConfigDict(extra="forbid")

    name: str
    currency: str = Field(default="EUR", description="ISO 4217; it stays.")
    time_zone: str = Field(default="UTC", description="IANA name, e.g. Europe/Berlin.")
    administrator: FirstUser


class WorkspaceChanges(BaseModel):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    time_zone: str | None = None


@router.get("/workspace")
async def my_workspace(read: Reading) -> Response:
    """The workspace I am in."""
    async with read.connection() as connection:
        row = await fetch_workspace(connection, read.principal.workspace)
    if row is None:
        raise NotFound("Your workspace is being opened. Try again in a moment.")
    names = ("id", "version", "name", "currency", "time_zone", "opened_at")
    return read.json({name: row[name] for name in names}, version=row["version"])


@router.patch("/workspace")
async def settle_workspace(
    body: WorkspaceChanges,
    write: Writing,
    _: Annotated[Principal, Depends(require("settings.write"))],
) -> Response:
    """Change the workspace's name or time zone."""
    write.need_version()
    if body.time_zone is not None:
        check_zone(body.time_zone)
    command = SettleWorkspace(body.name, body.time_zone, write.now)
    return await write.change(WORKSPACE, write.principal.workspace, command)


@router.post("/workspaces", status_code=201)
async def open_another(
    request: Request,
    body: NewWorkspace,
    desk: FrontDesk,
    key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)] = None,
) -> Response:
    """Open a workspace with its administrator. Who may do it, the installation decides."""
    service: Service = request.app.state.service
    actor = await _allowed(request, desk.settings)
    email = normal_email(body.administrator.email)
    check_password(body.administrator.password, email, body.administrator.name)
    workspace = uuid5(NAMESPACE, f"workspace {key} {body.name} {email}") if key else new_id()
    opening = Opening(
        workspace,
        body.name,
        body.currency,
        check_zone(body.time_zone),
        uuid5(workspace, email),
        body.administrator.name,
        email,
        desk.email_hash(email),
        await desk.hashing.hash(body.administrator.password),
    )
    headers = {"Location": "/api/v1/workspace"}
    try:
        await open_workspace(service.log, opening, service.clock.now(), actor)
    except StaleVersion:
        context = Context(workspace, actor, new_id())
        known, _ = await load_state(service.log, WORKSPACE, workspace, context)
        if key is None or known is None:
            raise
        headers["Idempotent-Replayed"] = "true"
    told: dict[str, Any] = {"id": workspace, "version": 1, "administrator": opening.user_id}
    return Response(msgspec.json.encode(told), 201, headers, media_type="application/json")


async def _allowed(request: Request, settings: IdentitySettings) -> str:
    """The actor. Raises Forbidden unless workspaces are open, or the operator asks."""
    if settings.open_workspaces:
        return "sign-up"
    who = await principal_of(request)
    if who.workspace != settings.workspace_id or not who.may("identity.manage"):
        raise Forbidden(
            "Workspaces are opened here by the operator: an administrator of the first workspace. "
            "(EVERLOG_OPEN_WORKSPACES=true would let anybody.)"
        )
    return str(who.user_id)
