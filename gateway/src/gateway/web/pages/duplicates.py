"""Duplicates: the queue, two records side by side before they become one, and how to part them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import part
from gateway.web.rendering import spoken
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/contacts")

_PAGE = 30
THRESHOLDS = (("", "Never"), ("0.999", "From 99.9 %"), ("0.99", "From 99 %"), ("0.95", "From 95 %"))
_WORDS = {
    "jobs": "Companies",
    "owner_id": "Owner",
    "emails": "E-mail addresses",
    "phones": "Phone numbers",
}
_TYPED = ("first_name", "last_name", "email", "phone", "company", "city", "birthday")
_COMPARED = (*_TYPED[:4], "company_id", "city", "birthday", "custom")
_ASK_FROM = 0.5


@router.get("/similar")
async def similar(visit: Visiting) -> Response:
    """Who is there already, while somebody types a new one."""
    asked = visit.request.query_params
    entered = {name: asked[name].strip() for name in _TYPED if asked.get(name, "").strip()}
    found = await part(visit.api.post("/contacts/duplicates/check", entered)) if entered else None
    return visit.page("contacts/similar.html", found=found.body["items"] if found else [])


@router.get("/duplicates")
async def duplicates(visit: Visiting, cursor: str = "") -> Response:
    """The queue, the likeliest first."""
    listed = visit.api.get("/contacts/duplicates", limit=_PAGE, cursor=cursor)
    if visit.is_partial and cursor:
        return visit.page("duplicates/rows.html", listed=await listed, words=field_name)
    found, rule = await asyncio.gather(listed, visit.api.get("/contacts/duplicates/rule"))
    return visit.page(
        "duplicates/queue.html",
        listed=found,
        words=field_name,
        threshold="" if rule["threshold"] is None else f"{rule['threshold']:g}",
        thresholds=THRESHOLDS,
    )


@router.post("/duplicates/rule")
async def set_rule(visit: Visiting) -> Response:
    """From when on duplicates are merged by themselves."""
    threshold = visit.text("threshold")
    body = {"threshold": float(threshold) if threshold else None}
    await visit.api.write("PUT", "/contacts/duplicates/rule", body)
    return visit.done("Saved")


@router.get("/{contact_id}/like-others")
async def like_others(visit: Visiting, contact_id: str) -> Response:
    """Who looks like this person, for their page."""
    record = await visit.api.get(f"/contacts/{contact_id}")
    entered = {name: record[name] for name in _COMPARED if record.get(name)}
    found = await part(visit.api.post("/contacts/duplicates/check", {**entered, "id": contact_id}))
    items = found.body["items"] if found else []
    likely = [item for item in items if item["score"] >= _ASK_FROM]
    return visit.page("duplicates/like_others.html", found=likely, record=record)


@router.get("/{contact_id}/merge/{other_id}")
async def compare(visit: Visiting, contact_id: str, other_id: str) -> Response:
    """Both records side by side, and what would come of them."""
    path = f"/contacts/{contact_id}/merge?preview=true"
    shown = (await visit.api.post(path, {"duplicate_id": other_id})).body
    return visit.page("duplicates/merge.html", shown=shown, words=field_name)


@router.post("/{contact_id}/merge/{other_id}")
async def merge(visit: Visiting, contact_id: str, other_id: str) -> Response:
    """Merge them; the notice offers to take it back."""
    body = {"duplicate_id": other_id, "choices": _chosen(visit)}
    await visit.api.post(f"/contacts/{contact_id}/merge", body, version=visit.text("version"))
    undo = {"url": f"/contacts/{contact_id}/unmerge/{other_id}", "values": {}}
    return visit.done("Merged", go=f"/contacts/{contact_id}", undo=undo)


@router.post("/{contact_id}/told-apart/{other_id}")
async def tell_apart(visit: Visiting, contact_id: str, other_id: str) -> Response:
    """Remember that they are two people."""
    await visit.api.post(f"/contacts/{contact_id}/told-apart", {"other_id": other_id})
    return visit.done("Remembered: not the same person", html="<!-- told apart -->")


@router.get("/{contact_id}/unmerge/{other_id}")
async def ask_unmerge(visit: Visiting, contact_id: str, other_id: str) -> Response:
    """What taking the merge back does with each field."""
    path = f"/contacts/{contact_id}/unmerge?preview=true"
    shown = (await visit.api.post(path, {"duplicate_id": other_id})).body
    return visit.page("duplicates/unmerge.html", shown=shown, words=field_name)


@router.post("/{contact_id}/unmerge/{other_id}")
async def unmerge(visit: Visiting, contact_id: str, other_id: str) -> Response:
    """Take the merge back."""
    body = {"duplicate_id": other_id, "attributions": _chosen(visit)}
    await visit.api.post(f"/contacts/{contact_id}/unmerge", body)
    return visit.done("They are two records again", go=f"/contacts/{contact_id}")


def _chosen(visit: Visit) -> Mapping[str, Any]:
    """Whose value counts, of the fields for which somebody ticked one."""
    prefix = "of."
    return {
        name.removeprefix(prefix): visit.text(name)
        for name in visit.form
        if name.startswith(prefix) and visit.text(name) in ("survivor", "duplicate")
    }


def field_name(field: str) -> str:
    """A field as people call it."""
    bare = field.removeprefix("custom.")
    return _WORDS.get(bare) or spoken(bare)
