"""The list of contacts: search, filters, adding one, and changing many at once."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.formatting import plural
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/contacts")

_PAGE = 50
_AT_ONCE = 100
SORTS = (
    ("-activity", "Last activity"),
    ("name", "Name"),
    ("-created", "Newest first"),
    ("created", "Oldest first"),
)
_FILTERS = ("q", "tag", "segment", "owner", "company", "country", "sort")
_TYPED = ("first_name", "last_name", "email", "phone", "company", "city", "country", "birthday")


@router.get("")
async def contacts(visit: Visiting) -> Response:
    """The list, or only its rows when a filter changes or more are wanted."""
    asked = visit.request.query_params
    wanted = {name: asked.get(name, "") for name in _FILTERS}
    wanted["sort"] = wanted["sort"] or "-activity"
    found = visit.api.get("/contacts", **wanted, cursor=asked.get("cursor"), limit=_PAGE)
    if visit.is_partial:
        listed, names = await asyncio.gather(found, visit.names())
        return visit.page("contacts/rows.html", listed=listed, names=names, wanted=wanted)
    beside = parts(visit.api.get("/tags"), visit.api.get("/segments", limit=200))
    listed, (tags, segments), names = await asyncio.gather(found, beside, visit.names())
    return visit.page(
        "contacts/list.html",
        listed=listed,
        tags=tags["items"] if tags else [],
        segments=segments["items"] if segments else [],
        names=names,
        wanted=wanted,
        filtered=any(wanted[name] for name in _FILTERS if name != "sort"),
        sorts=SORTS,
    )


@router.get("/new")
async def new_contact(visit: Visiting, company: str = "") -> Response:
    """The drawer that adds one."""
    return visit.page("contacts/new.html", **await _choices(visit), given={"company": company})


@router.post("")
async def add_contact(visit: Visiting) -> Response:
    """Add one; what is wrong is said at the fields."""
    given = {name: visit.text(name) for name in _TYPED}
    body: dict[str, Any] = {name: value for name, value in given.items() if value}
    given["owner_id"] = visit.text("owner_id")
    given["tags"] = visit.text("tags")
    if given["owner_id"]:
        body["owner_id"] = given["owner_id"]
    if tags := [tag.strip() for tag in given["tags"].split(",") if tag.strip()]:
        body["tags"] = tags
    try:
        written = await visit.api.post("/contacts", body, once=visit.text("once"))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        choices = await _choices(visit)
        return visit.page("contacts/new.html", status=422, refused=refused, given=given, **choices)
    name = f"{given['first_name']} {given['last_name']}".strip() or given["email"]
    return visit.done(f"{name} is added", go=f"/contacts/{written.id}")


@router.post("/many")
async def change_many(visit: Visiting) -> Response:
    """Tag or assign all that are ticked, or put them into a list; what could not be changed is said
    with its reason."""
    ids, tag, owner = visit.texts("id"), visit.text("tag"), visit.text("owner_id")
    if ids and (into := visit.text("into")):
        return await _put_into(visit, ids, into)
    if not ids or not (tag or owner):
        raise Refused(422, {"detail": "Tick some contacts, and choose what to do with them."})
    done = await asyncio.gather(
        *(_change(visit, each, tag, owner) for each in ids), return_exceptions=True
    )
    reasons = [each.detail for each in done if isinstance(each, Refused)]
    for each in done:
        if isinstance(each, BaseException) and not isinstance(each, Refused):
            raise each
    count = len(ids) - len(reasons)
    told = f"{plural(count, 'contact')} {f'tagged “{tag}”' if tag else 'assigned'}"
    if reasons:
        told += f"; {plural(len(reasons), 'contact')} not: {reasons[0]}"
    undo = None
    if tag and not reasons:
        undo = {"url": "/contacts/many/untag", "values": {"id": ",".join(ids), "tag": tag}}
    return visit.done(told, undo=undo)


@router.post("/many/untag")
async def untag_many(visit: Visiting) -> Response:
    """Take the tag away again."""
    tag, ids = visit.text("tag"), visit.text("id").split(",")
    await asyncio.gather(
        *(visit.api.write("DELETE", f"/contacts/{each}/tags/{tag}") for each in ids)
    )
    return visit.done("Undone")


async def _put_into(visit: Visit, ids: list[str], segment_id: str) -> Response:
    path, entered = f"/segments/{segment_id}/members", 0
    for start in range(0, len(ids), _AT_ONCE):
        done = await visit.api.post(path, {"contact_ids": ids[start : start + _AT_ONCE]})
        entered += int(done.body["changed"])
    told = f"{plural(entered, 'contact')} put into the list"
    if entered < len(ids):  # who was in before would be taken out by Undo
        return visit.done(f"{told}; the others were in it")
    undo = {"url": "/contacts/many/out", "values": {"id": ",".join(ids), "into": segment_id}}
    return visit.done(told, undo=undo)


@router.post("/many/out")
async def take_many_out(visit: Visiting) -> Response:
    """Take them out of the list again."""
    ids, path = visit.text("id").split(","), f"/segments/{visit.text('into')}/members/remove"
    for start in range(0, len(ids), _AT_ONCE):
        await visit.api.post(path, {"contact_ids": ids[start : start + _AT_ONCE]})
    return visit.done("Undone")


async def _change(visit: Visit, contact_id: str, tag: str, owner: str) -> None:
    if tag:
        await visit.api.write("PUT", f"/contacts/{contact_id}/tags/{tag}")
    else:
        record = await visit.api.get(f"/contacts/{contact_id}")
        await visit.api.patch(
            f"/contacts/{contact_id}", {"owner_id": owner}, version=record["version"]
        )


async def _choices(visit: Visit) -> dict[str, Any]:
    names, companies = await asyncio.gather(
        visit.names(), parts(visit.api.get("/companies", limit=200, sort="name"))
    )
    return {"names": names, "companies": companies[0]["items"] if companies[0] else []}
