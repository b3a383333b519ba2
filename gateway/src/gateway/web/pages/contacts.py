"""The list of contacts: search, filters, saved views, and adding one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.fields import find
from gateway.web.listing import COLUMNS, SORTS, listing
from gateway.web.pages.contact_record import CONTACT, own_fields
from gateway.web.pages.inline import inline_router
from gateway.web.pages.many import ACTIONS, FIELDS
from gateway.web.pages.views import my_views
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/contacts")
CELLS = replace(CONTACT, page="/contacts/cells", cells=True)
cells_router = inline_router(CELLS)

_PAGE = 50
_EDITABLE = {
    name: field
    for name in ("company", "email", "phone", "owner", "city", "country")
    if (field := find(CELLS.fields, "owner_id" if name == "owner" else name))
}
"""The columns whose cells are edited in the list."""
_TYPED = ("first_name", "last_name", "email", "phone", "company", "city", "country", "birthday")


@router.get("")
async def contacts(visit: Visiting) -> Response:
    """The list, or only its table when a filter changes, or only rows when more are wanted."""
    asked = visit.request.query_params
    views = await my_views(visit)
    shown, as_of = listing(asked, asked.getlist("columns"), views), asked.get("as_of", "").strip()
    layout, cursor = shown.layout.of_the_past() if as_of else shown.layout, asked.get("cursor")
    found = visit.api.get(
        "/contacts", **layout.filters, as_of=as_of, sort=layout.sort, cursor=cursor, limit=_PAGE
    )
    context: dict[str, Any] = {
        "shown": shown,
        "layout": layout,
        "as_of": as_of,
        "may_change": visit.may("contacts.write") and not as_of,
        "columns": [column for column in COLUMNS if not as_of or column[0] != "activity"],
        "kind": CELLS,
        "editable": _EDITABLE,
    }
    if visit.is_partial:
        listed, names = await asyncio.gather(found, visit.names())
        template = "contacts/rows.html" if cursor else "contacts/table.html"
        return visit.page(template, listed=listed, names=names, **context)
    beside = parts(visit.api.get("/tags"), visit.api.get("/segments", limit=200))
    listed, (tags, segments), names = await asyncio.gather(found, beside, visit.names())
    return visit.page(
        "contacts/list.html",
        listed=listed,
        tags=tags["items"] if tags else [],
        segments=segments["items"] if segments else [],
        names=names,
        views=views,
        sorts=[sort for sort in SORTS if not as_of or sort[0] != "-activity"],
        actions=ACTIONS,
        settable=" ".join(name for name, _ in FIELDS),
        **context,
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
    choices = await _choices(visit)
    own = {field.path: "; ".join(visit.texts(field.path)) for field in choices["own_fields"]}
    if custom := {f.key: own[f.path] for f in choices["own_fields"] if own[f.path]}:
        body["custom"] = custom
    if tags := [tag.strip() for tag in given["tags"].split(",") if tag.strip()]:
        body["tags"] = tags
    try:
        written = await visit.api.post("/contacts", body, once=visit.text("once"))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        given |= own
        return visit.page("contacts/new.html", status=422, refused=refused, given=given, **choices)
    name = f"{given['first_name']} {given['last_name']}".strip() or given["email"]
    return visit.done(f"{name} is added", go=f"/contacts/{written.id}")


async def _choices(visit: Visit) -> dict[str, Any]:
    names, own, (companies,) = await asyncio.gather(
        visit.names(),
        own_fields(visit),
        parts(visit.api.get("/companies", limit=200, sort="name")),
    )
    listed = companies["items"] if companies else []
    return {"names": names, "companies": listed, "own_fields": own}
