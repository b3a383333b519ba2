"""Searching everything: for the command palette, and for fields that want a record."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.visiting import Visiting

router = APIRouter()

_MOST = 5
_PICKED = {
    "contacts": ("contacts.read", "name"),
    "companies": ("contacts.read", "name"),
    "deals": ("deals.read", "title"),
}


@router.get("/search")
async def search(visit: Visiting, q: str = "") -> Response:
    """What fits, grouped by kind; a service that is away only leaves its group out."""
    kinds = [
        name
        for name, (permission, _) in _PICKED.items()
        if visit.may(permission) and visit.sees_records
    ]
    found = await parts(*(visit.api.get(f"/{kind}", q=q.strip(), limit=_MOST) for kind in kinds))
    groups = {k: f["items"] for k, f in zip(kinds, found, strict=True) if f and f["items"]}
    return visit.page("search/found.html", groups=groups, q=q)


@router.get("/pick/{kind}")
async def pick(visit: Visiting, kind: str, q: str = "") -> Response:
    """Records to choose one from."""
    if kind not in _PICKED:
        raise Refused(404, {"detail": "There is nothing of this kind to choose from."})
    items: list[Any] = []
    if q.strip():
        items = (await asyncio.gather(visit.api.get(f"/{kind}", q=q.strip(), limit=8)))[0]["items"]
    return visit.page("search/picks.html", items=items, label=_PICKED[kind][1], q=q)
