"""Ops: services, lag, read models, what is parked, the mails sent; rebuilding and repairing."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import parts
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/ops")

TABS = (
    ("services", "Services", "/ops", "server"),
    ("models", "Read models", "/ops/models", "stack-2"),
    ("parked", "Parked", "/ops/parked", "alert-triangle"),
    ("mails", "Mails sent", "/ops/mails", "mail"),
)


@router.get("")
async def services(visit: Visiting) -> Response:
    """Which services are up, and how far each is behind."""
    found, lag = await parts(visit.api.get("/ops/services"), visit.api.get("/ops/lag"))
    if found is None or not found:
        await visit.api.get("/ops/services")
    return _page(visit, "services", services=found, lag=lag)


@router.get("/models")
async def models(visit: Visiting) -> Response:
    """Every read model, and what is being rebuilt."""
    found, errands = await parts(visit.api.get("/ops/projections"), visit.api.get("/ops/errands"))
    items = list(errands["items"])[:12] if errands else []
    running = [each for each in items if each["status"] in ("asked", "running")]
    listed = found["items"] if found else []
    standby = {(each["service"], each["name"]) for each in listed if each["status"] == "standby"}
    services = sorted({each["service"] for each in listed})
    return _page(
        visit,
        "models",
        models=found,
        errands=items,
        running=running,
        standby=standby,
        services=services,
    )


@router.get("/parked")
async def parked(visit: Visiting) -> Response:
    """Sequences that wait for somebody."""
    return _page(visit, "parked", parked=await visit.api.get("/ops/parked"))


@router.get("/parked/{service}/{read_model}/{stream}")
async def parked_sequence(visit: Visiting, service: str, read_model: str, stream: str) -> Response:
    """Why a sequence is parked and what waits in it, in the drawer."""
    path = f"/ops/parked/{service}/{quote(read_model, safe='')}/{quote(stream, safe='')}"
    return visit.page("ops/parked_sequence.html", parked=await visit.api.get(path), service=service)


@router.get("/mails")
async def mails(visit: Visiting, to: str = "", cursor: str = "") -> Response:
    """The mails that were sent, where they are kept."""
    found = (await parts(visit.api.get("/ops/mails", to=to, cursor=cursor, limit=40)))[0]
    if cursor or (visit.is_partial and visit.request.headers.get("hx-target") == "tbody#mails"):
        return visit.page("ops/mail_rows.html", mails=found, to=to)
    return _page(visit, "mails", mails=found, to=to)


@router.get("/mails/{mail_id}")
async def mail(visit: Visiting, mail_id: str) -> Response:
    """One mail, in the drawer."""
    return visit.page("ops/mail.html", mail=await visit.api.get(f"/ops/mails/{mail_id}"))


@router.post("/errands")
async def ask(visit: Visiting) -> Response:
    """Ask a worker to repair something."""
    names = ("service", "kind", "read_model", "stream")
    body: dict[str, Any] = {name: visit.text(name) for name in names if visit.text(name)}
    await visit.api.post("/ops/errands", body)
    model = "Every read model" if body.get("read_model") == "*" else body.get("read_model")
    told = {
        "rebuild": f"{model} is being rebuilt beside the live one",
        "build": f"{model} is being built beside the live one",
        "compare": f"{model} is being compared",
        "swap": f"{model} is swapped",
        "rollback": f"{model} goes back to the generation before",
        "pause": f"{model} is paused; it answers as it is now",
        "resume": f"{model} is being caught up",
        "retry": "It is tried again",
        "skip": "The event is skipped; the rest of the sequence goes on",
    }
    await asyncio.sleep(0.1)
    return visit.done(told.get(str(body.get("kind")), "Asked"))


def _page(visit: Visit, tab: str, **context: Any) -> Response:
    template = f"ops/{tab}.html" if visit.is_partial else "ops/ops.html"
    return visit.page(template, tab=tab, tabs=TABS, **context)
