"""One contact: fields, timeline, deals, history, and how it all was at any earlier moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.fields import Field, FirstOf, FullName, NameOf
from gateway.web.own_fields import OwnField, sorted_out
from gateway.web.pages.inline import Choices, Editable, inline_router
from gateway.web.visiting import Visit, Visiting, go_to

router = APIRouter(prefix="/contacts")

KINDS = (
    ("note", "Note"),
    ("call", "Call"),
    ("meeting", "Meeting"),
    ("email", "E-mail"),
    ("chat", "Chat"),
)
FIELDS = (
    FullName("name", "Name"),
    FirstOf("email", "E-mail", "email", many="emails", key="address"),
    FirstOf("phone", "Phone", "tel", many="phones", key="number"),
    NameOf("company", "Company"),
    Field("owner_id", "Owner", choices="owners"),
    Field("birthday", "Birthday", "date"),
    Field("city", "City"),
    Field("country", "Country", hint="Two letters, like DE"),
    Field("language", "Language", hint="Like de or en"),
    Field("time_zone", "Time zone", hint="Like Europe/Berlin"),
    Field("source", "Source"),
)


_SHOWN_ON_CARD = 3
_PAGE = 40


async def own_fields(visit: Visit) -> Sequence[OwnField]:
    """The workspace's own fields of contacts; none if they cannot be had."""
    [found] = await parts(visit.api.get("/contacts/fields"))
    return [OwnField.of(each) for each in found["items"]] if found else []


async def _field_choices(visit: Visit) -> Choices:
    names, own = await asyncio.gather(visit.names(), own_fields(visit))
    return _choices(names, own)


def _choices(names: Mapping[str, str], own: Sequence[OwnField]) -> Choices:
    return {"owners": list(names.items()), **{field.name: field.pairs for field in own}}


CONTACT = Editable(
    "/contacts",
    "/contacts",
    FIELDS,
    "contacts.write",
    _field_choices,
    "contact",
    own=own_fields,
)
fields_router = inline_router(CONTACT)


@router.get("/{contact_id}")
async def contact(
    visit: Visiting, contact_id: str, tab: str = "timeline", as_of: str = ""
) -> Response:
    """The record; with `as_of` as it was then."""
    path = f"/contacts/{contact_id}"
    try:
        record = await visit.api.get(path, as_of=as_of)
    except Refused as refused:
        if refused.code == "erased" and visit.me.get("sees") == "all":
            return go_to(visit.request, f"{path}/erased")
        raise
    if record.get("merged_into"):
        return go_to(visit.request, f"/contacts/{record['id']}")
    asked = [visit.api.get(f"{path}/history")]
    if tab == "timeline":
        asked.append(visit.api.get(f"{path}/timeline", as_of=as_of, limit=_PAGE))
    elif tab == "deals":
        asked.append(visit.api.get("/deals", contact=contact_id, limit=50))
    elif tab == "purchases":
        asked.append(visit.api.get(f"{path}/purchases", limit=_PAGE))
    beside = [visit.api.get("/tags")]
    if not as_of:
        beside.append(visit.api.get(f"{path}/purchases", limit=_SHOWN_ON_CARD))
    found, names, own, (tags, *bought) = await asyncio.gather(
        parts(*asked), visit.names(), own_fields(visit), parts(*beside)
    )
    return visit.page(
        "contacts/record.html",
        record=record,
        kind=CONTACT,
        choices=_choices(names, own),
        own_fields=own,
        undefined=sorted_out(record.get("custom") or {}, own),
        names=names,
        tab=tab,
        as_of=as_of,
        history=found[0],
        shown=found[1] if len(found) > 1 else None,
        kinds=KINDS,
        only="",
        new_deal=f"/pipeline/deals/new?contact={contact_id}",
        known_tags=tags["items"] if tags else [],
        bought=bought[0] if bought else None,
        may_edit=visit.may("contacts.write") and not as_of,
        base=path,
        comparable=True,
    )


@router.get("/{contact_id}/timeline")
async def timeline(
    visit: Visiting, contact_id: str, kind: str = "", cursor: str = "", as_of: str = ""
) -> Response:
    """More rows of the timeline, or those of one kind."""
    path = f"/contacts/{contact_id}"
    shown = await visit.api.get(
        f"{path}/timeline", kind=kind, as_of=as_of, cursor=cursor, limit=_PAGE
    )
    return visit.page(
        "record/timeline_rows.html",
        shown=shown,
        base=path,
        only=kind,
        more=bool(cursor),
        as_of=as_of,
    )


@router.get("/{contact_id}/purchases")
async def purchases(visit: Visiting, contact_id: str, cursor: str = "") -> Response:
    """More of what somebody bought."""
    path = f"/contacts/{contact_id}"
    shown = await visit.api.get(f"{path}/purchases", cursor=cursor, limit=_PAGE)
    return visit.page("record/purchase_rows.html", shown=shown, base=path)


@router.post("/{contact_id}/interactions")
async def log_interaction(visit: Visiting, contact_id: str) -> Response:
    """Log a note, a call, a meeting …; the timeline shows it at once."""
    body: dict[str, Any] = {"kind": visit.text("kind", "note"), "text": visit.text("text")}
    path = f"/contacts/{contact_id}"
    await visit.api.post(f"{path}/interactions", body, once=visit.text("once"))
    shown = await visit.api.get(f"{path}/timeline", limit=_PAGE)
    html = visit.html(
        "record/timeline.html", shown=shown, base=path, only="", kinds=KINDS, may_edit=True
    )
    return visit.done("Logged", html=html)


@router.post("/{contact_id}/tags")
async def add_tag(visit: Visiting, contact_id: str) -> Response:
    """Add a tag."""
    tag = visit.text("tag")
    if tag:
        await visit.api.write("PUT", f"/contacts/{contact_id}/tags/{quote(tag, safe='')}")
    return await _tags(visit, contact_id)


@router.post("/{contact_id}/tags/remove")
async def remove_tag(visit: Visiting, contact_id: str) -> Response:
    """Take a tag away; it can be undone."""
    tag = visit.text("tag")
    await visit.api.write("DELETE", f"/contacts/{contact_id}/tags/{quote(tag, safe='')}")
    undo = {"url": f"/contacts/{contact_id}/tags", "values": {"tag": tag}, "reload": True}
    return await _tags(visit, contact_id, f"“{tag}” is taken away", undo)


async def _tags(
    visit: Visit, contact_id: str, toast: str | None = None, undo: Any = None
) -> Response:
    record = await visit.api.get(f"/contacts/{contact_id}")
    html = visit.html(
        "record/tags.html", record=record, base=f"/contacts/{contact_id}", may_edit=True
    )
    return visit.done(toast, html=html, undo=undo)
