"""What is there to know about one deal, now?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Column, Date, DateTime, Integer, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch_one
from chassis.projection import Change, Projection, Put, read_table
from pipeline.domain.deal import (
    Deal,
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

DEAL_RECORD_TABLE: Table = read_table(
    "deal_record",
    Column("deal_id", Uuid),
    Column("version", Integer),
    Column("title", Text),
    Column("status", Text),
    Column("pipeline_id", Uuid),
    Column("stage", Text),
    Column("probability", Integer),
    Column("value_minor", BigInteger),
    Column("currency", Text),
    Column("contact_id", Uuid),
    Column("company_id", Uuid),
    Column("product_id", Uuid),
    Column("owner_id", Uuid),
    Column("lines", JSONB),
    Column("source", Text),
    Column("expected_close", Date),
    Column("opened_at", DateTime(timezone=True)),
    Column("entered_at", DateTime(timezone=True)),
    Column("closed_on", Date),
    Column("closings", Integer),
    Column("reason", Text),
    Column("external_id", Text),
    Column("external_source", Text),
    Column("changed_at", DateTime(timezone=True)),
    key=("deal_id",),
)


def project(recorded: Recorded[DealEvent]) -> Iterable[Change]:
    """One row per deal."""
    event = recorded.event
    columns = {"version": recorded.version, "changed_at": recorded.recorded_at}
    yield Put(DEAL_RECORD_TABLE, (event.deal_id,), columns | columns_after(event))


def columns_after(event: DealEvent) -> dict[str, Any]:
    """What an event says about the columns of a deal; the others stay."""
    match event:
        case DealOpened():
            return _opened(event)
        case DealMoved():
            return {
                "stage": event.to_stage,
                "probability": event.to_probability,
                "entered_at": event.occurred_at,
            }
        case DealRevalued():
            return {"value_minor": event.to_value_minor, "currency": event.currency}
        case DealWon() | DealLost():
            return _closed(event)
        case DealReopened():
            return {
                "status": "open",
                "stage": event.stage,
                "probability": event.probability,
                "value_minor": event.value_minor,
                "currency": event.currency,
                "entered_at": event.occurred_at,
                "closed_on": None,
                "reason": None,
            }
        case _:
            return _described(event)


def _described(
    event: DealAssigned | DealRetitled | DealRescheduled | DealRelinked,
) -> dict[str, Any]:
    match event:
        case DealAssigned():
            return {"owner_id": event.owner_id}
        case DealRetitled():
            return {"title": event.title}
        case DealRescheduled():
            return {"expected_close": event.expected_close}
        case DealRelinked():
            return {
                "contact_id": event.contact_id,
                "company_id": event.company_id,
                "product_id": event.product_id,
            }


def _opened(event: DealOpened) -> dict[str, Any]:
    return {
        "title": event.title,
        "status": "open",
        "pipeline_id": event.pipeline_id,
        "stage": event.stage,
        "probability": event.probability,
        "value_minor": event.value_minor,
        "currency": event.currency,
        "contact_id": event.contact_id,
        "company_id": event.company_id,
        "product_id": event.product_id,
        "owner_id": event.owner_id,
        "lines": list(msgspec.to_builtins(event.lines)),
        "source": event.source,
        "expected_close": event.expected_close,
        "opened_at": event.occurred_at,
        "entered_at": event.occurred_at,
        "closings": 0,
        "external_id": event.external_id,
        "external_source": event.external_source,
    }


def _closed(event: DealWon | DealLost) -> dict[str, Any]:
    return {
        "status": "won" if isinstance(event, DealWon) else "lost",
        "stage": event.stage,
        "probability": event.probability,
        "value_minor": event.value_minor,
        "currency": event.currency,
        "entered_at": event.occurred_at,
        "closed_on": event.closed_on,
        "closings": event.closing,
        "reason": event.reason if isinstance(event, DealLost) else None,
    }


DEAL_RECORD = Projection("deal_record", 1, EVENTS, (DEAL_RECORD_TABLE,), project)


def columns_of(deal: Deal) -> dict[str, Any]:
    """The same columns from a folded deal: the record as it was at another time."""
    closing, place = deal.closing, deal.track[-1]
    return {
        "deal_id": deal.deal_id,
        "title": deal.title,
        "status": deal.status,
        "pipeline_id": deal.pipeline_id,
        "stage": place.stage,
        "probability": place.probability,
        "value_minor": deal.position.value_minor if closing is None else closing.value_minor,
        "currency": deal.position.currency if closing is None else closing.currency,
        "contact_id": deal.contact_id,
        "company_id": deal.company_id,
        "product_id": deal.product_id,
        "owner_id": deal.owner_id,
        "lines": list(msgspec.to_builtins(deal.lines)),
        "source": deal.source,
        "expected_close": deal.expected_close,
        "opened_at": deal.opened_at,
        "entered_at": deal.entered_at if closing is None else closing.at,
        "closed_on": closing.closed_on if closing is not None else None,
        "closings": deal.closings,
        "reason": closing.reason if closing is not None else None,
        "external_id": deal.external_id,
        "external_source": deal.external_source,
    }


async def fetch_record(connection: Connection, workspace: UUID, deal_id: UUID) -> Record | None:
    """The row of a deal."""
    table = DEAL_RECORD_TABLE
    mine = (table.c.workspace_id == workspace, table.c.deal_id == deal_id)
    return await fetch_one(connection, select(table).where(*mine))
