"""Deals over HTTP, the reading side: lists and records, now or as they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.errors import BadInput, NotFound
from chassis.http.paging import decode_cursor, page
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.ids import new_id
from chassis.ports import Context
from chassis.postgres.database import Connection, Record
from pipeline.api import shapes
from pipeline.api.points import AsOf, KnownAt, point
from pipeline.as_of import Point, deals_at
from pipeline.domain.deal import DEAL
from pipeline.names import fetch_names, with_names
from pipeline.read_models.deal_list import DealQuery, fetch_deals, position_of
from pipeline.read_models.deal_record import columns_of, fetch_record
from pipeline.read_models.pipelines import by_id, chosen, fetch_pipelines

router = APIRouter(prefix="/deals", tags=["deals"], dependencies=[Depends(require("deals.read"))])


class DealFilter(BaseModel):
    """What deals are asked for."""

    model_config = ConfigDict(extra="forbid")

    q: str | None = Field(default=None, max_length=100, description="In the title or company.")
    pipeline: str | None = Field(default=None, description="Id or name.")
    stage: str | None = Field(default=None, description="Key.")
    status: Literal["open", "won", "lost"] | None = None
    owner: UUID | None = None
    company: UUID | None = None
    contact: UUID | None = None
    sort: str = Field(
        default="-opened",
        description="opened, title, value, expected_close, closed or entered; -… downwards.",
    )
    limit: int = Field(default=50, ge=1, le=200, description="How many items at most.")
    cursor: str | None = Field(default=None, description="`next` of the page before.")
    as_of: AsOf = None
    known_at: KnownAt = None


@router.get("")
async def list_deals(
    request: Request, read: Reading, asked: Annotated[DealFilter, Query()]
) -> Response:
    """Deals, filtered and sorted, now or as they were."""
    now: datetime = request.app.state.service.clock.now()
    then = point_of(asked.as_of, asked.known_at, now)
    query = _query(read, asked)
    async with read.connection() as connection:
        rows = await fetch_pipelines(connection, read.principal.workspace)
        if asked.pipeline is not None:
            query = replace(query, pipeline_id=pipeline_row(rows, asked.pipeline)["pipeline_id"])
        found = await _fetch(connection, read.principal.workspace, query, then)
    items, following = page(found, asked.limit, lambda row: position_of(row, query))
    known, at = by_id(rows), then.as_of if then is not None else now
    return read.json({"items": [shapes.deal(row, known, at) for row in items], "next": following})


def _query(read: Read, asked: DealFilter) -> DealQuery:
    query = DealQuery(
        visible=read.principal.visible_owners(),
        text=asked.q,
        stage=asked.stage,
        status=asked.status,
        owner_id=asked.owner,
        company_id=asked.company,
        contact_id=asked.contact,
        sort=asked.sort,
        limit=asked.limit + 1,
    )
    _, type_, _ = query.order
    after = decode_cursor(asked.cursor, [type_, UUID]) if asked.cursor else None
    return replace(query, after=after)


async def _fetch(
    connection: Connection, workspace: UUID, query: DealQuery, then: Point | None
) -> list[Record]:
    if then is None:
        return await fetch_deals(connection, workspace, query)
    only_open = query.status == "open"
    deals = deals_at(workspace, then, visible=query.visible, only_open=only_open)
    return await fetch_deals(connection, workspace, replace(query, visible=None), deals=deals)


def point_of(as_of: str | None, known_at: str | None, now: datetime) -> Point | None:
    """The point in time that is asked for; None: now, as known now."""
    then, known = point(as_of, "as_of"), point(known_at, "known_at")
    return None if then is None and known is None else Point(then or now, known)


def pipeline_row(rows: list[Record], wanted: str | None) -> Record:
    """The pipeline that is asked for; None: the first. Raises BadInput, NotFound."""
    row = chosen(rows, wanted)
    if row is not None:
        return row
    if not rows:
        raise NotFound("This workspace has no pipeline yet. Design one: POST /pipelines.")
    there = ", ".join(row["name"] for row in rows)
    raise BadInput(f"There is no pipeline {wanted}; there are: {there}.")


@router.get("/{deal_id}")
async def one_deal(
    deal_id: UUID,
    request: Request,
    read: Reading,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Everything about a deal, now or as it was."""
    service: Any = request.app.state.service
    now: datetime = service.clock.now()
    then = point_of(as_of, known_at, now)
    async with read.connection() as connection:
        row = await visible_record(connection, read, deal_id)
        if then is not None:
            row = await _record_at(service, read, deal_id, then)
        ids = [row[f"{what}_id"] for what in ("company", "contact", "owner", "product")]
        names = await fetch_names(connection, read.principal.workspace, ids)
        known = by_id(await fetch_pipelines(connection, read.principal.workspace))
    at = then.as_of if then is not None else now
    body = shapes.record(with_names(row, names), known, at)
    body |= {"as_of": then.as_of, "known_at": then.known_at} if then is not None else {}
    return read.json(body, version=row["version"] if then is None else None)


async def visible_record(connection: Connection, read: Read, deal_id: UUID) -> dict[str, Any]:
    """The deal as it is, if this user may see it. Raises NotFound."""
    visible = read.principal.visible_owners()
    row = await fetch_record(connection, read.principal.workspace, deal_id)
    if row is None or (visible is not None and row["owner_id"] not in (None, *visible)):
        raise NotFound("There is no such deal.")
    return dict(row)


async def _record_at(service: Any, read: Read, deal_id: UUID, then: Point) -> dict[str, Any]:
    """The deal as it was: its events up to there, folded in the order of the log."""
    principal = read.principal
    context = Context(principal.workspace, str(principal.user_id), new_id())
    loaded = await service.log.load(context, DEAL.stream(deal_id), upto=then.known_at)
    kept = [recorded for recorded in loaded.events if recorded.occurred_at <= then.as_of]
    deal = DEAL.fold(recorded.event for recorded in kept)
    if deal is None:
        raise NotFound("This deal did not exist by then, as far as it was known.")
    return columns_of(deal) | {
        "version": kept[-1].version,
        "changed_at": kept[-1].recorded_at,
    }
