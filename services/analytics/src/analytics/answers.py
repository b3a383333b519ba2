"""Shapes an answer: from sums per period, group and currency to values and series. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from analytics.asking import Ask, is_stock, to_moment
from analytics.currencies import major
from analytics.dimensions import NONE
from analytics.group_sizes import LEAST, held_back
from analytics.kpi import Number, Sums, Unit
from analytics.periods import begins, key_of, label_of, last_day

GROUPS_MOST = 500
EVERYTHING = "*"
"""Stands for all periods or all groups."""

Period = date | None
Cell = dict[Period, dict[str, int]]
People = Mapping[tuple[Any, Any], int]
"""How many people are behind (period, group); EVERYTHING for a sum over these."""


@dataclass(slots=True)
class Table:
    """Sums by currency, group and period."""

    cells: dict[str | None, dict[str | None, Cell]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )
    labels: dict[str | None, str | None] = field(default_factory=dict)

    def add(self, rows: Iterable[Mapping[str, Any]], measures: Sequence[str]) -> None:
        """Take in the rows of a statement of analytics.figures; what came to nothing is left out.

        (Of what was put out of force the roll-up has such rows, the facts have none.)
        """
        for row in rows:
            if not any(row[name] for name in measures):
                continue
            cell = self.cells[row["currency"]][row["key"]]
            sums = cell.setdefault(row["period"], {})
            for name in measures:
                sums[name] = sums.get(name, 0) + (row[name] or 0)
            self.labels[row["key"]] = row["label"]

    def periods(self) -> list[date]:
        """Every period that has something."""
        groups = (cell for groups in self.cells.values() for cell in groups.values())
        return sorted({period for cell in groups for period in cell if period is not None})


def answer(ask: Ask, table: Table, people: People | None, today: date) -> dict[str, Any]:
    """The body of an answer. `people`: how many are behind each group, if that has to be minded."""
    kpi = ask.kpi
    shape = _Shape(ask, table, people, _walk(ask, table, today))
    currencies = sorted(table.cells, key=lambda currency: currency or "")
    values = [shape.total(currency) for currency in currencies] or [shape.total(ask.currency)]
    several = len(values) > 1
    body = {
        "name": kpi.name,
        "title": kpi.title,
        "definition": kpi.definition,
        "formula": kpi.formula_text,
        "version": kpi.version,
        "unit": kpi.unit,
        "kind": kpi.kind,
        "value": None if several else values[0]["value"],
        "currency": None if several else values[0].get("currency"),
        "from": ask.first,
        "to": ask.last,
        "as_of": to_moment(ask.moment.as_of),
        "known_at": to_moment(ask.moment.known_at),
        "group_by": [*filter(None, (ask.dimension and ask.dimension.name, ask.period))],
        "series": [item for currency in currencies for item in shape.series(currency)],
        "events_url": None if several else values[0]["events_url"],
        "notes": shape.notes(several),
    }
    if several:
        body["values"] = values
    if not several and "suppressed" in values[0]:
        body["suppressed"] = True
    return body


def _walk(ask: Ask, table: Table, today: date) -> list[date]:
    """The beginnings of all periods of the series, those without anything included."""
    if ask.period is None:
        return []
    there = table.periods()
    first = ask.first or (there[0] if there else None)
    last = ask.last_counted or (today if is_stock(ask) else there[-1] if there else None)
    return begins(ask.period, first, last) if first and last else []


class _Shape:
    """One answer being made."""

    def __init__(self, ask: Ask, table: Table, people: People | None, walk: list[date]) -> None:
        self._ask = ask
        self._table = table
        self._people = people
        self._points_of = [_point(ask, begin) for begin in walk]
        self._cut = False

    def total(self, currency: str | None) -> dict[str, Any]:
        """The value over everything."""
        groups = self._table.cells.get(currency, {})
        sums = _added(sums for cell in groups.values() for sums in cell.values())
        hidden = self._people is not None and (
            0 < self._people.get((EVERYTHING, EVERYTHING), 0) < LEAST
        )
        return _item(self._ask, currency, sums, _url(self._ask, currency), hidden)

    def series(self, currency: str | None) -> list[dict[str, Any]]:
        """The points of one currency."""
        groups = self._table.cells[currency]
        if self._ask.dimension is None:
            return self._points(self._ask, groups.get(None, {}), currency, EVERYTHING)
        hidden = self._hidden({key: (EVERYTHING, key) for key in groups})
        items = [self._group(currency, key, cell, key in hidden) for key, cell in groups.items()]
        items.sort(key=lambda i: (i["value"] is None, -(i["value"] or 0), i["label"] or ""))
        self._cut = self._cut or len(items) > GROUPS_MOST
        return items[:GROUPS_MOST]

    def notes(self, several: bool) -> list[str]:
        """What a reader has to know beside the figures."""
        notes = []
        if several:
            notes.append(
                "There are amounts in several currencies, which are not added up: see `values`, "
                "or ask for one with `currency`."
            )
        if self._people is not None:
            notes.append(f"Figures about fewer than {LEAST} people are held back.")
        if self._cut:
            notes.append(f"Only the {GROUPS_MOST} largest groups are listed; use a filter.")
        return notes

    def _group(
        self, currency: str | None, key: str | None, cell: Cell, hidden: bool
    ) -> dict[str, Any]:
        dimension = self._ask.dimension
        assert dimension is not None
        about = self._ask.narrowed(dimension, key)
        label = self._table.labels.get(key) or (key if key else f"No {dimension.title.lower()}")
        item: dict[str, Any] = {"key": NONE if key is None else key, "label": label}
        sums = _added(cell.values())
        item |= _item(about, currency, sums, _url(about, currency), hidden)
        if self._ask.period is not None:
            item["series"] = self._points(about, cell, currency, key)
        return item

    def _points(
        self, about: Ask, cell: Cell, currency: str | None, group: Any
    ) -> list[dict[str, Any]]:
        """The points of one group over time; a stock goes on from what it was before."""
        hidden = self._hidden({point.begin: (point.begin, group) for point in self._points_of})
        link, goes_on = links(about, currency), is_stock(about)
        so_far = cell.get(None, {})
        points = []
        for point in self._points_of:
            sums = cell.get(point.begin, {})
            if goes_on:
                sums = so_far = _added((so_far, sums))
            item = {"key": point.key, "label": point.label}
            url = link(point.first, point.last) if about.singles else None
            points.append(item | _item(about, currency, sums, url, point.begin in hidden))
        return points

    def _hidden(self, places: Mapping[Any, tuple[Any, Any]]) -> set[Any]:
        if self._people is None:
            return set()
        return held_back({name: self._people.get(place, 0) for name, place in places.items()})


def _item(
    about: Ask, currency: str | None, sums: Sums, url: str | None, hidden: bool
) -> dict[str, Any]:
    item: dict[str, Any] = {"value": None, "events_url": None}
    if about.by_currency:
        item["currency"] = currency
    if hidden:
        return item | {"suppressed": True}
    item["value"] = told(about.kpi.value(sums), about.kpi.unit, currency)
    item["events_url"] = url
    return item


def _added(many: Iterable[Sums]) -> dict[str, int]:
    total: dict[str, int] = {}
    for sums in many:
        for name, amount in sums.items():
            total[name] = total.get(name, 0) + amount
    return total


def _url(about: Ask, currency: str | None) -> str | None:
    return events_url(about, currency) if about.singles else None


@dataclass(frozen=True, slots=True)
class _Point:
    """A period of the series, and the days that a question about it alone is about: of a stock, up
    to its end."""

    begin: date
    key: str
    label: str
    first: date | None
    last: date


def _point(ask: Ask, begin: date) -> _Point:
    period = ask.period or "day"
    last = last_day(period, begin)
    if ask.last is not None:
        last = min(last, ask.last)
    first = None if is_stock(ask) else max(filter(None, (ask.first, begin)))
    return _Point(begin, key_of(period, begin), label_of(period, begin), first, last)


def told(value: Number, unit: Unit, currency: str | None) -> float | int | None:
    """A value as it is told: money in major units, the rest rounded to what can matter."""
    if value is None:
        return None
    match unit:
        case Unit.MONEY:
            return major(value, currency or "")
        case Unit.COUNT:
            return int(value)
        case Unit.DAYS:
            return round(float(value), 4)
        case Unit.RATIO:
            return round(float(value), 6)


def events_url(about: Ask, currency: str | None = None) -> str:
    """Where the facts behind a figure are listed."""
    return links(about, currency)(about.first, about.last)


def links(about: Ask, currency: str | None) -> Callable[[date | None, date | None], str]:
    """Where the facts behind a figure are listed, by the first and the last day: what is the same
    for all points of a series is put together once."""
    parameters = [
        (f"filter[{dimension.name}]", NONE if key is None else str(key))
        for dimension, key in about.filters
    ]
    if currency is not None and about.by_currency:
        parameters.append(("currency", currency))
    for name, at in (("as_of", about.moment.as_of), ("known_at", about.moment.known_at)):
        if at is not None:
            parameters.append((name, to_moment(at) or ""))
    path = f"/api/v1/kpis/{about.kpi.name}/events"
    tail = [urlencode(parameters, safe="[]():,")] if parameters else []
    of_a_span = not is_stock(about)

    def link(first: date | None, last: date | None) -> str:
        days = [f"from={first.isoformat()}"] if first is not None and of_a_span else []
        days += [f"to={last.isoformat()}"] if last is not None else []
        query = "&".join((*days, *tail))
        return f"{path}?{query}" if query else path

    return link


def people_of(rows: Iterable[Mapping[str, Any]]) -> People:
    """What analytics.figures.persons found."""
    period_is_summed, group_is_summed = 2, 1
    return {
        (
            EVERYTHING if row["of"] & period_is_summed else row["period"],
            EVERYTHING if row["of"] & group_is_summed else row["key"],
        ): row["people"]
        for row in rows
    }
