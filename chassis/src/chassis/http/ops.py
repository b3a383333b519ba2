"""What operators see of a service and may ask of its workers; each request is kept as an errand.

To try a parked sequence again, or to skip, concerns one workspace: its own operators ask for that
and see it. Anything else concerns the installation: every operator sees that it happens,
those of the first workspace ask for it and see what it met.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.errands import CONCERN_ONE_WORKSPACE, EVERY, Kind, parked_by
from chassis.errors import BadInput, Forbidden, NotFound
from chassis.http.principal import INSTALLATION, Principal, require
from chassis.http.writing import Writing, accepted
from chassis.ids import new_id
from chassis.lane import ALL_REACTIONS
from chassis.manifest import Manifest
from chassis.postgres.commands import claim_key
from chassis.postgres.database import Record

router = APIRouter(prefix="/ops", tags=["ops"])
Operator = Annotated[Principal, Depends(require("ops"))]

_ERRANDS = """
select id, kind, arguments - 'workspace' as arguments, status, step, done, total,
       asked_at, updated_at,
       case when workspace_id is not null or $2 or status <> 'failed' then result
            else 'It failed; operators of the first workspace see why.' end as result,
       case when asked_in is null or asked_in = $1 then asked_by end as asked_by
  from road.errands
 where (workspace_id is null or workspace_id = $1) and ($3::uuid is null or id = $3)
 order by asked_at desc limit 50
"""
_ASK = """
insert into road.errands (id, workspace_id, kind, arguments, asked_by, asked_in)
values ($1, $2, $3, $4, $5, $6)
"""
_PARKED = """
select p.projection, p.stream, p.cause, p.error, p.attempts, p.parked_at,
       count(e.version) as events, min(e.version) as first_version
  from road.parked p left join road.parked_events e using (projection, workspace_id, stream)
 where p.workspace_id = $1
 group by p.projection, p.workspace_id, p.stream order by p.parked_at limit 500
"""


class Errand(BaseModel):
    """Something a worker is asked to do."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    read_model: str = Field(description="The read model it concerns; `*` for all (rebuild).")
    stream: str | None = Field(default=None, description="The parked stream, for retry and skip.")


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


@router.get("/standing")
async def standing(request: Request, _: Operator) -> Response:
    """This service's lanes with their lag, its read models, its outbox, what is parked."""
    return _json(await request.app.state.service.standing())


@router.get("/parked")
async def parked(request: Request, principal: Operator) -> Response:
    """Parked sequences of this workspace."""
    service = request.app.state.service
    async with service.api.connection(principal.workspace) as connection:
        rows = await connection.fetch(_PARKED, principal.workspace)
    return _json({"items": [dict(row) for row in rows], "next": None})


@router.get("/parked/{read_model}/{stream}")
async def parked_sequence(
    request: Request, read_model: str, stream: str, principal: Operator
) -> Response:
    """A parked sequence: why, and its events as they are stored, sealed parts sealed."""
    service = request.app.state.service
    found = await parked_by(service, service.api).show(read_model, principal.workspace, stream)
    return _json(found)


@router.get("/errands")
async def errands(request: Request, principal: Operator) -> Response:
    """What workers were asked to do lately, and how far they are."""
    rows = await _errands(request, principal)
    return _json({"items": [dict(row) for row in rows], "next": None})


@router.get("/errands/{errand_id}")
async def errand(request: Request, errand_id: UUID, principal: Operator) -> Response:
    """One errand."""
    rows = await _errands(request, principal, errand_id)
    if not rows:
        raise NotFound("There is no such errand.")
    return _json(dict(rows[0]))


async def _errands(request: Request, who: Principal, one: UUID | None = None) -> Sequence[Record]:
    service = request.app.state.service
    async with service.api.connection(who.workspace) as connection:
        found: Sequence[Record] = await connection.fetch(
            _ERRANDS, who.workspace, who.may(INSTALLATION), one
        )
    return found


@router.post("/errands", status_code=202)
async def ask(request: Request, body: Errand, principal: Operator, write: Writing) -> Response:
    """Ask a worker of this service to repair: a read model, or a parked sequence."""
    service = request.app.state.service
    _require_sense(service.manifest, body)
    own = body.kind in CONCERN_ONE_WORKSPACE
    if not own and not principal.may(INSTALLATION):
        raise Forbidden(
            f"A {body.kind} concerns every workspace of this installation: ask an operator of its "
            "first workspace, or the command everlog on its machine.",
            permission=INSTALLATION,
        )
    workspace, errand_id = write.principal.workspace, new_id()
    arguments = {
        "read_model": body.read_model,
        "stream": body.stream,
        "workspace": str(workspace),
    }
    async with (
        service.api.connection(workspace) as connection,
        connection.transaction(),
    ):
        known = await claim_key(connection, write.context, f"errand-{errand_id}", write.now)
        if known is None:
            await connection.execute(
                _ASK,
                errand_id,
                workspace if own else None,
                body.kind,
                arguments,
                principal.name,
                workspace,
            )
    return accepted(known or f"errand-{errand_id}", replayed=known is not None)


def _require_sense(manifest: Manifest, body: Errand) -> None:
    names = {p.name for p in manifest.projections} | {EVERY}
    own = body.kind in CONCERN_ONE_WORKSPACE
    if own:
        names |= {ALL_REACTIONS, *(f"reaction:{r.name}" for r in manifest.reactions)}
    if body.read_model not in names:
        raise BadInput(f"There is no read model {body.read_model}; there are {sorted(names)}.")
    if body.read_model == EVERY and not (own or body.kind == "rebuild"):
        raise BadInput(f"To {body.kind}, name one read model; there are {sorted(names)}.")
    if own and body.stream is None:
        raise BadInput(f"To {body.kind}, name the parked stream.")
