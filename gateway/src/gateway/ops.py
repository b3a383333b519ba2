"""What operators see of the whole platform, gathered from every service; errands handed on."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import BadInput, NotFound, Unavailable
from chassis.http.principal import Principal, require
from gateway.asking import as_json, ask_all, asking, backend_of, handed_on, sort_out
from gateway.health import essential, states_of
from gateway.routing import API, SERVICES

router = APIRouter(prefix="/ops", tags=["ops"])

Operator = Annotated[Principal, Depends(require("ops"))]
_PATH = f"{API}/ops"


Kind = Literal[
    "rebuild", "build", "compare", "swap", "rollback", "pause", "resume", "retry", "skip"
]
"""As chassis.errands says them."""


class Errand(BaseModel):
    """Something a worker of a service is asked to do."""

    model_config = ConfigDict(extra="forbid")

    service: str = Field(description="Whose worker.")
    kind: Kind
    read_model: str = Field(description="The read model it concerns; `*` for all (rebuild).")
    stream: str | None = Field(default=None, description="The parked stream, for retry and skip.")


@router.get("/services")
async def services(request: Request, _: Operator) -> Response:
    """Every process: whether it is ready, and how much waits in it."""
    backend = backend_of(request)
    names = list(backend.upstreams)
    states, (bodies, _down) = await asyncio.gather(
        states_of(backend, names), ask_all(request, essential(backend), f"{_PATH}/standing")
    )
    items = [{"service": name, **states[name], **_summary(bodies.get(name))} for name in names]
    return as_json({"items": items, "next": None})


def _summary(standing: dict[str, Any] | None) -> dict[str, Any]:
    if standing is None:
        return {"outbox": None, "lag_events": None, "lag_s": None, "parked": None, "failing": {}}
    events = [lane["lag_events"] for lane in standing["lanes"]]
    seconds = [lane["lag_s"] for lane in standing["lanes"]]
    return {
        "outbox": standing["outbox"],
        # Null where a service does not know, because Kafka does not answer it.
        "lag_events": None if None in events else sum(events),
        "lag_s": None if None in seconds else max(seconds, default=0.0),
        "parked": sum(standing["parked"].values()),
        "failing": standing["failing"],
    }


@router.get("/lag")
async def lag(request: Request, _: Operator) -> Response:
    """How far every lane of every service is behind its topics."""
    bodies, down = await _standings(request)
    items = [
        {"service": name, **lane} for name, standing in bodies.items() for lane in standing["lanes"]
    ]
    return as_json({"items": items, "next": None, "down": down})


@router.get("/projections")
async def projections(request: Request, _: Operator) -> Response:
    """Every read model: which generation answers, which is being built, what is parked."""
    bodies, down = await _standings(request)
    items = []
    for name, standing in bodies.items():
        for model in standing["read_models"]:
            parked = standing["parked"].get(model["name"], 0)
            items.append({"service": name, **model, "parked": parked})
    return as_json({"items": items, "next": None, "down": down})


@router.get("/parked")
async def parked(request: Request, _: Operator) -> Response:
    """Parked sequences of this workspace, the oldest first."""
    bodies, down = await ask_all(request, essential(backend_of(request)), f"{_PATH}/parked")
    return as_json({"items": _merged(bodies, "parked_at"), "next": None, "down": down})


@router.get("/parked/{service}/{read_model}/{stream}")
async def parked_sequence(
    request: Request, service: str, read_model: str, stream: str, _: Operator
) -> Response:
    """A parked sequence: why, and its events as they are stored; sealed parts stay sealed."""
    path = f"{_PATH}/parked/{quote(read_model, safe='')}/{quote(stream, safe='')}"
    return handed_on(await backend_of(request).ask(_known(service), asking(request, "GET", path)))


@router.get("/errands")
async def errands(request: Request, _: Operator) -> Response:
    """What workers were asked to do lately in this workspace or for all, the latest first."""
    bodies, down = await ask_all(request, essential(backend_of(request)), f"{_PATH}/errands")
    items = _merged(bodies, "asked_at")[::-1]
    return as_json({"items": items, "next": None, "down": down})


@router.get("/errands/{errand_id}")
async def errand(request: Request, errand_id: str, _: Operator) -> Response:
    """How far one errand is."""
    backend = backend_of(request)
    found = await backend.ask_each(
        {n: asking(request, "GET", f"{_PATH}/errands/{errand_id}") for n in essential(backend)}
    )
    bodies, _down = sort_out(found)
    for name, body in bodies.items():
        return as_json({"service": name, **body})
    raise NotFound("There is no such errand.")


@router.post("/errands", status_code=202)
async def ask(request: Request, body: Errand, _: Operator) -> Response:
    """Ask a worker to repair a read model, or to retry or skip a parked sequence."""
    sent = asking(request, "POST", f"{_PATH}/errands", json=body.model_dump(exclude={"service"}))
    return handed_on(await backend_of(request).ask(_known(body.service), sent))


def _known(service: str) -> str:
    if service not in SERVICES:
        raise BadInput(f"There is no service {service}; there are {', '.join(SERVICES)}.")
    return service


async def _standings(request: Request) -> tuple[dict[str, Any], dict[str, str]]:
    bodies, down = await ask_all(request, essential(backend_of(request)), f"{_PATH}/standing")
    if down and not bodies:
        raise Unavailable("No service answers at the moment. Look at /api/v1/ops/services.")
    return bodies, down


def _merged(bodies: dict[str, Any], by: str) -> list[dict[str, Any]]:
    items = [{"service": name, **item} for name, body in bodies.items() for item in body["items"]]
    return sorted(items, key=lambda item: str(item[by]))
