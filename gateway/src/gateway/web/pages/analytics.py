"""The dashboard, one KPI in depth, and the events behind any figure; on both time axes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web import charting
from gateway.web.asking import Missing, Refused, parts
from gateway.web.charting import PRESETS, Span, span_of
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/analytics")

TILES = (
    "revenue_won",
    "win_rate",
    "average_deal",
    "sales_cycle_days",
    "open_pipeline",
    "weighted_pipeline",
    "new_contacts",
    "campaign_open_rate",
)
_BREAKDOWNS = ("owner", "team", "product", "sector", "region", "source")
_PERIODS = ("day", "week", "month", "quarter", "year")
_ASKED = ("period", "from", "to", "as_of", "known_at", "currency", "pipeline")


class Asked:
    """What the bar above the figures says."""

    def __init__(self, visit: Visit) -> None:
        given = visit.request.query_params
        self.values = {name: given.get(name, "") for name in _ASKED}
        self.preset = self.values["period"] or ("own" if given.get("from") else "12m")
        self.span = span_of(self.preset, visit.today, self.values["from"], self.values["to"])

    def query(self, span: Span | None = None, **more: Any) -> dict[str, Any]:
        """The parameters of a question to a KPI."""
        of = span or self.span
        asked: dict[str, Any] = {"from_": of.first, "to": of.last}
        asked |= {name: self.values[name] for name in ("as_of", "known_at", "currency")}
        if self.values["pipeline"]:
            asked["filter[pipeline]"] = self.values["pipeline"]
        return asked | more

    @property
    def in_the_past(self) -> bool:
        """Whether another moment than now is asked for."""
        return bool(self.values["as_of"] or self.values["known_at"])


@router.get("")
async def dashboard(visit: Visiting) -> Response:
    """Tiles with their trends, and the charts."""
    asked = Asked(visit)
    period, before = asked.span.period(), asked.span.before()
    catalogue = {kpi["name"]: kpi for kpi in (await visit.api.get("/kpis"))["items"]}
    shown = [name for name in TILES if name in catalogue]
    revenue = set((catalogue.get("revenue_won") or {}).get("dimensions") or ())
    cuts = [by for by in _BREAKDOWNS if by in revenue and (visit.sees_records or by != "owner")]
    flows = [name for name in shown if not _is_stock(catalogue[name])]

    tiles, lost, earlier, broken = await asyncio.gather(
        parts(*(_kpi(visit, asked, name, group_by=period) for name in shown)),
        parts(*(_kpi(visit, asked, name, group_by=period) for name in ("deals_won", "deals_lost"))),
        parts(*(_kpi(visit, asked, name, before) for name in flows if before)),
        parts(*(_kpi(visit, asked, "revenue_won", group_by=by) for by in cuts)),
    )
    by_name = dict(zip(shown, tiles, strict=True))
    then = dict(zip(flows, earlier, strict=False))
    context: dict[str, Any] = {
        "tiles": [
            _tile(visit, catalogue[name], by_name[name], then.get(name), asked) for name in shown
        ],
        "missing": next((tile for tile in tiles if isinstance(tile, Missing)), None),
        "over_time": charting.chart(
            [
                (by_name.get("revenue_won"), "Revenue won", "bar"),
                (by_name.get("win_rate"), "Win rate", "line"),
            ],
            period,
        ),
        "closings": charting.chart([(lost[0], "Won", "stack"), (lost[1], "Lost", "stack")], period),
        "breakdowns": [
            (by, charting.chart([(answer, "Revenue won", "bar")], by, sideways=True))
            for by, answer in zip(cuts, broken, strict=True)
        ],
        "currencies": sorted(
            {v["currency"] for t in tiles if t for v in t.get("values") or () if v.get("currency")}
        ),
    }
    if visit.is_partial:
        return visit.page("analytics/figures.html", asked=asked, **context)
    return visit.page("analytics/dashboard.html", asked=asked, presets=PRESETS, **context)


@router.get("/{name}")
async def kpi(visit: Visiting, name: str, by: str = "") -> Response:
    """One KPI: its definition, its value, cut in any way it allows, and restatements."""
    asked = Asked(visit)
    catalogue = (await visit.api.get("/kpis"))["items"]
    about = next((each for each in catalogue if each["name"] == name), None)
    if about is None:
        raise Refused(404, {"detail": "There is no KPI of this name. See Analytics for all."})
    cuts = [*(about.get("periods") or _PERIODS), *about["dimensions"]]
    if not visit.sees_records:
        cuts = [cut for cut in cuts if cut not in ("owner", "company")]
    by = by if by in cuts else asked.span.period()
    answer = await _kpi(visit, asked, name, group_by=by)
    now = None
    if asked.values["known_at"]:
        now = (await parts(visit.api.get(f"/kpis/{name}", **asked.query(known_at=""))))[0]
    over_time = by in _PERIODS
    return visit.page(
        "analytics/kpi.html",
        asked=asked,
        presets=PRESETS,
        about=about,
        catalogue=catalogue,
        cuts=cuts,
        by=by,
        answer=answer,
        known_now=now or None,
        chart=charting.chart(
            [(answer, about["title"], "line" if about["unit"] == "ratio" and over_time else "bar")],
            by,
            sideways=not over_time,
        ),
        events_page=charting.events_page,
    )


@router.get("/{name}/events")
async def events(visit: Visiting, name: str) -> Response:
    """The events behind a figure."""
    given: dict[str, Any] = dict(visit.request.query_params)
    about, listed = await asyncio.gather(
        parts(visit.api.get(f"/kpis/{name}", **{k: v for k, v in given.items() if k != "cursor"})),
        visit.api.get(f"/kpis/{name}/events", **given),
    )
    template = "analytics/event_rows.html" if "cursor" in given else "analytics/events.html"
    return visit.page(template, name=name, listed=listed, answer=about[0], given=given)


async def _kpi(
    visit: Visit, asked: Asked, name: str, span: Span | None = None, **more: Any
) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = await visit.api.get(f"/kpis/{name}", **asked.query(span, **more))
    return answer


def _is_stock(about: Mapping[str, Any]) -> bool:
    return about.get("kind") == "stock" or about["name"] in ("open_pipeline", "weighted_pipeline")


def _tile(
    visit: Visit, about: Mapping[str, Any], answer: Any, before: Any, asked: Asked
) -> dict[str, Any]:
    better = about.get("more_is_better", about["name"] != "sales_cycle_days")
    return {
        "about": about,
        "answer": answer,
        "text": charting.told(answer or None, visit.currency),
        "trend": charting.trend(answer or None, before or None, more_is_better=bool(better)),
        "points": charting.points(answer or None),
        "events": charting.events_page(answer["events_url"])
        if answer and answer.get("events_url")
        else None,
        "stock": _is_stock(about),
        "span": asked.span,
    }
