"""Which views of the list of contacts are there for me, and with which one does it open?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Select,
    Text,
    Uuid,
    and_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.default_view import DefaultViewChosen
from contacts.domain.saved_view import (
    SAVED_VIEW_EVENTS,
    SavedViewAdded,
    SavedViewArranged,
    SavedViewEvent,
    SavedViewRemoved,
    SavedViewRenamed,
    SavedViewShared,
)
from contacts.domain.words import folded

SAVED_VIEWS = read_table(
    "saved_views",
    Column("view_id", Uuid),
    Column("version", BigInteger),
    Column("name", Text),
    Column("sort_name", Text(collation="C")),
    Column("owner_id", Uuid),
    Column("shared", Boolean),
    Column("columns", JSONB),
    Column("filters", JSONB),
    Column("sort", Text),
    Column("changed_at", DateTime(timezone=True)),
    Index("saved_views_by_name", "workspace_id", "sort_name", "view_id"),
    key=("view_id",),
)
DEFAULT_VIEWS = read_table(
    "default_views", Column("user_id", Uuid), Column("view_id", Uuid), key=("user_id",)
)


def project(recorded: Recorded[SavedViewEvent | DefaultViewChosen]) -> Iterable[Change]:
    """What an event changes of a view's row, or of somebody's choice."""
    event = recorded.event
    match event:
        case DefaultViewChosen():
            yield Put(DEFAULT_VIEWS, (event.user_id,), {"view_id": event.view_id})
        case SavedViewRemoved():
            yield Remove(SAVED_VIEWS, (event.view_id,))
        case _:
            moved = {"version": recorded.version, "changed_at": event.occurred_at}
            yield Put(SAVED_VIEWS, (event.view_id,), {**moved, **_columns(event)})


def _columns(event: SavedViewEvent) -> dict[str, Any]:
    match event:
        case SavedViewAdded():
            own = {"owner_id": event.owner_id, "shared": event.shared}
            return {**own, **_name(event.name), **_layout(event)}
        case SavedViewRenamed():
            return _name(event.name)
        case SavedViewArranged():
            return _layout(event)
        case SavedViewShared():
            return {"shared": event.shared}
        case SavedViewRemoved():
            return {}


def _name(name: str) -> dict[str, Any]:
    return {"name": name, "sort_name": folded(name)}


def _layout(event: SavedViewAdded | SavedViewArranged) -> dict[str, Any]:
    return {"columns": list(event.columns), "filters": event.filters, "sort": event.sort}


SAVED_VIEWS_PROJECTION = Projection(
    "saved_views",
    1,
    (*SAVED_VIEW_EVENTS, DefaultViewChosen),
    (SAVED_VIEWS, DEFAULT_VIEWS),
    project,
)

# --- fetching

_V, _D = SAVED_VIEWS.c, DEFAULT_VIEWS.c


@dataclass(frozen=True, slots=True)
class ViewsWanted:
    """Whose views, from where on: their own and those that are shared."""

    workspace: UUID
    user_id: UUID
    limit: int = 50
    cursor: str | None = None


def seen_views(workspace: UUID, user_id: UUID) -> Select[Any]:
    """The views that somebody sees, each with whether their list opens with it."""
    chosen = and_(_D.workspace_id == workspace, _D.user_id == user_id, _D.view_id == _V.view_id)
    return (
        select(SAVED_VIEWS, _D.view_id.is_not(None).label("is_default"))
        .outerjoin(DEFAULT_VIEWS, chosen)
        .where(_V.workspace_id == workspace, or_(_V.shared, _V.owner_id == user_id))
    )


def wanted_views(wanted: ViewsWanted) -> Select[Any]:
    """One page of views and one row more."""
    order = [_V.sort_name, _V.view_id]
    statement = seen_views(wanted.workspace, wanted.user_id)
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [str, UUID])
        statement = statement.where(after(order, place, descending=False))
    return statement.order_by(*order).limit(wanted.limit + 1)


async def fetch_views(
    connection: Connection, wanted: ViewsWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of views by name, and the cursor of the next page."""
    rows = await fetch(connection, wanted_views(wanted))
    kept, following = page(rows, wanted.limit, lambda row: [row["sort_name"], row["view_id"]])
    return [_shown(row) for row in kept], following


async def fetch_view(
    connection: Connection, workspace: UUID, user_id: UUID, view_id: UUID
) -> dict[str, Any] | None:
    """One view, if this user sees it."""
    statement = seen_views(workspace, user_id).where(_V.view_id == view_id)
    row = await fetch_one(connection, statement)
    return _shown(row) if row else None


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["view_id"],
        "version": row["version"],
        "name": row["name"],
        "owner_id": row["owner_id"],
        "shared": row["shared"],
        "columns": row["columns"],
        "filters": row["filters"],
        "sort": row["sort"],
        "default": row["is_default"],
        "changed_at": row["changed_at"],
    }
