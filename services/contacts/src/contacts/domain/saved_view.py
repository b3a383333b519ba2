"""A saved view of the list of contacts: which columns, filters and order, for oneself or for all.

Pure: no I/O, no clock, no random. Times and ids arrive inside the command.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import NotFound
from chassis.events import Event
from contacts.domain.words import malformed, tidy

COLUMNS = (
    "company",
    "email",
    "phone",
    "tags",
    "owner",
    "city",
    "country",
    "created",
    "activity",
)
"""What a row can show beside the name."""
FILTERS = ("q", "tag", "owner", "company", "country", "segment")
_IDS = frozenset({"owner", "company", "segment"})
SORTS = ("name", "-name", "created", "-created", "activity", "-activity")

# --- events


class SavedViewAdded(Event, frozen=True, tag="contacts.saved-view-added.v1"):
    """Somebody keeps a view. `shared`: everybody in the workspace sees it."""

    view_id: UUID
    name: str
    owner_id: UUID
    shared: bool
    columns: tuple[str, ...]
    filters: dict[str, str]
    sort: str


class SavedViewRenamed(Event, frozen=True, tag="contacts.saved-view-renamed.v1"):
    """A view has another name."""

    view_id: UUID
    name: str


class SavedViewArranged(Event, frozen=True, tag="contacts.saved-view-arranged.v1"):
    """A view shows something else, or in another order."""

    view_id: UUID
    columns: tuple[str, ...]
    filters: dict[str, str]
    sort: str


class SavedViewShared(Event, frozen=True, tag="contacts.saved-view-shared.v1"):
    """Everybody in the workspace sees a view from now on, or only its owner."""

    view_id: UUID
    shared: bool


class SavedViewRemoved(Event, frozen=True, tag="contacts.saved-view-removed.v1"):
    """A view is not there any more."""

    view_id: UUID


SavedViewEvent = (
    SavedViewAdded | SavedViewRenamed | SavedViewArranged | SavedViewShared | SavedViewRemoved
)
SAVED_VIEW_EVENTS: tuple[type[SavedViewEvent], ...] = (
    SavedViewAdded,
    SavedViewRenamed,
    SavedViewArranged,
    SavedViewShared,
    SavedViewRemoved,
)

# --- commands


@dataclass(frozen=True, slots=True)
class Layout:
    """What a view shows, and in which order."""

    columns: Sequence[str]
    filters: Mapping[str, str]
    sort: str = "name"


@dataclass(frozen=True, slots=True)
class AddSavedView:
    view_id: UUID
    name: str
    owner_id: UUID
    shared: bool
    layout: Layout
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeSavedView:
    """What is named in `changes` changes: name, shared, columns, filters, sort."""

    at: datetime
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoveSavedView:
    at: datetime


SavedViewCommand = AddSavedView | ChangeSavedView | RemoveSavedView

# --- state


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view as it stands."""

    view_id: UUID
    name: str
    owner_id: UUID
    shared: bool
    layout: Layout
    removed: bool = False


def evolve(view: SavedView | None, event: SavedViewEvent) -> SavedView:
    """The view after an event."""
    if isinstance(event, SavedViewAdded):
        layout = Layout(event.columns, event.filters, event.sort)
        return SavedView(event.view_id, event.name, event.owner_id, event.shared, layout)
    assert view is not None, "the log begins with something else than the view's beginning"
    match event:
        case SavedViewRenamed():
            return replace(view, name=event.name)
        case SavedViewArranged():
            return replace(view, layout=Layout(event.columns, event.filters, event.sort))
        case SavedViewShared():
            return replace(view, shared=event.shared)
        case SavedViewRemoved():
            return replace(view, removed=True)
        case _:
            assert_never(event)


# --- decisions


def existing(view: SavedView | None) -> SavedView:
    """The view. Raises NotFound."""
    if view is None or view.removed:
        raise NotFound("There is no such view, or it is somebody else's own.")
    return view


def decide(command: SavedViewCommand, view: SavedView | None) -> list[SavedViewEvent]:
    """What a command comes to."""
    match command:
        case AddSavedView():
            return [_added(command)]
        case ChangeSavedView():
            return list(_changed(command, existing(view)))
        case RemoveSavedView():
            return [SavedViewRemoved(existing(view).view_id, occurred_at=command.at)]
        case _:
            assert_never(command)


def _added(command: AddSavedView) -> SavedViewAdded:
    layout = _checked(command.layout)
    return SavedViewAdded(
        command.view_id,
        _name(command.name),
        command.owner_id,
        command.shared,
        tuple(layout.columns),
        dict(layout.filters),
        layout.sort,
        occurred_at=command.at,
    )


def _changed(command: ChangeSavedView, view: SavedView) -> Iterable[SavedViewEvent]:
    id_, changes, at = view.view_id, command.changes, command.at
    if "name" in changes and (name := _name(changes["name"])) != view.name:
        yield SavedViewRenamed(id_, name, occurred_at=at)
    arranged = {name: changes[name] for name in ("columns", "filters", "sort") if name in changes}
    layout = _checked(replace(view.layout, **arranged))
    if layout != _checked(view.layout):
        columns, filters = tuple(layout.columns), dict(layout.filters)
        yield SavedViewArranged(id_, columns, filters, layout.sort, occurred_at=at)
    if "shared" in changes and changes["shared"] != view.shared:
        yield SavedViewShared(id_, changes["shared"], occurred_at=at)


def _name(text: str | None) -> str:
    name = tidy(text, "name", most=60)
    if name is None:
        raise malformed("name", "Give the view a name.")
    return name


def _checked(layout: Layout) -> Layout:
    """The layout, each column once and without empty filters. Raises BadInput."""
    columns = tuple(dict.fromkeys(layout.columns))
    for name in columns:
        if name not in COLUMNS:
            raise malformed("columns", f"There is no column {name!r}; there are {list(COLUMNS)}.")
    if layout.sort not in SORTS:
        raise malformed("sort", f"It is one of {list(SORTS)}.")
    filters = {}
    for name, value in layout.filters.items():
        if name not in FILTERS:
            raise malformed("filters", f"There is no filter {name!r}; there are {list(FILTERS)}.")
        if (kept := tidy(value, f"filters.{name}")) is not None:
            filters[name] = _id(name, kept) if name in _IDS else kept
    return Layout(columns, filters, layout.sort)


def _id(name: str, text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise malformed(f"filters.{name}", "This has to be an id.") from error


SAVED_VIEW: Decider[SavedViewCommand, SavedView | None, SavedViewEvent] = Decider(
    "saved_view", None, decide, evolve, SAVED_VIEW_EVENTS
)
