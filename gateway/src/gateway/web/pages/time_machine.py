"""The time machine: a record then compared with now, and one change of it taken back."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused
from gateway.web.rendering import query
from gateway.web.visiting import Visit, Visiting

router = APIRouter()

_LOOK_AGAIN = (409, 412, 422)
_MEANWHILE = "Somebody changed this record meanwhile. This is how it stands now: look again."
_NOTHING_TICKED = "Tick at least one field that is to be restored."


@router.get("/contacts/{record_id}/compare")
async def compare_contact(visit: Visiting, record_id: str, as_of: str) -> Response:
    """What is different now from how a contact was then."""
    return await _compared(visit, f"/contacts/{record_id}", as_of)


@router.get("/companies/{record_id}/compare")
async def compare_company(visit: Visiting, record_id: str, as_of: str) -> Response:
    """What is different now from how a company was then."""
    return await _compared(visit, f"/companies/{record_id}", as_of)


async def _compared(visit: Visit, path: str, as_of: str) -> Response:
    found = await visit.api.get(f"{path}/diff", from_=as_of)
    events = {event["id"]: event for event in found["events"]}
    return visit.page("record/compare.html", found=found, events=events, as_of=as_of, base=path)


@router.get("/changes/{change_id}/undo")
async def ask_undo(visit: Visiting, change_id: str) -> Response:
    """What undoing a change would do: what becomes what, and what somebody changed since."""
    return await _asked(visit, change_id)


@router.post("/changes/{change_id}/undo")
async def undo(visit: Visiting, change_id: str) -> Response:
    """Undo it: of the fields those that are ticked, or (`all`) those that nobody changed since."""
    body: dict[str, Any] = {}
    if not visit.text("all"):
        body["fields"] = visit.texts("fields")
        if not body["fields"]:
            return await _asked(visit, change_id, wrong=_NOTHING_TICKED)
    version, once = visit.text("version"), visit.text("once")
    path = f"/changes/{change_id}/undo"
    try:
        done = await visit.api.post(path, body, version=version, once=once or None)
    except Refused as refused:
        if refused.status not in _LOOK_AGAIN or visit.text("all"):
            raise
        return await _asked(
            visit, change_id, wrong=_MEANWHILE if refused.status == 412 else refused.detail
        )
    base = visit.text("base") or f"/contacts/{done.id}"
    event = done.body["event_id"]
    return visit.done(
        "The change is undone",
        go=query(base, tab="history"),
        undo={"url": f"/changes/{event}/undo", "values": {"all": "1"}, "reload": True},
        link={"url": f"{query(base, tab='history')}#change-{event}", "label": "Show"},
    )


async def _asked(visit: Visit, change_id: str, wrong: str = "") -> Response:
    shown = (await visit.api.post(f"/changes/{change_id}/undo?preview=true")).body
    base = f"/{shown['record']['kind']}/{shown['record']['id']}"
    return visit.page(
        "record/undo.html", status=422 if wrong else 200, shown=shown, base=base, wrong=wrong
    )
