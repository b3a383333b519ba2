"""Importing a file: look at it, say which column is which, check it, run it, watch it, mend rows
that failed, take it back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.own_fields import columns_named
from gateway.web.pages.contact_record import own_fields
from gateway.web.visiting import Visiting

router = APIRouter(prefix="/import")

TYPES = (
    ("contacts", "Contacts", "contacts.write"),
    ("companies", "Companies", "contacts.write"),
    ("purchases", "Purchases", "contacts.write"),
    ("deals", "Deals", "deals.write"),
    ("products", "Products", "settings.write"),
    ("users", "Users", "identity.manage"),
)


_NOT_YOURS = "Your role does not import files. An administrator of your workspace can do that."
_MENDED_AT_ONCE = 100
_UNDONE = ("contacts",)


@router.get("")
async def imports(visit: Visiting, type: str = "contacts") -> Response:
    """The form, and what was imported before."""
    if not visit.may("imports.run"):
        raise Refused(403, {"title": "Your role does not allow this", "detail": _NOT_YOURS})
    types = [(key, label) for key, label, needs in TYPES if visit.may(needs)]
    past = (await parts(visit.api.get("/imports", limit=20)))[0]
    if visit.is_partial:
        return visit.page("imports/past.html", past=past)
    return visit.page("imports/imports.html", types=types, chosen=type, past=past)


@router.post("/mapping")
async def mapping(visit: Visiting) -> Response:
    """What the API has found in a file, as a table to choose from."""
    try:
        preview: Any = msgspec.json.decode(visit.text("preview"))
    except msgspec.DecodeError as error:
        raise Refused(
            422, {"detail": "The file could not be looked at. Choose it again."}
        ) from error
    own = await own_fields(visit) if preview.get("own_fields") else []
    columns = [str(column["name"]) for column in preview.get("columns") or ()]
    chosen = columns_named(columns, own, preview.get("mapping") or {})
    return visit.page("imports/mapping.html", preview=preview, own_fields=own, chosen_of=chosen)


@router.get("/{import_id}")
async def progress(visit: Visiting, import_id: str) -> Response:
    """How far an import or a check is, and of a check what it would do to some rows."""
    record = await visit.api.get(f"/imports/{import_id}")
    examples: list[Any] = []
    if record["status"] == "done" and record["dry_run"]:
        examples = (await visit.api.get(f"/imports/{import_id}/examples"))["items"]
    undoable = record.get("type") in _UNDONE and not record.get("undone_by")
    response = visit.page(
        "imports/progress.html", record=record, examples=examples, undoable=undoable
    )
    if record["status"] == "done" and not record["dry_run"]:
        response.headers["HX-Trigger"] = json.dumps({"everlog:imported": {}})
    return response


@router.get("/{import_id}/errors")
async def errors(visit: Visiting, import_id: str) -> Response:
    """The rows that failed, to be mended here."""
    record = await visit.api.get(f"/imports/{import_id}")
    found = await visit.api.get(f"/imports/{import_id}/errors", limit=_MENDED_AT_ONCE)
    return visit.page("imports/errors.html", record=record, found=found)
