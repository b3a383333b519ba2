"""Which deals were there, and how did the board look, at any moment, as far as it was known then?

`as_of` cuts by when things happened, `known_at` by when they were recorded. A deal at such a point
is the fold of its events up to there in the order of the log, so its place is what the last of
them says that speaks of places, and each other property what the last one says that speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)

from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table
from pipeline.domain.deal import (
    DealAssigned,
    DealEvent,
    DealLost,
    DealMoved,
    DealOpened,
    DealRelinked,
    DealReopened,
    DealRescheduled,
    DealRetitled,
    DealRevalued,
    DealWon,
)
from pipeline.domain.deal.events import EVENTS
from pipeline.domain.naming import folded
from pipeline.read_models.deal_list import NEVER

NONE_ID = UUID(int=0)
"""Stands for "taken away" where null means "not changed"."""
FAR = datetime(9999, 1, 1, tzinfo=UTC)
"""Stands for "not yet" where times are compared."""

DEAL_POSITIONS_TABLE: Table = read_table(
    "deal_positions",
    Column("deal_id", Uuid),
    Column("version", Integer),
    Column("occurred_at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("status", Text),
    Column("stage", Text),
    Column("probability", Integer),
    Column("value_minor", BigInteger),
    Column("currency", Text),
    Column("entered_at", DateTime(timezone=True)),
    Column("closed_on", Date),
    key=("deal_id", "version"),
)
"""Where a deal was from an event on; every row is complete."""

DEAL_DETAILS_TABLE: Table = read_table(
    "deal_details",
    Column("deal_id", Uuid),
    Column("version", Integer),
    Column("occurred_at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("title", Text),
    Column("title_folded", Text),
    Column("owner_id", Uuid),
    Column("contact_id", Uuid),
    Column("company_id", Uuid),
    Column("product_id", Uuid),
    Column("expected_close", Date),
    key=("deal_id", "version"),
)
"""What an event changed besides; null: nothing."""

DEAL_SPANS_TABLE: Table = read_table(
    "deal_spans",
    Column("deal_id", Uuid),
    Column("pipeline_id", Uuid),
    Column("owner_id", Uuid),
    Column("source", Text),
    Column("external_id", Text),
    Column("external_source", Text),
    Column("opened_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("settled_recorded_at", DateTime(timezone=True)),
    Index("deal_spans_settled", "workspace_id", "pipeline_id", "settled_at"),
    Index("deal_spans_settled_recorded", "workspace_id", "pipeline_id", "settled_recorded_at"),
    key=("deal_id",),
)
"""Since when a deal exists, and from when on it is closed for certain: that leaves few to fold.

`owner_id` is its present owner, who decides on who may see it, also when looking at the past.
"""


def project(recorded: Recorded[DealEvent]) -> Iterable[Change]:
    """One row per event and what it speaks of, and one per deal."""
    event = recorded.event
    key = (event.deal_id, recorded.version)
    times = {"occurred_at": event.occurred_at, "recorded_at": recorded.recorded_at}
    place = _place(event)
    if place:
        yield Put(DEAL_POSITIONS_TABLE, key, times | place)
    details = _details(event)
    if details:
        yield Put(DEAL_DETAILS_TABLE, key, times | details)
    span = _span(event, recorded.recorded_at)
    if span:
        yield Put(DEAL_SPANS_TABLE, (event.deal_id,), span)


def _place(event: DealEvent) -> dict[str, Any]:
    match event:
        case DealOpened() | DealReopened():
            return _open_at(event.stage, event.probability, event.occurred_at) | {
                "value_minor": event.value_minor,
                "currency": event.currency,
            }
        case DealMoved():
            return _open_at(event.to_stage, event.to_probability, event.occurred_at) | {
                "value_minor": event.value_minor,
                "currency": event.currency,
            }
        case DealRevalued():
            return _open_at(event.stage, event.probability, event.entered_at) | {
                "value_minor": event.to_value_minor,
                "currency": event.currency,
            }
        case DealWon() | DealLost():
            return {
                "status": "won" if isinstance(event, DealWon) else "lost",
                "stage": event.stage,
                "probability": event.probability,
                "value_minor": event.value_minor,
                "currency": event.currency,
                "entered_at": event.occurred_at,
                "closed_on": event.closed_on,
            }
        case _:
            return {}


def _open_at(stage: str, probability: int, entered_at: datetime | None) -> dict[str, Any]:
    return {
        "status": "open",
        "stage": stage,
        "probability": probability,
        "entered_at": entered_at,
        "closed_on": None,
    }


def _details(event: DealEvent) -> dict[str, Any]:
    match event:
        case DealOpened():
            return {
                "title": event.title,
                "title_folded": folded(event.title),
                "owner_id": event.owner_id or NONE_ID,
                "contact_id": event.contact_id or NONE_ID,
                "company_id": event.company_id or NONE_ID,
                "product_id": event.product_id or NONE_ID,
                "expected_close": event.expected_close or NEVER,
            }
        case DealAssigned():
            return {"owner_id": event.owner_id or NONE_ID}
        case DealRetitled():
            return {"title": event.title, "title_folded": folded(event.title)}
        case DealRescheduled():
            return {"expected_close": event.expected_close or NEVER}
        case DealRelinked():
            return {
                "contact_id": event.contact_id or NONE_ID,
                "company_id": event.company_id or NONE_ID,
                "product_id": event.product_id or NONE_ID,
            }
        case _:
            return {}


def _span(event: DealEvent, recorded_at: datetime) -> dict[str, Any]:
    match event:
        case DealOpened():
            return {
                "pipeline_id": event.pipeline_id,
                "owner_id": event.owner_id,
                "source": event.source,
                "external_id": event.external_id,
                "external_source": event.external_source,
                "opened_at": event.occurred_at,
                "settled_at": FAR,
                "settled_recorded_at": FAR,
            }
        case DealWon() | DealLost() if event.closing == 1:
            return {"settled_at": event.occurred_at, "settled_recorded_at": recorded_at}
        case DealReopened():
            # From now on only a fold tells; no later closing settles it for all moments again.
            return {"settled_at": FAR, "settled_recorded_at": FAR}
        case DealAssigned():
            return {"owner_id": event.owner_id}
        case _:
            return {}


DEAL_CHANGES = Projection(
    "deal_changes",
    1,
    EVENTS,
    (DEAL_POSITIONS_TABLE, DEAL_DETAILS_TABLE, DEAL_SPANS_TABLE),
    project,
)
