"""What the list of contacts shows: filters, order, columns, by the address and a view. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

FILTERS = ("q", "tag", "segment", "owner", "company", "country")
SORTS = (
    ("-activity", "Last activity"),
    ("name", "Name"),
    ("-created", "Newest first"),
    ("created", "Oldest first"),
)
COLUMNS = (
    ("company", "Company"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("tags", "Tags"),
    ("owner", "Owner"),
    ("city", "City"),
    ("country", "Country"),
    ("created", "Known since"),
    ("activity", "Last activity"),
)
"""What can stand beside the name, in this order."""
_USUAL = ("company", "email", "tags", "owner", "city", "activity")
EVERYBODY = "all"
"""The word in the address for the list without a view."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Filters, order and columns."""

    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = "-activity"
    columns: Sequence[str] = _USUAL

    @classmethod
    def of_view(cls, view: Mapping[str, Any]) -> Layout:
        """As a view keeps it; its columns stand in the one order that there is."""
        kept = set(view["columns"])
        columns = tuple(name for name, _ in COLUMNS if name in kept)
        return cls(dict(view["filters"]), view["sort"], columns)

    def of_the_past(self) -> Layout:
        """The same of an earlier day, of which nobody knows the last activity."""
        columns = tuple(name for name in self.columns if name != "activity")
        sort = "name" if self.sort.endswith("activity") else self.sort
        return replace(self, sort=sort, columns=columns)

    def body(self) -> dict[str, Any]:
        """As the API keeps it."""
        return {"filters": dict(self.filters), "sort": self.sort, "columns": list(self.columns)}


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked for. `view`: the saved view it began with; `changed`: it differs from that."""

    layout: Layout
    view: Mapping[str, Any] | None = None

    @property
    def changed(self) -> bool:
        """Whether there is something to be saved."""
        kept = Layout.of_view(self.view) if self.view else Layout()
        mine = self.layout
        return (dict(mine.filters), mine.sort, set(mine.columns)) != (
            dict(kept.filters),
            kept.sort,
            set(kept.columns),
        )

    @property
    def worth_keeping(self) -> bool:
        """Whether to offer that: a search or another order alone is made and forgotten."""
        mine, usual = self.layout, Layout()
        if self.view is not None:
            return self.changed
        return set(mine.columns) != set(usual.columns) or bool(set(mine.filters) - {"q"})

    @property
    def view_id(self) -> str:
        """How the view is called in the address."""
        return str(self.view["id"]) if self.view else EVERYBODY

    @property
    def address(self) -> dict[str, Any]:
        """What the address of this list says."""
        if not self.changed:
            return {"view": self.view_id}
        layout = self.layout
        told = {"view": self.view_id, "edited": "1", "sort": layout.sort}
        return {**layout.filters, **told, "columns": list(layout.columns)}


def listing(
    given: Mapping[str, str], columns: Sequence[str], views: Sequence[Mapping[str, Any]]
) -> Listing:
    """What an address or a form (`given`, and its `columns`) asks for.

    `edited` says that it tells all; without it the view does, and filters in the address are
    added, so that links need not tell everything. Without any word it is the view one has chosen.
    """
    view = next((each for each in views if str(each["id"]) == given.get("view")), None)
    filters = {name: value for name in FILTERS if (value := given.get(name, "").strip())}
    if view is None and not filters and not given.get("view") and not given.get("sort"):
        view = next((each for each in views if each.get("default")), None)
    kept = Layout.of_view(view) if view else Layout()
    sort = given.get("sort") or kept.sort
    if given.get("edited"):
        chosen = tuple(name for name, _ in COLUMNS if name in columns)
        return Listing(Layout(filters, sort, chosen), view)
    return Listing(Layout({**kept.filters, **filters}, sort, kept.columns), view)
