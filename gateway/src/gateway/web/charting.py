"""Answers of the KPI API as what a page draws: tiles, charts, comparisons. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from gateway.web import formatting

Answer = Mapping[str, Any]

PRESETS = (
    ("month", "This month"),
    ("quarter", "This quarter"),
    ("year", "This year"),
    ("12m", "Last 12 months"),
    ("last-year", "Last year"),
    ("all", "All time"),
    ("own", "Custom"),
)
_BARS_MOST = 12


@dataclass(frozen=True, slots=True)
class Span:
    """From a day to a day, both included; open at the start for all time."""

    first: date | None
    last: date

    def before(self) -> Span | None:
        """The span of the same length right before; None for all time."""
        if self.first is None:
            return None
        if self.first.day == 1 and self.last == _month_end(self.last):
            months = (
                (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
            )
            return Span(_months_back(self.first, months), self.first - timedelta(days=1))
        length = self.last - self.first
        last = self.first - timedelta(days=1)
        return Span(last - length, last)

    def period(self) -> str:
        """By what a series over this span is best cut."""
        if self.first is None:
            return "month"
        days = (self.last - self.first).days
        return (
            "day"
            if days <= 35
            else "week"
            if days <= 100
            else "month"
            if days <= 1200
            else "quarter"
        )


def span_of(preset: str, today: date, first: str = "", last: str = "") -> Span:
    """The days that a choice stands for. Typed days win over it; bad ones are ignored."""
    typed_first, typed_last = _day(first), _day(last)
    if preset == "own" and (typed_first or typed_last):
        end = typed_last or today
        return Span(typed_first, max(end, typed_first) if typed_first else end)
    match preset:
        case "month":
            return Span(today.replace(day=1), today)
        case "quarter":
            return Span(date(today.year, (today.month - 1) // 3 * 3 + 1, 1), today)
        case "year":
            return Span(date(today.year, 1, 1), today)
        case "last-year":
            return Span(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))
        case "all":
            return Span(None, today)
        case _:
            return Span(_months_back(today.replace(day=1), 11), today)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def _months_back(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def told(answer: Answer | None, currency: str | None = None) -> str:
    """A KPI's value for people; amounts in several currencies one beside the other.

    `currency`: what nothing at all is counted in."""
    if not answer:
        return formatting.NONE
    if answer.get("suppressed"):
        return "held back"
    unit = str(answer.get("unit") or "")
    several = answer.get("values")
    if several:
        return " + ".join(formatting.figure(v["value"], unit, v.get("currency")) for v in several)
    return formatting.figure(answer.get("value"), unit, answer.get("currency") or currency)


@dataclass(frozen=True, slots=True)
class Trend:
    """How a value compares with the one before."""

    text: str
    up: bool
    good: bool


def trend(
    now: Answer | None, before: Answer | None, *, more_is_better: bool = True
) -> Trend | None:
    """The change against the span before; None where nothing can be compared."""
    if not now or not before:
        return None
    new, old = now.get("value"), before.get("value")
    if new is None or old is None or now.get("currency") != before.get("currency"):
        return None
    if now.get("unit") == "ratio":
        points = (new - old) * 100
        if abs(points) < 0.05:
            return None
        return Trend(f"{abs(points):.1f} pts", points > 0, (points > 0) == more_is_better)
    if not old or new == old:
        return None
    change = (new - old) / abs(old) * 100
    text = f"{abs(change):.0f}%" if abs(change) < 1000 else "> 999%"
    return Trend(text, change > 0, (change > 0) == more_is_better)


def points(answer: Answer | None) -> list[float]:
    """A KPI over time, for a spark line."""
    series = (answer or {}).get("series") or ()
    return [float(point["value"]) for point in series if point.get("value") is not None]


def chart(
    answers: Sequence[tuple[Answer | None, str, str]], by: str, *, sideways: bool = False
) -> dict[str, Any] | None:
    """What js/charts.js draws: several KPIs over the same labels. None if there is nothing.

    `answers`: KPI, name of the series, kind of mark (bar or line).
    """
    there = [(a, name, mark) for a, name, mark in answers if a and a.get("series")]
    if not there:
        return None
    first = there[0][0]
    items = list(first["series"])
    if sideways:
        items = [i for i in items if i["value"] is not None][:_BARS_MOST]
    keys = [item["key"] for item in items]
    return {
        "by": by,
        "sideways": sideways,
        "currency": _currency(first),
        "labels": [item["label"] for item in items],
        "series": [
            {
                "name": name,
                "mark": mark,
                "unit": str(answer["unit"]),
                "kpi": answer["name"],
                "values": _along(answer, keys, "value"),
                "links": [_drawer(url) for url in _along(answer, keys, "events_url")],
            }
            for answer, name, mark in there
        ],
    }


def _along(answer: Answer, keys: Sequence[str], what: str) -> list[Any]:
    found = {item["key"]: item.get(what) for item in answer["series"]}
    return [found.get(key) for key in keys]


def _currency(answer: Answer) -> str | None:
    if answer.get("currency"):
        return str(answer["currency"])
    return next((i["currency"] for i in answer["series"] if i.get("currency")), None)


def _drawer(url: str | None) -> str | None:
    """The page that lists the events which the API lists at `url`."""
    return events_page(url) if url else None


def events_page(url: str) -> str:
    """`/api/v1/kpis/NAME/events?…` as the address of our drawer."""
    parts = urlsplit(url)
    name = parts.path.rstrip("/").split("/")[-2]
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True))
    return f"/analytics/{name}/events" + (f"?{query}" if query else "")
