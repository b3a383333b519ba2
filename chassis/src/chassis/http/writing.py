"""The one way to write over HTTP: command in, id and version out.

Headers understood: `Idempotency-Key` (same key, same answer, one effect), `If-Match` (the version
the caller has seen). Headers answered: `ETag`, `Location`, `Everlog-Token`, `Idempotent-Replayed`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from fastapi import Depends, Request, Response

from chassis.decider import Decider, handle, load_state
from chassis.errors import BadInput, PreconditionRequired
from chassis.events import Event, id_of
from chassis.http.principal import Principal, principal_of
from chassis.ids import new_id
from chassis.ports import Appended, Context, EventLog
from chassis.telemetry import traceparent
from chassis.vault import Keyring

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E", bound=Event)

_KEY_MOST = 255


class Write:
    """A request that writes: who asks, under which key, from which version; and how to answer."""

    def __init__(
        self,
        *,
        principal: Principal,
        context: Context,
        expected: int | None,
        log: EventLog,
        now: datetime,
    ) -> None:
        self.principal = principal
        self.context = context
        self.expected = expected
        self.log = log
        self.now = now

    async def new(
        self, decider: Decider[C, S, E], id_: UUID, command: C, *, location: str
    ) -> Response:
        """Carry out a command that makes an aggregate; `location` is its collection's path."""
        done = await handle(self.log, decider, id_, command, self.context, new=True)
        made = id_of(done.stream)
        return answer(done, 201, Location=f"{location}/{made}")

    async def change(
        self, decider: Decider[C, S, E], id_: UUID, command: C, *, status: int = 200
    ) -> Response:
        """Carry out a command on an aggregate that exists."""
        done = await handle(self.log, decider, id_, command, self.context, expected=self.expected)
        return answer(done, status)

    async def state(self, decider: Decider[C, S, E], id_: UUID) -> S:
        """The present state of another aggregate of this service, to decide with."""
        asking = Context(self.context.workspace, self.context.actor, self.context.correlation_id)
        return (await load_state(self.log, decider, id_, asking))[0]

    def need_version(self) -> int:
        """The version in If-Match. Raises PreconditionRequired without one."""
        if self.expected is None:
            raise PreconditionRequired(
                "Send If-Match with the ETag you last saw, so that nobody else's change is lost."
            )
        return self.expected


def answer(
    done: Appended, status: int, *, more: Mapping[str, Any] | None = None, **headers: str
) -> Response:
    """The answer to a write. `more`: what it tells beside id and version."""
    if done.replayed:
        headers["Idempotent-Replayed"] = "true"
    body = {"id": id_of(done.stream), "version": done.version, **(more or {})}
    return Response(
        msgspec.json.encode(body),
        status,
        headers={
            "ETag": f'"{done.version}"',
            "Everlog-Token": f"{done.stream}@{done.version}",
            **headers,
        },
        media_type="application/json",
    )


def accepted(thing: str, *, replayed: bool, **headers: str) -> Response:
    """The answer to a write that is carried out later; `thing` is named like a stream."""
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    body = msgspec.json.encode({"id": id_of(thing)})
    return Response(body, 202, headers=headers, media_type="application/json")


async def write_of(
    request: Request, principal: Annotated[Principal, Depends(principal_of)]
) -> Write:
    """A dependency: the request as a Write."""
    service: Any = request.app.state.service
    said = await request.body() if "idempotency-key" in request.headers else b""
    return Write(
        principal=principal,
        context=keyed(request, principal, said),
        expected=_if_match(request),
        log=service.log,
        now=service.clock.now(),
    )


def keyed(request: Request, principal: Principal, said: bytes) -> Context:
    """Who asks, and under which key for which request. `said`: its body, or what counts of it."""
    key, fingerprint = _idempotency_key(request), None
    if key is not None:
        fingerprint = _fingerprint(request, principal, said)
    return Context(
        workspace=principal.workspace,
        actor=str(principal.user_id),
        correlation_id=new_id(),
        traceparent=traceparent(),
        key=f"http:{principal.user_id}:{key}" if key else None,
        fingerprint=fingerprint,
    )


Writing = Annotated[Write, Depends(write_of)]


def _idempotency_key(request: Request) -> str | None:
    value = request.headers.get("idempotency-key")
    if value is None:
        return None
    key = value.strip().strip('"')
    if not key or len(key) > _KEY_MOST:
        raise BadInput(f"Idempotency-Key must have 1 to {_KEY_MOST} characters, e.g. a UUID.")
    return key


def _fingerprint(request: Request, principal: Principal, said: bytes) -> bytes:
    """What the request asks for, as a keyed hash: a plain one would let whoever reads the table
    guess what was in a short body, a password for example."""
    hashed = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
    hashed.update(said)
    keyring: Keyring = request.app.state.service.keyring
    return keyring.blind(principal.workspace, hashed.hexdigest())


def _if_match(request: Request) -> int | None:
    value = request.headers.get("if-match")
    if value is None or value.strip() == "*":
        return None
    version = value.strip().removeprefix("W/").strip('"')
    if not version.isdigit():
        raise BadInput('If-Match must be an ETag as you got it, e.g. "7".')
    return int(version)
