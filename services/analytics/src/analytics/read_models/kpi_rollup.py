"""What do facts add up to, by day in all and by month for each dimension? Did anything change?

Derived from the same rows as the facts, for figures of the present: sums by one dimension at a time
(`begin` is the first day of a month; the day itself for the sums over everything). It only ever
adds what happened. What was put out of force later is still among the facts and little, so a query
takes it off again; an event that ends a fact need not tell what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Date, Text

from analytics.fact import Fact, measure
from analytics.facts import contact_added, deal_closed, pipeline_delta, stage_entered
from analytics.received import (
    CompanyAdded,
    DealLost,
    DealMoved,
    DealOpened,
    DealReopened,
    DealRevalued,
    DealWon,
    LinkClicked,
    MessageOpened,
    MessageSent,
    PersonAdded,
)
from chassis.events import Recorded
from chassis.projection import Add, Change, Projection, read_table

ROLLED_UP: tuple[Fact, ...] = (
    deal_closed.DEAL_CLOSED,
    pipeline_delta.PIPELINE_DELTA,
    stage_entered.STAGE_ENTERED,
    contact_added.PERSON_ADDED,
    contact_added.COMPANY_ADDED,
)
ALL = ""
"""The dimension of sums over everything; also how a missing value and currency are written."""

KPI_ROLLUP = read_table(
    "kpi_rollup",
    Column("fact", Text),
    Column("dimension", Text),
    Column("begin", Date),
    Column("value", Text),
    Column("currency", Text),
    *(measure(name) for name in dict.fromkeys(name for f in ROLLED_UP for name in f.measures)),
    key=("fact", "dimension", "begin", "value", "currency"),
)
KPI_CHANGES = read_table("kpi_changes", measure("changes"), key=())


def _facts_of(recorded: Recorded[Any]) -> Iterator[tuple[Fact, dict[str, Any]]]:
    match recorded.event:
        case DealWon() | DealLost() as e:
            yield deal_closed.DEAL_CLOSED, deal_closed.row_of(recorded, e)
        case PersonAdded():
            for row in contact_added.rows_of(recorded):
                yield contact_added.PERSON_ADDED, row
        case CompanyAdded():
            for row in contact_added.rows_of(recorded):
                yield contact_added.COMPANY_ADDED, row
    for row in pipeline_delta.rows_of(recorded):
        yield pipeline_delta.PIPELINE_DELTA, row
    for row in stage_entered.rows_of(recorded):
        yield stage_entered.STAGE_ENTERED, row


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    yield Add(KPI_CHANGES, (), {"changes": 1})
    for fact, row in _facts_of(recorded):
        sums = {name: row[name] for name in fact.measures if row.get(name)}
        if not sums:
            continue
        for dimension in (ALL, *fact.dimensions):
            value = row.get(dimension)
            begin = row["day"] if dimension == ALL else row["day"].replace(day=1)
            key = (
                fact.name,
                dimension,
                begin,
                ALL if value is None else str(value),
                row.get("currency") or ALL,
            )
            yield Add(KPI_ROLLUP, key, sums)


PROJECTION = Projection(
    "kpi_rollup",
    1,
    (
        DealOpened,
        DealMoved,
        DealRevalued,
        DealWon,
        DealLost,
        DealReopened,
        PersonAdded,
        CompanyAdded,
        MessageSent,
        MessageOpened,
        LinkClicked,
    ),
    (KPI_ROLLUP, KPI_CHANGES),
    project,
    shared=(KPI_ROLLUP, KPI_CHANGES),
)
