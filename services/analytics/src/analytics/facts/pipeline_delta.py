"""The open pipeline: what does each event add to it and take from it, stage by stage?

The sum of all rows up to a moment is the pipeline at that moment. A move is two rows: it leaves one
stage and enters the next. A closing dated in the past takes back what had been recorded of the deal
after that day (`overtaken`), each at its own time. Who owns a deal and what it is about comes from
known_deals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, SmallInteger, Text, Uuid

from analytics.fact import About, Fact, columns_of_times, measure, times_of
from analytics.read_models.known_deals import ATTRIBUTES, deals_as_of
from analytics.received import (
    DealClosed,
    DealLost,
    DealMoved,
    DealOpened,
    DealReopened,
    DealRevalued,
    DealWon,
    Overtaken,
)
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

PIPELINE_DELTAS = read_table(
    "pipeline_deltas",
    Column("deal_id", Uuid),
    Column("version", Integer),
    Column("part", SmallInteger),
    *columns_of_times(),
    Column("currency", Text),
    Column("stage", Text),
    measure("deals"),
    measure("value_minor"),
    measure("weighted"),
    Index("pipeline_deltas_day", "workspace_id", "day"),
    Index("pipeline_deltas_events", "workspace_id", "occurred_at", "event_id", "part"),
    key=("deal_id", "version", "part"),
)
MEASURES = ("deals", "value_minor", "weighted")

PIPELINE_DELTA = Fact(
    name="pipeline_delta",
    title="The open pipeline grew or shrank: a deal opened, moved, revalued, closed, reopened",
    table=PIPELINE_DELTAS,
    about=About("pipeline", "deal", "deal_id", deals_as_of, ATTRIBUTES),
    measures={name: PIPELINE_DELTAS.c[name] for name in MEASURES},
    dimensions=("stage",),
    has_currency=True,
    part="part",
)


@dataclass(frozen=True, slots=True)
class Delta:
    """A change of the open pipeline in one stage. `deals` 0: only a value changed."""

    stage: str
    probability: int
    deals: int
    value_minor: int
    currency: str
    at: datetime | None = None


def deltas(event: Any) -> Iterator[Delta]:
    """What an event adds to the open pipeline and takes from it."""
    match event:
        case DealOpened() | DealReopened() as e:
            yield Delta(e.stage, e.probability, 1, e.value_minor, e.currency)
        case DealMoved() as e:
            yield Delta(e.from_stage, e.from_probability, -1, -e.value_minor, e.currency)
            yield Delta(e.to_stage, e.to_probability, 1, e.value_minor, e.currency)
        case DealRevalued() as e:
            by = e.to_value_minor - e.from_value_minor
            yield Delta(e.stage, e.probability, 0, by, e.currency)
        case DealWon() | DealLost() as e:
            yield from _closed(e)


def _closed(event: DealClosed) -> Iterator[Delta]:
    if event.was_open:
        # Had it another currency then, the first change that is taken back is still in that one.
        currency = event.overtaken[0].currency if event.overtaken else ""
        value = -event.position_value_minor
        yield Delta(event.stage, event.probability, -1, value, currency or event.currency)
    for change in event.overtaken:
        yield from _taken_back(change, change.currency or event.currency)


def _taken_back(change: Overtaken, currency: str) -> Iterator[Delta]:
    """A change that turned out to lie after the closing, undone at the moment it was dated."""
    if change.from_open:
        value = change.from_value_minor
        yield Delta(change.from_stage, change.from_probability, 1, value, currency, change.at)
    if change.to_open:
        value = -change.to_value_minor
        yield Delta(change.to_stage, change.to_probability, -1, value, currency, change.at)


def rows_of(recorded: Recorded[Any]) -> Iterator[dict[str, Any]]:
    """The facts an event makes; `weighted` is in hundredths, so that it adds up exactly."""
    times = times_of(recorded)
    for delta in deltas(recorded.event):
        at = delta.at or recorded.occurred_at
        yield {
            **times,
            "occurred_at": at,
            "day": at.astimezone(UTC).date(),
            "currency": delta.currency,
            "stage": delta.stage,
            "deals": delta.deals,
            "value_minor": delta.value_minor,
            "weighted": delta.value_minor * delta.probability,
        }


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    for part, row in enumerate(rows_of(recorded)):
        yield Put(PIPELINE_DELTAS, (recorded.event.deal_id, recorded.version, part), row)


PROJECTION = Projection(
    "pipeline_delta",
    1,
    (DealOpened, DealMoved, DealRevalued, DealWon, DealLost, DealReopened),
    (PIPELINE_DELTAS,),
    project,
)
