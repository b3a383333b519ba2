"""The KPI catalogue, the figures, and the facts behind a figure."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from analytics.answers import answer
from analytics.asking import ask_of
from analytics.catalogue import KPIS, kpi_named
from analytics.dimensions import DIMENSIONS
from analytics.fetching import answered
from analytics.kpi import Kpi
from analytics.periods import PERIODS
from analytics.provenance import POSITION, facts_behind, position, shown
from chassis.errors import Forbidden
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import require
from chassis.http.reading import Reading
from chassis.postgres.statements import fetch

router = APIRouter(tags=["analytics"], dependencies=[Depends(require("analytics.read"))])

_PATIENCE_S = 30.0
"""Figures over years of facts may take longer than other reads."""
_PAGING = frozenset({"limit", "cursor"})


def _parameter(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string"}, "description": description}


_ASKING: dict[str, Any] = {
    "parameters": [
        _parameter("from", "The first day, e.g. 2017-01-01."),
        _parameter("to", "The last day. A stock KPI tells how things stood at its end."),
        _parameter("group_by", "A period, a dimension, or one of each: owner,month."),
        _parameter("as_of", "Only what had happened by then: a moment, or a day (its end)."),
        _parameter("known_at", "Only what was recorded by then: a moment, or a day (its end)."),
        _parameter("currency", "For amounts of money: only this currency."),
        *(
            _parameter(f"filter[{d.name}]", f"Only this {d.title.lower()}: a key of the series.")
            for d in DIMENSIONS.values()
        ),
    ]
}


def _listed(kpi: Kpi) -> dict[str, Any]:
    return {
        "name": kpi.name,
        "title": kpi.title,
        "unit": kpi.unit,
        "kind": kpi.kind,
        "definition": kpi.definition,
        "formula": kpi.formula_text,
        "dimensions": kpi.dimensions,
        "periods": PERIODS,
        "grain": kpi.grain,
        "owner": kpi.owner,
        "source": kpi.source,
        "version": kpi.version,
        "more_is_better": kpi.more_is_better,
    }


@router.get("/kpis")
async def catalogue(read: Reading) -> Response:
    """Every KPI with its definition, unit, formula, dimensions and owner."""
    return read.json({"items": [_listed(kpi) for kpi in KPIS], "next": None})


@router.get("/kpis/{name}", openapi_extra=_ASKING)
async def figure(name: str, request: Request, read: Reading) -> Response:
    """A KPI's value and series, on both time axes, with the way to the events behind it."""
    ask = ask_of(kpi_named(name), read.principal, request.query_params.multi_items())
    async with read.connection(patience_s=_PATIENCE_S) as connection:
        table, people = await answered(connection, ask)
    today = request.app.state.service.clock.now().date()
    return read.json(answer(ask, table, people, today))


@router.get("/kpis/{name}/events", openapi_extra=_ASKING)
async def events(
    name: str, request: Request, read: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The facts behind a figure, with the event each one comes from."""
    asked = [item for item in request.query_params.multi_items() if item[0] not in _PAGING]
    ask = ask_of(kpi_named(name), read.principal, asked)
    if not ask.singles:
        raise Forbidden(
            f"The role {read.principal.role} works with figures about groups; the events behind "
            "them are single records.",
            code="aggregates-only",
        )
    after = decode_cursor(cursor, POSITION) if cursor else None
    async with read.connection(patience_s=_PATIENCE_S) as connection:
        rows = await fetch(connection, facts_behind(ask, after, limit + 1))
    kept, further = page(rows, limit, position)
    body = {
        "items": [shown(ask, row) for row in kept],
        "next": further,
        "formula": ask.kpi.formula_text,
        "version": ask.kpi.version,
    }
    return read.json(body)
