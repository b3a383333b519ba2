"""Changing many contacts at once: those that are ticked, or all that the list has with its filters.

It is done in the background; the page shows how far it is, who stays as they were and why, and
takes it back as one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.formatting import plural
from gateway.web.listing import FILTERS
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/contacts/many")

FIELDS = (
    ("city", "Set the city"),
    ("country", "Set the country"),
    ("language", "Set the language"),
    ("time_zone", "Set the time zone"),
    ("source", "Set the source"),
)
ACTIONS = (
    ("add_tag", "Add a tag"),
    ("remove_tag", "Take a tag off"),
    ("owner", "Assign to"),
    *FIELDS,
)
_AT_ONCE = 100
_NAMED = 3
_REASONS_NAMED = 3
_RECENT = 20


@router.get("/count")
async def count(visit: Visiting) -> Response:
    """How many contacts the list has with these filters."""
    found = await visit.api.get("/contacts/count", **_filters(visit.request.query_params))
    return visit.page("contacts/many_count.html", people=found["people"])


@router.get("/recent")
async def recent(visit: Visiting) -> Response:
    """The box with the latest changes of many, each with its Undo."""
    found, names = await asyncio.gather(
        visit.api.get("/contacts/bulk", limit=_RECENT), visit.names()
    )
    changes = [
        {**record, "did": _did(record, names)}
        for record in found["items"]
        if not (record["undoes"] or record["preview"])
    ]
    return visit.page("contacts/many_recent.html", changes=changes)


@router.post("")
async def change_many(visit: Visiting) -> Response:
    """Begin; the answer shows how far it is."""
    do, ids, all_ = visit.text("do", "add_tag"), visit.texts("id"), visit.text("all") == "1"
    if not (ids or all_):
        raise Refused(422, {"detail": "Tick some contacts first."})
    if do == "into":
        return await _put_into(visit, ids, all_)
    form = {name: visit.text(name) for name in FILTERS}
    whom: dict[str, Any] = {"filter": _filters(form)} if all_ else {"ids": ids}
    try:
        written = await visit.api.post("/contacts/bulk", {**whom, "action": _action(visit, do)})
    except Refused as refused:
        if refused.status != 422:
            raise
        raise Refused(422, {"detail": refused.at_one_field()}) from refused
    response = await _told(visit, written.id)
    response.headers["HX-Trigger"] = json.dumps({"everlog:ticks-used": {}})
    return response


@router.get("/{bulk_id}")
async def progress(visit: Visiting, bulk_id: str) -> Response:
    """How far it is, and what became of it."""
    return await _told(visit, bulk_id)


@router.post("/{bulk_id}/undo")
async def undo(visit: Visiting, bulk_id: str) -> Response:
    """Take it back; the answer shows how far that is."""
    written = await visit.api.post(f"/contacts/bulk/{bulk_id}/undo")
    return await _told(visit, written.id)


@router.post("/out")
async def take_many_out(visit: Visiting) -> Response:
    """Take them out of the list again."""
    ids, path = visit.text("id").split(","), f"/segments/{visit.text('into')}/members/remove"
    for start in range(0, len(ids), _AT_ONCE):
        await visit.api.post(path, {"contact_ids": ids[start : start + _AT_ONCE]})
    return visit.done("Undone")


def _filters(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name in FILTERS if (value := given.get(name, ""))}


def _action(visit: Visit, do: str) -> dict[str, Any]:
    if do in ("add_tag", "remove_tag"):
        if not visit.text("tag_meant"):
            raise Refused(422, {"detail": "Say which tag is meant."})
        return {do: visit.text("tag_meant")}
    if do == "owner":
        return {"set_owner": visit.text("owner_id") or None}
    if do not in dict(FIELDS):
        raise Refused(422, {"detail": "Choose what to do with them."})
    return {"set": {do: visit.text("value") or None}}


async def _told(visit: Visit, bulk_id: str) -> Response:
    record = await visit.api.get(f"/contacts/bulk/{bulk_id}")
    over = record["status"] in ("done", "failed")
    names = await visit.names()
    response = visit.page(
        "contacts/many_progress.html",
        record=record,
        over=over,
        did=_did(record, names),
        who=await _who(visit, record) if over else {},
    )
    if over:
        response.headers["HX-Trigger"] = json.dumps({"everlog:changed": {}})
    return response


def _did(record: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What was done to those who changed, in words."""
    if record["undoes"]:
        return "as before again"
    action = record["action"] or {}
    if "add_tag" in action:
        return f"tagged “{action['add_tag']}”"
    if "remove_tag" in action:
        return f"without “{action['remove_tag']}” now"
    if "set_owner" in action:
        owner = action["set_owner"]
        return f"assigned to {names.get(owner, 'somebody')}" if owner else "without an owner now"
    fields = ", ".join(name.replace("_", " ") for name in action.get("set", ()))
    return f"with a new {fields}"


async def _who(visit: Visit, record: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Some of those who stay as they were, by reason: those who can be shown."""
    shown = {each["reason"]: each["ids"][:_NAMED] for each in record["failures"][:_REASONS_NAMED]}
    asked = [id_ for ids in shown.values() for id_ in ids]
    found = await parts(*(visit.api.get(f"/contacts/{id_}") for id_ in asked))
    people = {id_: person for id_, person in zip(asked, found, strict=True) if person}
    return {
        reason: [{"id": id_, "name": people[id_]["name"]} for id_ in ids if id_ in people]
        for reason, ids in shown.items()
    }


async def _put_into(visit: Visit, ids: list[str], all_: bool) -> Response:
    segment_id, entered = visit.text("into"), 0
    if all_:
        told = "A list takes contacts that are ticked one by one. Make a segment of this filter."
        raise Refused(422, {"detail": told})
    if not segment_id:
        raise Refused(422, {"detail": "Choose the list to put them into."})
    path = f"/segments/{segment_id}/members"
    for start in range(0, len(ids), _AT_ONCE):
        done = await visit.api.post(path, {"contact_ids": ids[start : start + _AT_ONCE]})
        entered += int(done.body["changed"])
    told = f"{plural(entered, 'contact')} put into the list"
    if entered < len(ids):  # who was in before would be taken out by Undo
        return visit.done(f"{told}; the others were in it")
    undo = {"url": "/contacts/many/out", "values": {"id": ",".join(ids), "into": segment_id}}
    return visit.done(told, undo=undo)
