"""Where one can go, by what one may do. The same list is the side bar, the palette and the keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the main navigation. `key`: pressed after `g`. `records`: shows single records."""

    name: str
    path: str
    icon: str
    key: str
    permission: str | None = None
    records: bool = False
    group: str = "work"


PLACES = (
    Place("Today", "/", "sun", "t"),
    Place("Contacts", "/contacts", "users", "c", "contacts.read", records=True),
    Place("Companies", "/companies", "building", "o", "contacts.read", records=True),
    Place("Pipeline", "/pipeline", "layout-kanban", "p", "deals.read", records=True),
    Place("Campaigns", "/campaigns", "send", "m", "campaigns.read"),
    Place("Segments", "/segments", "filter", "e", "contacts.read"),
    Place("Analytics", "/analytics", "chart-bar", "a", "analytics.read"),
    Place("Import", "/import", "file-import", "i", "imports.run", group="manage"),
    Place(
        "Privacy", "/privacy", "shield-check", "y", "contacts.read", records=True, group="manage"
    ),
    Place("Ops", "/ops", "server-bolt", "x", "ops", group="manage"),
    Place("Settings", "/settings", "settings", "s", group="manage"),
)


def places(permissions: Collection[str], sees: str) -> list[Place]:
    """The pages that somebody may open."""
    return [
        place
        for place in PLACES
        if (place.permission is None or place.permission in permissions)
        and not (place.records and sees == "aggregate")
    ]


def current(path: str) -> str:
    """The path of the place that a page belongs to."""
    found = [p.path for p in PLACES if p.path != "/" and (path + "/").startswith(p.path + "/")]
    return max(found, key=len, default="/" if path == "/" else "")
