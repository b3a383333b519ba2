"""Settings: the workspace's own fields of contacts, added, changed and retired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused
from gateway.web.own_fields import TYPES, WITH_CHOICES
from gateway.web.pages.settings import settings_page
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/settings/fields")
_PATH = "/contacts/fields"


@router.get("")
async def own_fields(visit: Visiting) -> Response:
    """All of them."""
    fields = (await visit.api.get(_PATH))["items"]
    return settings_page(visit, "own_fields", fields=fields, types=dict(TYPES))


@router.get("/new")
async def new_own_field(visit: Visiting) -> Response:
    """The drawer that adds one."""
    return visit.page("settings/own_field.html", given={}, types=TYPES)


@router.post("")
async def add_own_field(visit: Visiting) -> Response:
    """Add one."""
    given = _given(visit)
    type_ = visit.text("type", "text")
    body = {**given, "type": type_, "key": visit.text("key") or None}
    if type_ not in WITH_CHOICES:
        body["choices"] = []
    try:
        await visit.api.post(_PATH, body, once=visit.text("once"))
    except Refused as refused:
        return _again(visit, {**given, "type": type_, "key": visit.text("key")}, refused)
    return visit.done(f"The field “{given['title']}” is added", close=True)


@router.get("/{key}")
async def own_field(visit: Visiting, key: str) -> Response:
    """The drawer that changes one."""
    record = await visit.api.get(f"{_PATH}/{key}")
    return visit.page("settings/own_field.html", record=record, given=record, types=TYPES)


@router.post("/{key}")
async def change_own_field(visit: Visiting, key: str) -> Response:
    """Change title, description, choices, or whether it is needed."""
    given = _given(visit)
    try:
        await visit.api.patch(f"{_PATH}/{key}", given, version=visit.text("version"))
    except Refused as refused:
        record = await visit.api.get(f"{_PATH}/{key}")
        return _again(visit, {**record, **given}, refused, record)
    return visit.done(f"The field “{given['title']}” is changed", close=True)


@router.post("/{key}/retire")
async def retire_own_field(visit: Visiting, key: str) -> Response:
    """Ask for it no more."""
    await visit.api.write("DELETE", f"{_PATH}/{key}")
    return visit.done("The field is retired; what contacts have in it stays", close=True)


def _given(visit: Visit) -> dict[str, Any]:
    choices = [line.strip() for line in visit.text("choices").splitlines() if line.strip()]
    return {
        "title": visit.text("title"),
        "description": visit.text("description") or None,
        "required": visit.text("required") == "1",
        "choices": choices,
    }


def _again(
    visit: Visit, given: Mapping[str, Any], refused: Refused, record: Any = None
) -> Response:
    if refused.status not in (404, 409, 412, 422):
        raise refused
    return visit.page(
        "settings/own_field.html",
        status=422,
        record=record,
        given=given,
        refused=refused,
        types=TYPES,
    )
