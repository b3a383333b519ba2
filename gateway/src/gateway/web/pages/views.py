"""Saved views of the list of contacts: kept, changed, shared, taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.listing import Listing, listing
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/contacts/views")

_MOST = 100


async def my_views(visit: Visit) -> Sequence[Mapping[str, Any]]:
    """The views that this visitor sees; none if they cannot be had."""
    [found] = await parts(visit.api.get("/contacts/views", limit=_MOST))
    return found["items"] if found else []


@router.get("/bar")
async def bar(visit: Visiting) -> Response:
    """What can be done with a list that differs from its view."""
    asked = visit.request.query_params
    shown = listing(asked, asked.getlist("columns"), await my_views(visit))
    return visit.page("contacts/views_bar.html", shown=shown)


@router.get("/new")
async def new_view(visit: Visiting) -> Response:
    """The box that keeps what is shown under a name."""
    return visit.page("contacts/view_new.html", given={})


@router.post("")
async def add_view(visit: Visiting) -> Response:
    """Keep it."""
    name, shared = visit.text("name"), visit.text("shared") == "1"
    body = {"name": name, "shared": shared, **(await _sent(visit)).layout.body()}
    try:
        written = await visit.api.post("/contacts/views", body, once=visit.text("once"))
        if visit.text("default") == "1":
            await _open_with(visit, written.id)
    except Refused as refused:
        if refused.status not in (403, 409, 422):
            raise
        given = {"name": name, "shared": shared}
        return visit.page("contacts/view_new.html", status=422, refused=refused, given=given)
    return visit.done(f"“{name}” is saved", go=f"/contacts?view={written.id}")


@router.post("/{view_id}/layout")
async def save_layout(visit: Visiting, view_id: str) -> Response:
    """Let the view show what is shown."""
    shown = await _sent(visit)
    if shown.view is None:
        raise Refused(404, {"detail": "This view is not there any more. Save it as a new one."})
    path, version = f"/contacts/views/{view_id}", shown.view["version"]
    await visit.api.patch(path, shown.layout.body(), version=version)
    return visit.done(f"“{shown.view['name']}” is saved", go=f"/contacts?view={view_id}")


@router.get("/{view_id}/edit")
async def edit_view(visit: Visiting, view_id: str) -> Response:
    """The box that renames, shares or takes away."""
    return visit.page("contacts/view_edit.html", view=await _one(visit, view_id))


@router.post("/{view_id}")
async def change_view(visit: Visiting, view_id: str) -> Response:
    """Name, who sees it, whether the list opens with it."""
    view, default = await _one(visit, view_id), visit.text("default") == "1"
    if may_change(visit, view):
        body = {"name": visit.text("name"), "shared": visit.text("shared") == "1"}
        try:
            version = visit.text("version")
            await visit.api.patch(f"/contacts/views/{view_id}", body, version=version)
        except Refused as refused:
            if refused.status not in (403, 409, 422):
                raise
            context = {"view": {**view, **body}, "refused": refused}
            return visit.page("contacts/view_edit.html", status=422, **context)
    if default != view["default"]:
        await _open_with(visit, view_id if default else None)
    return visit.done("Saved", go=f"/contacts?view={view_id}")


@router.post("/{view_id}/remove")
async def remove_view(visit: Visiting, view_id: str) -> Response:
    """Take it away."""
    await visit.api.write("DELETE", f"/contacts/views/{view_id}")
    return visit.done("The view is taken away", go="/contacts?view=all")


def may_change(visit: Visit, view: Mapping[str, Any]) -> bool:
    """Whether it is the visitor's own view, or they may change everybody's."""
    return view["owner_id"] == visit.me.get("id") or visit.may("settings.write")


async def _sent(visit: Visit) -> Listing:
    given = {name: visit.text(name) for name in visit.form}
    return listing(given, visit.texts("columns"), await my_views(visit))


async def _one(visit: Visit, view_id: str) -> Mapping[str, Any]:
    view: Mapping[str, Any] = await visit.api.get(f"/contacts/views/{view_id}")
    return {**view, "mine": may_change(visit, view)}


async def _open_with(visit: Visit, view_id: str | None) -> None:
    await visit.api.write("PUT", "/contacts/views/default", {"view_id": view_id})
