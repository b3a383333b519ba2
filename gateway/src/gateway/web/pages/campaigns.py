"""Campaigns: broadcasts with their results, planning one, watching one."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/campaigns")

_TYPED = ("name", "template_id", "topic", "send_at", "when", "segment")
FILTERS = (("country", "Country"), ("city", "City"), ("language", "Language"), ("source", "Source"))
_ACTS = {
    "start": "The broadcast is on its way",
    "pause": "Paused; mails that are being handed over still go out",
    "resume": "Sending goes on",
    "cancel": "Cancelled",
}


@router.get("")
async def campaigns(visit: Visiting, cursor: str = "") -> Response:
    """The broadcasts with their results."""
    listed = await visit.api.get("/broadcasts", cursor=cursor, limit=30)
    template = "campaigns/broadcast_rows.html" if cursor else "campaigns/list.html"
    return visit.page(template, listed=listed, tab="broadcasts")


@router.get("/new")
async def plan(visit: Visiting, template: str = "", segment: str = "") -> Response:
    """Plan one: template, audience with its size, review."""
    return await _planner(visit, {"template_id": template, "segment": segment})


@router.post("/audience")
async def audience(visit: Visiting) -> Response:
    """How many people are meant, while somebody chooses."""
    body = _audience(visit)
    if not any(body.get(name) for name in ("everyone", "segments", "tags", "filter")):
        return visit.page("campaigns/audience.html", count=None)
    count = await visit.api.post("/audiences/count", {**body, "topic": visit.text("topic")})
    return visit.page("campaigns/audience.html", count=count.body)


@router.post("")
async def plan_it(visit: Visiting) -> Response:
    """Plan it and, if that is wanted, send it at once."""
    given = {name: visit.text(name) for name in _TYPED}
    body: dict[str, Any] = {
        "name": given["name"],
        "template_id": given["template_id"],
        "topic": given["topic"] or "Newsletter",
        "audience": _audience(visit),
    }
    try:
        if given["when"] == "later" and given["send_at"]:
            at = datetime.fromisoformat(given["send_at"])
            body["send_at"] = at.replace(tzinfo=visit.zone).isoformat()
        written = await visit.api.post("/broadcasts", body, once=visit.text("once"))
        if given["when"] == "now":
            await visit.api.post(
                f"/broadcasts/{written.id}/start", once=f"{visit.text('once')}-start"
            )
    except ValueError:
        wrong = {"detail": "The time cannot be read. Choose a day and a time."}
        return await _planner(visit, given, Refused(422, wrong))
    except Refused as refused:
        if refused.status not in (404, 409, 422):
            raise
        return await _planner(visit, given, refused)
    toast = "The broadcast is on its way" if given["when"] == "now" else "The broadcast is planned"
    return visit.done(toast, go=f"/campaigns/{written.id}")


async def _planner(visit: Visit, given: dict[str, str], refused: Refused | None = None) -> Response:
    found, names = await asyncio.gather(
        parts(
            visit.api.get("/templates", limit=100),
            visit.api.get("/tags"),
            visit.api.get("/broadcasts", limit=50),
            visit.api.get("/segments", limit=200),
        ),
        visit.names(),
    )
    templates, tags, broadcasts, segments = found
    topics = {b["topic"] for b in broadcasts["items"]} if broadcasts else set()
    return visit.page(
        "campaigns/plan.html",
        status=422 if refused else 200,
        templates=templates["items"] if templates else [],
        tags=tags["items"] if tags else [],
        segments=segments["items"] if segments else [],
        topics=sorted({*topics, "Newsletter"}),
        names=names,
        filters=FILTERS,
        given=given,
        refused=refused,
    )


def _audience(visit: Visit) -> dict[str, Any]:
    if visit.text("whom") == "everyone":
        return {"everyone": True}
    typed = {name: visit.text(name) for name, _ in FILTERS} | {"owner": visit.text("owner")}
    segment = visit.text("segment")
    return {
        "segments": [segment] if segment else [],
        "tags": [*visit.texts("tags"), *_words(visit.text("more_tags"))],
        "match": visit.text("match") or "any",
        "filter": {name: _words(text) for name, text in typed.items() if text},
    }


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


@router.get("/{broadcast_id}")
async def broadcast(visit: Visiting, broadcast_id: str) -> Response:
    """How one stands and what came of it."""
    record = await visit.api.get(f"/broadcasts/{broadcast_id}")
    if visit.is_partial:
        return visit.page("campaigns/results.html", record=record)
    messages = None
    if visit.sees_records:
        path = f"/broadcasts/{broadcast_id}/messages"
        messages = (await parts(visit.api.get(path, limit=50)))[0]
    return visit.page("campaigns/broadcast.html", record=record, messages=messages, only="")


@router.get("/{broadcast_id}/messages")
async def messages(
    visit: Visiting, broadcast_id: str, status: str = "", cursor: str = ""
) -> Response:
    """Rows of its messages."""
    path = f"/broadcasts/{broadcast_id}/messages"
    shown = await visit.api.get(path, status=status, cursor=cursor, limit=50)
    return visit.page(
        "campaigns/message_rows.html", messages=shown, record={"id": broadcast_id}, only=status
    )


@router.post("/{broadcast_id}/{act}")
async def act(visit: Visiting, broadcast_id: str, act: str) -> Response:
    """Start, pause, resume or cancel it."""
    if act not in _ACTS:
        raise Refused(404, {"detail": "A broadcast can be started, paused, resumed or cancelled."})
    await visit.api.post(f"/broadcasts/{broadcast_id}/{act}")
    return visit.done(_ACTS[act])
