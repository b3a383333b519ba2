"""Stages entered: how many deals came into which stage, and when?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Index, Integer, Text, Uuid

from analytics.fact import About, Fact, columns_of_times, measure, times_of
from analytics.read_models.known_deals import ATTRIBUTES, deals_as_of
from analytics.received import DealMoved, DealOpened, DealReopened
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

STAGES_ENTERED = read_table(
    "stages_entered",
    Column("deal_id", Uuid),
    Column("version", Integer),
    *columns_of_times(),
    Column("currency", Text),
    Column("stage", Text),
    measure("entered"),
    measure("opened"),
    measure("entered_minor"),
    Index("stages_entered_day", "workspace_id", "day"),
    Index("stages_entered_events", "workspace_id", "occurred_at", "event_id"),
    key=("deal_id", "version"),
)
MEASURES = ("entered", "opened", "entered_minor")

STAGE_ENTERED = Fact(
    name="stage_entered",
    title="A deal came into a stage: opened there, moved there, reopened there",
    table=STAGES_ENTERED,
    about=About("pipeline", "deal", "deal_id", deals_as_of, ATTRIBUTES),
    measures={name: STAGES_ENTERED.c[name] for name in MEASURES},
    dimensions=("stage",),
    has_currency=True,
)


def rows_of(recorded: Recorded[Any]) -> Iterator[dict[str, Any]]:
    """The fact an event makes."""
    match recorded.event:
        case DealOpened() | DealReopened() as e:
            stage = e.stage
        case DealMoved() as e:
            stage = e.to_stage
        case _:
            return
    yield {
        **times_of(recorded),
        "currency": e.currency,
        "stage": stage,
        "entered": 1,
        "opened": int(isinstance(e, DealOpened)),
        "entered_minor": e.value_minor,
    }


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    for row in rows_of(recorded):
        yield Put(STAGES_ENTERED, (recorded.event.deal_id, recorded.version), row)


PROJECTION = Projection(
    "stage_entered", 1, (DealOpened, DealMoved, DealReopened), (STAGES_ENTERED,), project
)
