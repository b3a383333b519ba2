"""The history of a deal over HTTP: who changed what, when it happened, when it was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from chassis.events import Recorded
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import require
from chassis.http.reading import Reading
from chassis.ids import new_id
from chassis.ports import Context
from pipeline.api import shapes
from pipeline.api.deal_reads import visible_record
from pipeline.domain.deal import DEAL, Deal
from pipeline.names import fetch_names
from pipeline.read_models.deal_record import columns_of

router = APIRouter(prefix="/deals", tags=["deals"], dependencies=[Depends(require("deals.read"))])

_REFERENCES = ("contact_id", "company_id", "product_id", "owner_id")
_QUIET = frozenset({"deal_id", "pipeline_id", "entered_at", "closings"})


@router.get("/{deal_id}/history")
async def deal_history(
    deal_id: UUID, request: Request, read: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """What happened to a deal, the latest first, with the values before and after."""
    service: Any = request.app.state.service
    principal = read.principal
    before = decode_cursor(cursor, [int])[0] if cursor else None
    async with read.connection() as connection:
        await visible_record(connection, read, deal_id)
        context = Context(principal.workspace, str(principal.user_id), new_id())
        loaded = await service.log.load(context, DEAL.stream(deal_id))
        told = [one for one in _told(loaded.events) if before is None or one["version"] < before]
        items, following = page(told[: limit + 1], limit, lambda one: [one["version"]])
        names = await fetch_names(connection, principal.workspace, _ids(items))
    return read.json({"items": [_named(one, names) for one in items], "next": following})


def _told(events: Sequence[Recorded[Any]]) -> list[dict[str, Any]]:
    """One entry per event, the latest first."""
    deal: Deal | None = None
    told = []
    for recorded in events:
        before = columns_of(deal) if deal is not None else {}
        deal = DEAL.evolve(deal, recorded.event)
        after = columns_of(deal) if deal is not None else {}
        told.append(
            {
                "id": recorded.id,
                "version": recorded.version,
                "type": recorded.type,
                "occurred_at": recorded.occurred_at,
                "recorded_at": recorded.recorded_at,
                "actor": recorded.actor,
                "changes": _changes(before, after),
            }
        )
    return told[::-1]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Field by field what is different; amounts with their currency."""
    changes = []
    for name, value in after.items():
        old = before.get(name)
        if name in _QUIET or value == old or (name == "lines" and not value):
            continue
        if name == "value_minor":
            old = shapes.money(old, before["currency"]) if old is not None else None
            changes.append(_change("value", old, shapes.money(value, after["currency"])))
        elif name != "currency":
            changes.append(_change(name, old, value))
    return changes


def _change(field: str, old: Any, new: Any) -> dict[str, Any]:
    return {"field": field, "from": old, "to": new}


def _ids(items: Iterable[Mapping[str, Any]]) -> set[UUID]:
    """Every id that stands for somebody or something with a name."""
    found = set()
    for one in items:
        actor = _user(one["actor"])
        found |= {actor} if actor is not None else set()
        for change in one["changes"]:
            if change["field"] in _REFERENCES:
                found |= {id_ for id_ in (change["from"], change["to"]) if id_ is not None}
    return found


def _named(one: dict[str, Any], names: Mapping[UUID, str]) -> dict[str, Any]:
    user = _user(one["actor"])
    changes = [_with_names(change, names) for change in one["changes"]]
    return one | {"actor_name": names.get(user) if user else None, "changes": changes}


def _with_names(change: dict[str, Any], names: Mapping[UUID, str]) -> dict[str, Any]:
    if change["field"] not in _REFERENCES:
        return change
    old, new = (
        shapes.reference(id_, names.get(id_)) if id_ is not None else None
        for id_ in (change["from"], change["to"])
    )
    return _change(change["field"].removesuffix("_id"), old, new)


def _user(actor: str) -> UUID | None:
    try:
        return UUID(actor)
    except ValueError:
        return None
