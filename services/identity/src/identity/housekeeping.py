"""What identity's worker does: makes the first administrator, then clears away what has expired."""

from __future__ import annotations

from typing import cast
from uuid import UUID, uuid5

import structlog

from chassis.decider import load_state
from chassis.errors import Conflict, StaleVersion
from chassis.ids import new_id
from chassis.ports import Context
from chassis.postgres.database import Connection
from chassis.service import Service
from identity import access
from identity.domain.password import weakness
from identity.domain.user import USER, User
from identity.domain.workspace import WORKSPACE
from identity.hashing import Hashing
from identity.opening import Opening, add_administrator, keep_credentials, open_workspace
from identity.settings import NAMESPACE, IdentitySettings
from identity.writing import carry_out

log = structlog.get_logger("housekeeping")

_TASK = "first administrator"
_TIDY_EVERY_S = 600.0
_SHOWN_AFTER_S = 20.0
_ACTOR = "installation"


async def keep_house(service: Service) -> None:
    """A worker task: first the administrator (the service is not ready before), then tidying."""
    service.failing[_TASK] = "is being made"
    await make_first_administrator(service)
    service.failing.pop(_TASK, None)
    service.failing.pop(keep_house.__name__, None)
    while True:
        async with service.work.connection(None) as connection:
            await access.tidy(connection, service.clock.now())
        await service.clock.sleep(_TIDY_EVERY_S)


async def make_first_administrator(service: Service) -> None:
    """Make the first workspace and its administrator, unless they are there.

    A password that was changed stays; one that was lost with the database is set again.
    """
    settings = cast(IdentitySettings, service.settings)
    email, password = settings.admin_email, settings.admin_password
    if email is None or password is None:
        return
    workspace = settings.workspace_id
    user_id = uuid5(NAMESPACE, f"user {workspace} {email}")
    if await _can_sign_in(service, workspace, user_id):
        return
    if weakness(password.get_secret_value(), email) is not None:
        log.warning("the first administrator's password is weak; set a better one after sign-in")
    opening = Opening(
        workspace,
        settings.workspace_name,
        settings.workspace_currency,
        settings.workspace_time_zone,
        user_id,
        "Administrator",
        email,
        access.email_hash(service.keyring, email),
        await Hashing().hash(password.get_secret_value()),
    )
    try:
        await _make(service, opening)
    except StaleVersion:  # another process made it at the same moment
        log.info("the first administrator is there already")
    except Conflict:
        log.warning("somebody else in the workspace has the first administrator's address")


async def _can_sign_in(service: Service, workspace: UUID, user_id: UUID) -> bool:
    async with service.work.connection(workspace) as connection:
        return await access.password_hash_of(connection, workspace, user_id) is not None


async def _make(service: Service, opening: Opening) -> None:
    now, workspace = service.clock.now(), opening.workspace_id
    context = Context(workspace, _ACTOR, new_id())
    known, _ = await load_state(service.work_log, WORKSPACE, workspace, context)
    if known is None:
        await open_workspace(service.work_log, opening, now, _ACTOR)
        first = f"{WORKSPACE.stream(workspace)}@1,{USER.stream(opening.user_id)}@2"
        await service.progress.wait(workspace, first, timeout_s=_SHOWN_AFTER_S)
        return

    async def within(connection: Connection) -> None:
        await keep_credentials(connection, opening, now)

    user, _ = await load_state(service.work_log, USER, opening.user_id, context)
    if user is None:
        command = add_administrator(opening, now)
        await carry_out(service.work_log, USER, opening.user_id, command, context, within=within)
    elif _is_still(user, opening):
        log.warning("the first administrator's password was lost and is set again")
        async with service.work.connection(workspace) as connection:
            await within(connection)


def _is_still(user: User, opening: Opening) -> bool:
    return user.active and user.email == opening.email
