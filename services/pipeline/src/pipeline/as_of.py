"""Deals as they were: statements over deal_changes for lists and boards of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    FromClause,
    Select,
    Subquery,
    Table,
    Uuid,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch
from pipeline.names import named
from pipeline.querying import visible_to
from pipeline.read_models.deal_board import BoardQuery, BoardRows, sums_of
from pipeline.read_models.deal_changes import (
    DEAL_DETAILS_TABLE,
    DEAL_POSITIONS_TABLE,
    DEAL_SPANS_TABLE,
    NONE_ID,
)
from pipeline.read_models.deal_list import NEVER


@dataclass(frozen=True, slots=True)
class Point:
    """A point on both time axes. `known_at` None: as known now."""

    as_of: datetime
    known_at: datetime | None = None

    def before(self, table: FromClause) -> list[ColumnElement[bool]]:
        """Rows of events up to this point."""
        conditions = [table.c.occurred_at <= self.as_of]
        if self.known_at is not None:
            conditions.append(table.c.recorded_at <= self.known_at)
        return conditions


async def fetch_board_at(
    connection: Connection, workspace: UUID, query: BoardQuery, point: Point
) -> BoardRows:
    """The board as it was; in `cards`, of each stage the latest comers, one more than is shown."""
    rows = await fetch(connection, board_at(workspace, query, point))
    return BoardRows(
        sums=[row for row in rows if row["place_in_group"] == 1],
        cards=[row for row in rows if row["place_in_stage"] <= query.limit_per_stage + 1],
    )


async def fetch_sums_at(
    connection: Connection, workspace: UUID, query: BoardQuery, point: Point
) -> list[Record]:
    """The sums of the board as it was."""
    return await fetch(connection, sums_of(open_deals_at(workspace, query, point)))


def open_deals_at(workspace: UUID, query: BoardQuery, point: Point) -> Subquery:
    """Places of the deals that were open then."""
    spans = DEAL_SPANS_TABLE
    wanted = [spans.c.pipeline_id == query.pipeline_id, _perhaps_open(spans, point)]
    wanted += visible_to(spans.c.owner_id, query.visible)
    statement = _places(workspace, wanted, point)
    place = statement.selected_columns
    statement = statement.where(place.status == "open")
    if query.owner_id is not None:
        owner = _last(workspace, spans.c.deal_id, "owner_id", point)
        statement = statement.where(owner == query.owner_id)
    return statement.subquery("open_then")


def _perhaps_open(spans: Table, point: Point) -> ColumnElement[bool]:
    """All but those that a closing, happened and known by then, has settled."""
    later = spans.c.settled_at > point.as_of
    if point.known_at is None:
        return later
    return or_(later, spans.c.settled_recorded_at > point.known_at)


def _places(
    workspace: UUID, wanted: Sequence[ColumnElement[bool]], point: Point
) -> Select[*tuple[Any, ...]]:
    """The last place up to a point of each of the deals that existed by then."""
    spans, positions = DEAL_SPANS_TABLE, DEAL_POSITIONS_TABLE
    place = (
        select(positions)
        .where(positions.c.workspace_id == workspace, positions.c.deal_id == spans.c.deal_id)
        .where(*point.before(positions))
        .order_by(positions.c.version.desc())
        .limit(1)
        .lateral("place")
    )
    return (
        select(
            spans.c.workspace_id,
            spans.c.deal_id,
            spans.c.pipeline_id,
            spans.c.source,
            spans.c.opened_at,
            spans.c.external_id,
            spans.c.external_source,
            place.c.version.label("place_version"),
            place.c.status,
            place.c.stage,
            place.c.probability,
            place.c.value_minor,
            place.c.currency,
            place.c.entered_at,
            place.c.closed_on,
        )
        .select_from(spans.join(place, true()))
        .where(spans.c.workspace_id == workspace, spans.c.opened_at <= point.as_of)
        .where(*wanted)
    )


def _last(
    workspace: UUID, deal_id: ColumnElement[UUID], name: str, point: Point
) -> ColumnElement[Any]:
    """What the last event up to a point said about one property."""
    details = DEAL_DETAILS_TABLE
    return (
        select(details.c[name])
        .where(details.c.workspace_id == workspace, details.c.deal_id == deal_id)
        .where(details.c[name].is_not(None), *point.before(details))
        .order_by(details.c.version.desc())
        .limit(1)
        .scalar_subquery()
    )


def board_at(workspace: UUID, query: BoardQuery, point: Point) -> Select[*tuple[Any, ...]]:
    """The first cards of each stage as they were, and one card of each stage and currency; with
    every card the sums of its stage and currency, so that the deals are folded only once."""
    deals = open_deals_at(workspace, query, point)
    latest = (deals.c.entered_at.desc(), deals.c.deal_id.desc())
    group = (deals.c.stage, deals.c.currency)
    value = deals.c.value_minor
    ranked = select(
        deals,
        func.row_number().over(partition_by=deals.c.stage, order_by=latest).label("place_in_stage"),
        func.row_number().over(partition_by=group, order_by=latest).label("place_in_group"),
        func.count().over(partition_by=group).label("deals"),
        func.sum(value).over(partition_by=group).label("value"),
        func.sum(value * deals.c.probability).over(partition_by=group).label("weighted"),
    ).subquery("ranked")
    shown = or_(ranked.c.place_in_stage <= query.limit_per_stage + 1, ranked.c.place_in_group == 1)
    first = select(ranked).where(shown).subquery("first")
    cards = _detailed(workspace, first, point).subquery("cards")
    return named(cards).order_by(cards.c.entered_at.desc(), cards.c.deal_id.desc())


def deals_at(
    workspace: UUID, point: Point, *, visible: frozenset[UUID] | None, only_open: bool
) -> Subquery:
    """All deals as they were then, with the columns of deal_list."""
    spans = DEAL_SPANS_TABLE
    wanted = visible_to(spans.c.owner_id, visible)
    if only_open:
        wanted.append(_perhaps_open(spans, point))
    places = _places(workspace, wanted, point).subquery("places")
    return _detailed(workspace, places, point).subquery("deals_then")


def _detailed(workspace: UUID, places: FromClause, point: Point) -> Select[*tuple[Any, ...]]:
    """Places with everything else as it was then; one look at the details of each deal."""
    details = DEAL_DETAILS_TABLE
    ids = ("owner_id", "contact_id", "company_id", "product_id")
    names = ("title", "title_folded", *ids, "expected_close")
    folds = [_latest(details.c[name], details.c.version).label(name) for name in names]
    then = (
        select(func.max(details.c.version).label("version"), *folds)
        .where(details.c.workspace_id == workspace, details.c.deal_id == places.c.deal_id)
        .where(*point.before(details))
        .lateral("details")
    )
    kept = [column for column in places.c if column.name != "place_version"]
    return select(
        *kept,
        func.greatest(places.c.place_version, then.c.version).label("version"),
        then.c.title,
        then.c.title_folded,
        *(func.nullif(then.c[name], literal(NONE_ID, Uuid)).label(name) for name in ids),
        func.nullif(then.c.expected_close, literal(NEVER, Date)).label("expected_close"),
        then.c.expected_close.label("expected_sort"),
        func.coalesce(places.c.closed_on, literal(NEVER, Date)).label("closed_sort"),
    ).select_from(places.join(then, true()))


def _latest(column: Column[Any], version: Column[int]) -> ColumnElement[Any]:
    """The last value that is not null, in the order of the log."""
    values = func.array_agg(aggregate_order_by(column, version.desc()))
    return values.filter(column.is_not(None))[1]
