"""The front desk: checks passwords, begins and ends sessions, exchanges tokens for signed ones.

One per process: it bounds how much is hashed at once, and lets the attempts for one address queue,
so that a burst of guesses is counted one by one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import structlog
from fastapi import Request

from chassis.decider import handle, load_state
from chassis.errors import Conflict, NotFound, TooManyRequests, Unauthenticated, Unavailable
from chassis.http.principal import INSTALLATION, OWN, Principal, sign
from chassis.ids import new_id
from chassis.ports import Context
from chassis.postgres.database import Connection, Record
from chassis.service import Service
from chassis.telemetry import traceparent
from identity import access
from identity.domain.email import normal_email
from identity.domain.role import role_of
from identity.domain.throttle import Attempts
from identity.domain.user import USER, FailSignIn, SignIn
from identity.domain.workspace import WORKSPACE
from identity.hashing import Hashing
from identity.settings import IdentitySettings
from identity.writing import carry_out

log = structlog.get_logger("desk")

SIGNED_FOR_S = 300
REFUSAL_TAKES_S = 0.3
"""Every refusal takes as long, whatever it was found out by."""
_WAITING_MOST = 20


@dataclass(frozen=True, slots=True)
class From:
    """Where a request comes from, for the audit trail."""

    address: str | None
    agent: str | None

    @classmethod
    def of(cls, request: Request) -> From:
        """As the gateway tells it."""
        agent = request.headers.get("user-agent")
        return cls(request.headers.get("everlog-client"), agent[:300] if agent else None)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed token, and what the gateway wants to know about it."""

    token: str
    expires_at: datetime
    session: UUID | None
    principal: Principal


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has just begun."""

    id: UUID
    secret: access.Secret
    expires_at: datetime
    everlog_token: str = ""


class Desk:
    """See the module."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.settings = cast(IdentitySettings, service.settings)
        self.hashing = Hashing()
        self._queues: dict[bytes, tuple[asyncio.Lock, list[None]]] = {}

    def email_hash(self, email: str) -> bytes:
        """An address as it is looked up."""
        return access.email_hash(self._service.keyring, email)

    async def sign_in(
        self, email: str, password: str, came_from: From, workspace: UUID | None = None
    ) -> Session:
        """Begin a session. Raises Unauthenticated, TooManyRequests, Conflict (several match)."""
        blind = self.email_hash(normal_email(email))
        began = time.monotonic()
        async with self._turn(blind):
            attempts = await self._attempts(blind)
            self._refuse_locked(attempts)
            found = await self._matching(blind, password, workspace)
            if found.matching:
                return await self._begin(blind, found, password, came_from)
            await self._count(blind, attempts, found, came_from)
        await asyncio.sleep(max(0.0, began + REFUSAL_TAKES_S - time.monotonic()))
        raise Unauthenticated(
            "E-mail address or password is wrong. Try again; an administrator of your workspace "
            "can set a new password for you.",
            code="wrong-credentials",
        )

    async def exchange(self, text: str) -> Signed:
        """A signed token for a session or API token. Raises Unauthenticated."""
        secret = access.Secret.read(text)
        if secret is None:
            raise _no_good()
        if not self._service.readable:
            raise Unavailable("Read models are still being built.", retry_after_s=3)
        now = self._service.clock.now()
        async with self._service.api.connection(secret.workspace) as connection:
            row = await access.find_token(connection, secret)
            if row is None or (row["expires_at"] is not None and row["expires_at"] <= now):
                raise _no_good()
            await access.used(connection, secret, row, now)
        principal = await self._principal(secret.workspace, row)
        token = sign(
            self.settings.signing_key, principal, now=now.timestamp(), lifetime_s=SIGNED_FOR_S
        )
        session = row["id"] if row["kind"] == access.SESSION else None
        return Signed(token, now + timedelta(seconds=SIGNED_FOR_S), session, principal)

    async def check_own_password(self, workspace: UUID, user_id: UUID, password: str) -> None:
        """Whoever changes their password knows the present one. Raises Unauthenticated."""
        async with self._service.api.connection(workspace) as connection:
            kept = await access.password_hash_of(connection, workspace, user_id)
        if kept is None or not await self.hashing.matches(kept, password):
            raise Unauthenticated("The present password is wrong.", code="wrong-credentials")

    async def _principal(self, workspace: UUID, row: Record) -> Principal:
        """Whom a token stands for: with the rights of now, not of when it was made."""
        user_id, name, role, active = row["user_id"], row["name"], row["role"], row["active"]
        if role is None:  # the read model has not heard of the user yet
            asking = Context(workspace, "identity", new_id())
            user, _ = await load_state(self._service.log, USER, user_id, asking)
            if user is None:
                raise _no_good()
            name, role, active = user.name, user.role, user.active
        if not active:
            raise _no_good()
        rights = role_of(role)
        permissions = rights.permissions
        if row["scopes"] is not None:
            permissions &= frozenset(row["scopes"])
        if "ops" in permissions and workspace == self.settings.workspace_id:
            permissions |= {INSTALLATION}
        owners = {user_id, *row["team"]} if rights.sees == OWN else set()
        return Principal(
            user_id, workspace, name, role, permissions, rights.sees, frozenset(owners)
        )

    @asynccontextmanager
    async def _turn(self, blind: bytes) -> AsyncIterator[None]:
        lock, waiting = self._queues.setdefault(blind, (asyncio.Lock(), []))
        if len(waiting) >= _WAITING_MOST:
            raise TooManyRequests("Too many sign-ins at once. Try again.", retry_after_s=2)
        waiting.append(None)
        try:
            async with lock:
                yield
        finally:
            waiting.pop()
            if not waiting:
                self._queues.pop(blind, None)

    async def _attempts(self, blind: bytes) -> Attempts:
        async with self._service.api.connection(None) as connection:
            return await access.attempts_of(connection, blind)

    def _refuse_locked(self, attempts: Attempts) -> None:
        wait_s = attempts.wait_s(self._service.clock.now())
        if wait_s:
            raise TooManyRequests(
                f"Too many wrong passwords for this address. Try again in {wait_s} seconds; an "
                "administrator of your workspace can set a new password.",
                retry_after_s=wait_s,
            )

    async def _matching(self, blind: bytes, password: str, workspace: UUID | None) -> _Found:
        """Whose address it is, and for whom of them the password is right."""
        async with self._service.api.connection(None) as connection:
            rows = await connection.fetch("select * from access.find($1)", blind)
        known = [row for row in rows if workspace in (None, row["workspace_id"])]
        if not known:
            await self.hashing.match_nobody(password)
        matching = [
            row for row in known if await self.hashing.matches(row["password_hash"], password)
        ]
        return _Found(known, matching)

    async def _begin(self, blind: bytes, found: _Found, password: str, came_from: From) -> Session:
        if len(found.matching) > 1:
            raise await self._several(found)
        row = found.matching[0]
        workspace, user_id, now = row["workspace_id"], row["user_id"], self._service.clock.now()
        secret = access.Secret.new(access.SESSION_PREFIX, workspace)
        session = Session(new_id(), secret, now + access.SLIDES_FOR)
        token = access.NewToken(
            secret,
            session.id,
            user_id,
            access.SESSION,
            now,
            session.expires_at,
            address=came_from.address,
            agent=came_from.agent,
            ends_at=now + access.SESSION_MOST,
        )
        rehashed = None
        if self.hashing.is_outdated(row["password_hash"]):
            rehashed = await self.hashing.hash(password)

        async def within(connection: Connection) -> None:
            await access.keep_token(connection, token)
            await access.keep_attempts(connection, blind, Attempts())
            if rehashed is not None:
                await access.set_credentials(
                    connection, workspace, user_id, email=blind, password_hash=rehashed, now=now
                )

        command = SignIn(session.id, came_from.address, came_from.agent, now)
        try:
            done = await carry_out(
                self._service.log, USER, user_id, command, _by(workspace, user_id), within=within
            )
        except NotFound as error:  # credentials of nobody
            raise _no_good() from error
        return replace(session, everlog_token=f"{done.stream}@{done.version}")

    async def _several(self, found: _Found) -> Conflict:
        """Whoever knows the password may know what the workspaces are called."""
        choices = []
        for id_ in [row["workspace_id"] for row in found.matching]:
            asking = Context(id_, "identity", new_id())
            workspace, _ = await load_state(self._service.log, WORKSPACE, id_, asking)
            choices.append({"id": id_, "name": workspace.name if workspace else str(id_)})
        choices.sort(key=lambda choice: str(choice["name"]).casefold())
        return Conflict(
            "This address and password belong to several workspaces. Send `workspace` with the id "
            "of the one you mean.",
            code="several-workspaces",
            workspaces=[choice["id"] for choice in choices],
            choices=choices,
        )

    async def _count(self, blind: bytes, before: Attempts, found: _Found, came_from: From) -> None:
        now = self._service.clock.now()
        attempts = before.failed(now)
        async with self._service.api.connection(None) as connection:
            await access.keep_attempts(connection, blind, attempts)
        command = FailSignIn(came_from.address, came_from.agent, now, attempts.locked_until)
        for row in found.known:
            context = _by(row["workspace_id"], row["user_id"], actor="nobody")
            try:
                await handle(self._service.log, USER, row["user_id"], command, context)
            except NotFound:
                log.warning("credentials of nobody", user_id=str(row["user_id"]))


@dataclass(frozen=True, slots=True)
class _Found:
    known: Sequence[Record]
    matching: Sequence[Record]


def _by(workspace: UUID, user_id: UUID, actor: str | None = None) -> Context:
    return Context(workspace, actor or str(user_id), new_id(), traceparent=traceparent())


def _no_good() -> Unauthenticated:
    return Unauthenticated(
        "The token is unknown, has expired or was revoked. Sign in again.", code="token-invalid"
    )


def desk_of(request: Request) -> Desk:
    """The desk of this process; a dependency."""
    state: Any = request.app.state
    if not hasattr(state, "desk"):
        state.desk = Desk(state.service)
    desk: Desk = state.desk
    return desk
