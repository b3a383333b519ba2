"""Saved views of the list of contacts over HTTP: one's own, and those that all see."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from chassis.errors import Forbidden, NotFound
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import Principal, require
from chassis.http.reading import Reading
from chassis.http.writing import Write, Writing
from chassis.ids import new_id
from contacts.api.bodies import Body, Text
from contacts.domain.default_view import DEFAULT_VIEW, ChooseDefaultView
from contacts.domain.saved_view import (
    COLUMNS,
    SAVED_VIEW,
    AddSavedView,
    ChangeSavedView,
    Layout,
    RemoveSavedView,
    SavedView,
    existing,
)
from contacts.read_models.saved_views import ViewsWanted, fetch_view, fetch_views

router = APIRouter(prefix="/contacts/views", tags=["contacts"])
reads = Depends(require("contacts.read"))
_FOR_ALL = "contacts.write"
_EVERYBODYS = "settings.write"

Columns = Annotated[
    list[Text],
    Field(max_length=20, description=f"Beside the name, in order: {', '.join(COLUMNS)}."),
]
Filters = Annotated[
    dict[str, Text],
    Field(description="As the list takes them: q, tag, owner, company, country, segment."),
]


class NewView(Body):
    """`shared`: everybody in the workspace sees it."""

    name: Text
    shared: bool = False
    columns: Columns = Field(default_factory=lambda: list(COLUMNS))
    filters: Filters = Field(default_factory=dict)
    sort: Text = "name"


class ViewChanges(Body):
    """What is sent is changed."""

    name: Text = ""
    shared: bool = False
    columns: Columns = Field(default_factory=list)
    filters: Filters = Field(default_factory=dict)
    sort: Text = "name"


class DefaultView(Body):
    """null: the list opens with everybody."""

    view_id: UUID | None


@router.get("", dependencies=[reads])
async def list_views(read: Reading, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """My views and those that are shared, by name."""
    principal = read.principal
    wanted = ViewsWanted(principal.workspace, principal.user_id, limit, cursor)
    async with read.connection() as connection:
        items, following = await fetch_views(connection, wanted)
    return read.json({"items": items, "next": following})


@router.post("", status_code=201, dependencies=[reads])
async def add_view(body: NewView, write: Writing) -> Response:
    """Keep a view of the list: columns, filters, order."""
    _check_sharing(write.principal, body.shared)
    view_id = new_id()
    layout = Layout(tuple(body.columns), body.filters, body.sort)
    mine = write.principal.user_id
    command = AddSavedView(view_id, body.name, mine, body.shared, layout, write.now)
    return await write.new(SAVED_VIEW, view_id, command, location="/api/v1/contacts/views")


@router.put("/default", dependencies=[reads])
async def choose_default_view(body: DefaultView, write: Writing) -> Response:
    """Open my list with this view."""
    if body.view_id is not None:
        await _seen(write, body.view_id)
    me = write.principal.user_id
    return await write.change(DEFAULT_VIEW, me, ChooseDefaultView(me, body.view_id, write.now))


@router.get("/{view_id}", dependencies=[reads])
async def one_view(view_id: UUID, read: Reading) -> Response:
    """One view."""
    principal = read.principal
    async with read.connection() as connection:
        found = await fetch_view(connection, principal.workspace, principal.user_id, view_id)
    if found is None:
        raise NotFound("There is no such view, or it is somebody else's own.")
    return read.json(found, version=found["version"], whole=False)


@router.patch("/{view_id}", dependencies=[reads])
async def change_view(view_id: UUID, body: ViewChanges, write: Writing) -> Response:
    """Rename a view, change what it shows, share it or keep it to oneself. If-Match."""
    write.need_version()
    _check_changing(write.principal, await _seen(write, view_id))
    changes = body.given(*ViewChanges.model_fields)
    _check_sharing(write.principal, bool(changes.get("shared")))
    return await write.change(SAVED_VIEW, view_id, ChangeSavedView(write.now, changes))


@router.delete("/{view_id}", dependencies=[reads])
async def remove_view(view_id: UUID, write: Writing) -> Response:
    """Take a view away; nobody is changed by it."""
    _check_changing(write.principal, await _seen(write, view_id))
    return await write.change(SAVED_VIEW, view_id, RemoveSavedView(write.now))


async def _seen(write: Write, view_id: UUID) -> SavedView:
    """The view, if the caller may know of it. Raises NotFound."""
    view = existing(await write.state(SAVED_VIEW, view_id))
    if not view.shared and view.owner_id != write.principal.user_id:
        return existing(None)
    return view


def _check_changing(principal: Principal, view: SavedView) -> None:
    if view.owner_id != principal.user_id and not principal.may(_EVERYBODYS):
        raise Forbidden(
            "This view is somebody else's. Save it as a new one, or ask them or an administrator.",
            permission=_EVERYBODYS,
        )


def _check_sharing(principal: Principal, shared: bool) -> None:
    if shared and not principal.may(_FOR_ALL):
        raise Forbidden("Your role keeps views for itself. Leave shared out.", permission=_FOR_ALL)
