"""All people at once, over HTTP: tags in use, and figures about groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Response

from chassis.http.principal import AGGREGATE, require
from chassis.http.reading import Reading
from contacts.crowds import fetch_group_sizes
from contacts.domain.country import NAMES
from contacts.domain.groups import SMALLEST_GROUP, large_enough
from contacts.read_models.tags import fetch_tags

router = APIRouter(tags=["contacts"])


@router.get("/tags", dependencies=[Depends(require("contacts.read"))])
async def list_tags(read: Reading) -> Response:
    """Tags in use and how many people carry each, the most used first."""
    read.principal.visible_owners()
    async with read.connection() as connection:
        tags = await fetch_tags(connection, read.principal.workspace)
    return read.json({"items": tags, "next": None})


@router.get("/contacts/summary", dependencies=[Depends(require("analytics.read"))])
async def summary(read: Reading) -> Response:
    """How many people there are by tag, country and month. Roles that see figures about groups
    only get no group of fewer than five."""
    principal = read.principal
    guarded = principal.sees == AGGREGATE
    owners = None if guarded else principal.visible_owners()
    async with read.connection() as connection:
        sizes = await fetch_group_sizes(connection, principal.workspace, owners)
    least = SMALLEST_GROUP if guarded else 0
    people = sum(sizes["by_month"].values())
    return read.json(
        {
            "people": people if people >= least else None,
            "smallest_group": least or None,
            "by_tag": _groups(sizes["by_tag"], least),
            "by_country": _groups(sizes["by_country"], least, NAMES),
            "by_month": _groups(sizes["by_month"], least),
        }
    )


def _groups(
    sizes: Mapping[str, int], least: int, labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    shown, others = large_enough(sizes, least)
    items = [
        {"key": key or None, "label": (labels or {}).get(key, key) or "unknown", "people": people}
        for key, people in shown.items()
    ]
    return {"items": items, "others": others if others >= least else None}
