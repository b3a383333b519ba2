"""Closings of deals: how many were won and lost, for how much, after how many days?

A row per closing. A reopening ends it: as of any moment after that it does not count. A later
closing that is dated before the reopening (somebody corrected the day) overtakes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import Any

from sqlalchemy import Column, DateTime, Index, Integer, SmallInteger, Text, Uuid

from analytics.fact import About, Fact, columns_of_end, columns_of_times, measure, times_of
from analytics.received import DealClosed, DealLost, DealReopened, DealWon
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

DEALS_CLOSED = read_table(
    "deals_closed",
    Column("deal_id", Uuid),
    Column("closing", SmallInteger),
    *columns_of_times(),
    *columns_of_end(),
    Column("currency", Text),
    Column("owner_id", Uuid),
    Column("company_id", Uuid),
    Column("product_id", Uuid),
    Column("pipeline_id", Uuid),
    Column("source", Text),
    Column("stage", Text),
    measure("won"),
    measure("lost"),
    measure("won_minor"),
    measure("lost_minor"),
    measure("cycle_days"),
    Index("deals_closed_day", "workspace_id", "day"),
    Index("deals_closed_events", "workspace_id", "occurred_at", "event_id"),
    key=("deal_id", "closing"),
)
CLOSINGS_OVERTAKEN = read_table(
    "closings_overtaken",
    Column("deal_id", Uuid),
    Column("closing", SmallInteger),
    Column("version", Integer),
    Column("occurred_at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    key=("deal_id", "closing", "version"),
)
MEASURES = ("won", "lost", "won_minor", "lost_minor", "cycle_days")
DIMENSIONS = ("owner_id", "company_id", "product_id", "pipeline_id", "source", "stage")
# What is taken off the roll-up again, ready to be read from the index alone.
Index(
    "deals_closed_ended",
    DEALS_CLOSED.c.workspace_id,
    DEALS_CLOSED.c.day,
    postgresql_include=[*DIMENSIONS, *MEASURES, "currency", "known_until"],
    postgresql_where=DEALS_CLOSED.c.known_until.is_not(None),
)

DEAL_CLOSED = Fact(
    name="deal_closed",
    title="A deal was won or lost; it counts for the day it was closed on",
    table=DEALS_CLOSED,
    about=About("pipeline", "deal", "deal_id"),
    measures={name: DEALS_CLOSED.c[name] for name in MEASURES},
    dimensions=DIMENSIONS,
    has_currency=True,
    ends=True,
    overtaken=CLOSINGS_OVERTAKEN,
)


def row_of(recorded: Recorded[Any], event: DealClosed) -> dict[str, Any]:
    """The fact that a closing is."""
    won = isinstance(event, DealWon)
    days = (event.closed_on - event.opened_at.astimezone(UTC).date()).days
    return {
        **times_of(recorded),
        "day": event.closed_on,
        "currency": event.currency,
        **{name: getattr(event, name) for name in DIMENSIONS},
        "won": int(won),
        "lost": int(not won),
        "won_minor": event.value_minor if won else 0,
        "lost_minor": 0 if won else event.value_minor,
        "cycle_days": days if won else 0,
    }


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    match recorded.event:
        case DealWon() | DealLost() as e:
            yield Put(DEALS_CLOSED, (e.deal_id, e.closing), row_of(recorded, e))
            times = {"occurred_at": recorded.occurred_at, "recorded_at": recorded.recorded_at}
            for closing in e.overtaken_closings:
                yield Put(CLOSINGS_OVERTAKEN, (e.deal_id, closing, recorded.version), times)
        case DealReopened() as e:
            ended = {"valid_until": recorded.occurred_at, "known_until": recorded.recorded_at}
            yield Put(DEALS_CLOSED, (e.deal_id, e.closing), ended)


PROJECTION = Projection(
    "deal_closed",
    1,
    (DealWon, DealLost, DealReopened),
    (DEALS_CLOSED, CLOSINGS_OVERTAKEN),
    project,
)
