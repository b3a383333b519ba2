"""Segments: the list, the builder with its live count, one with its members, and why or why not."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, part, parts
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/segments")
of_contact = APIRouter(prefix="/contacts")

_PAGE = 50
_ACTS = {"archive": "Archived; its members stay as they are", "restore": "It is in use again"}
CAUSES = {
    "condition": "by the condition",
    "by-hand": "by hand",
    "frozen": "when it was frozen",
    "merge": "when two records were merged",
    "unmerge": "when a merge was taken back",
}


@router.get("")
async def segments(visit: Visiting, archived: str = "", cursor: str = "") -> Response:
    """The list, with how many people are in each."""
    asked = {"archived": "true"} if archived else {}
    listed = await visit.api.get("/segments", **asked, cursor=cursor, limit=_PAGE)
    template = "segments/rows.html" if cursor else "segments/list.html"
    return visit.page(template, listed=listed, archived=bool(archived))


@router.get("/new")
async def new_segment(visit: Visiting, kind: str = "dynamic") -> Response:
    """The builder, empty; for a static one only its name."""
    return await _builder(visit, {"kind": kind})


@router.post("")
async def add_segment(visit: Visiting) -> Response:
    """Add one."""
    given = _given(visit)
    given["kind"] = visit.text("kind", "dynamic")
    body = {name: given[name] for name in ("name", "kind") if given[name]}
    body |= {"description": given["description"] or None}
    if given["kind"] == "dynamic":
        body["condition"] = given["condition"]
    try:
        written = await visit.api.post("/segments", body, once=visit.text("once"))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        return await _builder(visit, given, refused)
    return visit.done(f"{given['name']} is added", go=f"/segments/{written.id}")


@router.post("/preview")
async def preview(visit: Visiting) -> Response:
    """How many people fulfil what is being put together, and some of them."""
    condition = _condition(visit)
    if not condition:
        return visit.page("segments/count.html", found=None)
    found = await part(visit.api.post("/segments/preview", {"condition": condition}))
    return visit.page("segments/count.html", found=found.body if found else found)


@router.get("/{segment_id}")
async def segment(
    visit: Visiting, segment_id: str, tab: str = "members", as_of: str = "", cursor: str = ""
) -> Response:
    """One with its members now or at a moment, or with who came and went."""
    path = f"/segments/{segment_id}"
    what, more = ("moves", {}) if tab == "moves" else ("members", {"as_of": _moment(visit, as_of)})
    shown = part(visit.api.get(f"{path}/{what}", cursor=cursor, limit=_PAGE, **more))
    if cursor:
        record, listed = {"id": segment_id}, await shown
        template = f"segments/{what[:-1]}_rows.html"
    else:
        record, listed = await asyncio.gather(visit.api.get(path), shown)
        template = "segments/record.html"
    return visit.page(
        template,
        record=record,
        listed=listed,
        tab=what,
        as_of=as_of,
        causes=CAUSES,
        may_edit=visit.may("contacts.write") and not record.get("archived"),
        may_fill=visit.may("contacts.write") and record.get("kind") == "static" and not as_of,
    )


@router.get("/{segment_id}/edit")
async def edit_segment(visit: Visiting, segment_id: str) -> Response:
    """The builder, with what the segment says."""
    record = await visit.api.get(f"/segments/{segment_id}")
    return await _builder(visit, record)


@router.post("/{segment_id}/edit")
async def change_segment(visit: Visiting, segment_id: str) -> Response:
    """Save what was changed."""
    given = {**_given(visit), "id": segment_id, "kind": visit.text("kind")}
    body = {"name": given["name"], "description": given["description"] or None}
    if given["kind"] == "dynamic":
        body["condition"] = given["condition"]
    version = visit.text("version")
    try:
        await visit.api.patch(f"/segments/{segment_id}", body, version=version)
    except Refused as refused:
        if refused.status not in (409, 412, 422):
            raise
        return await _builder(visit, {**given, "version": version}, refused)
    return visit.done("Saved", go=f"/segments/{segment_id}")


@router.get("/{segment_id}/freeze")
async def ask_freeze(visit: Visiting, segment_id: str) -> Response:
    """What the frozen copy is called."""
    record = await visit.api.get(f"/segments/{segment_id}")
    return visit.page("segments/freeze.html", record=record, given={}, refused=None)


@router.post("/{segment_id}/freeze")
async def freeze(visit: Visiting, segment_id: str) -> Response:
    """Keep who is in now as a segment of its own."""
    body, path = {"name": visit.text("name")}, f"/segments/{segment_id}"
    try:
        written = await visit.api.post(f"{path}/freeze", body, once=visit.text("once"))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        record = await visit.api.get(path)
        return visit.page(
            "segments/freeze.html", status=422, record=record, given=body, refused=refused
        )
    return visit.done("Its members of now are kept", go=f"/segments/{written.id}")


@router.post("/{segment_id}/members")
async def add_member(visit: Visiting, segment_id: str) -> Response:
    """Put somebody in."""
    contact = visit.text("contact_id")
    if not contact:
        raise Refused(422, {"detail": "Search for somebody, and choose them from the list."})
    await visit.api.post(f"/segments/{segment_id}/members", {"contact_ids": [contact]})
    return visit.done("Put in", go=f"/segments/{segment_id}")


@router.post("/{segment_id}/members/remove")
async def remove_member(visit: Visiting, segment_id: str) -> Response:
    """Take somebody out; it can be undone."""
    body = {"contact_ids": [visit.text("contact_id")]}
    await visit.api.post(f"/segments/{segment_id}/members/remove", body)
    undo = {
        "url": f"/segments/{segment_id}/members",
        "values": {"contact_id": body["contact_ids"][0]},
    }
    return visit.done("Taken out", go=f"/segments/{segment_id}", undo=undo)


@router.post("/{segment_id}/{act}")
async def act(visit: Visiting, segment_id: str, act: str) -> Response:
    """Archive it, or use it again."""
    if act not in _ACTS:
        raise Refused(404, {"detail": "A segment can be archived and restored."})
    await visit.api.post(f"/segments/{segment_id}/{act}")
    return visit.done(_ACTS[act], go=f"/segments/{segment_id}")


@of_contact.get("/{contact_id}/segments")
async def segments_of(visit: Visiting, contact_id: str) -> Response:
    """The card on somebody's record: in which segments they are, and why or why not."""
    found = await part(visit.api.get(f"/contacts/{contact_id}/segments"))
    return visit.page("segments/card.html", found=found)


def _given(visit: Visit) -> dict[str, Any]:
    return {
        "name": visit.text("name"),
        "description": visit.text("description"),
        "condition": _condition(visit),
    }


def _condition(visit: Visit) -> Any:
    """What the builder has put together; None if that is nothing."""
    try:
        return json.loads(visit.text("condition") or "null")
    except ValueError:
        return None


def _moment(visit: Visit, said: str) -> str | None:
    """A day as it is named; a time as the workspace's clocks show it."""
    if "T" not in said:
        return said or None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return said
    return (moment if moment.tzinfo else moment.replace(tzinfo=visit.zone)).isoformat()


async def _builder(visit: Visit, given: dict[str, Any], refused: Refused | None = None) -> Response:
    (fields, tags), names = await asyncio.gather(
        parts(visit.api.get("/segments/fields"), visit.api.get("/tags")), visit.names()
    )
    if not fields:
        raise fields.why
    known = {
        **fields,
        "tags": [entry["tag"] for entry in tags["items"]] if tags else [],
        "owners": names,
        "currency": visit.currency,
    }
    return visit.page(
        "segments/builder.html",
        status=422 if refused else 200,
        given=given,
        known=known,
        refused=refused,
    )
