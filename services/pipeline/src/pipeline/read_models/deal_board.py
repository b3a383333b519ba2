"""Which deals are open, stage by stage, what are they worth, and since when are they there?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Index,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    func,
    literal,
    select,
    true,
)

from chassis.events import Recorded
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch
from chassis.projection import Change, Projection, Put, Remove, read_table
from pipeline.domain.deal import (
    DealAssigned,
    DealEvent,
    DealLost,
    DealMoved,
    DealOpened,
    DealReopened,
    DealRevalued,
    DealWon,
)
from pipeline.names import named
from pipeline.querying import Owners, visible_to
from pipeline.read_models.deal_list import DEAL_LIST_TABLE

DEAL_BOARD_TABLE: Table = read_table(
    "deal_board",
    Column("deal_id", Uuid),
    Column("pipeline_id", Uuid),
    Column("owner_id", Uuid),
    Column("stage", Text),
    Column("probability", Integer),
    Column("value_minor", BigInteger),
    Column("currency", Text),
    Column("entered_at", DateTime(timezone=True)),
    Index("deal_board_stage", "workspace_id", "pipeline_id", "stage", "entered_at", "deal_id"),
    key=("deal_id",),
)


def project(recorded: Recorded[DealEvent]) -> Iterable[Change]:
    """One row per open deal; whatever else is known of it is in deal_list."""
    match recorded.event:
        case DealOpened() | DealReopened() as e:
            columns = {
                "pipeline_id": e.pipeline_id,
                "owner_id": e.owner_id,
                "stage": e.stage,
                "probability": e.probability,
                "value_minor": e.value_minor,
                "currency": e.currency,
                "entered_at": e.occurred_at,
            }
            yield Put(DEAL_BOARD_TABLE, (e.deal_id,), columns)
        case DealMoved() as e:
            columns = {
                "stage": e.to_stage,
                "probability": e.to_probability,
                "entered_at": e.occurred_at,
            }
            yield Put(DEAL_BOARD_TABLE, (e.deal_id,), columns)
        case DealRevalued() as e:
            columns = {"value_minor": e.to_value_minor, "currency": e.currency}
            yield Put(DEAL_BOARD_TABLE, (e.deal_id,), columns)
        case DealAssigned() as e if e.status == "open":
            yield Put(DEAL_BOARD_TABLE, (e.deal_id,), {"owner_id": e.owner_id})
        case DealWon() | DealLost() as e:
            yield Remove(DEAL_BOARD_TABLE, (e.deal_id,))
        case _:
            return


DEAL_BOARD = Projection(
    "deal_board",
    1,
    (DealOpened, DealMoved, DealRevalued, DealWon, DealLost, DealReopened, DealAssigned),
    (DEAL_BOARD_TABLE,),
    project,
)


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """What is asked for: a pipeline, seen by somebody, perhaps only one owner's deals."""

    pipeline_id: UUID
    visible: Owners = None
    owner_id: UUID | None = None
    limit_per_stage: int = 50


@dataclass(frozen=True, slots=True)
class BoardRows:
    """What a board is made of: sums per stage and currency, and the first cards of each stage."""

    sums: Sequence[Record]
    cards: Sequence[Record]


async def fetch_board(
    connection: Connection, workspace: UUID, query: BoardQuery, stages: Sequence[str]
) -> BoardRows:
    """The open deals as they are; of each stage the latest comers, one more than is shown."""
    return BoardRows(
        await fetch(connection, sums_of(_open_deals(workspace, query))),
        await fetch(connection, cards_of(workspace, query, stages)),
    )


async def fetch_sums(connection: Connection, workspace: UUID, query: BoardQuery) -> list[Record]:
    """The sums alone."""
    return await fetch(connection, sums_of(_open_deals(workspace, query)))


def sums_of(deals: FromClause) -> Select[*tuple[Any, ...]]:
    """Count, value and weighted value (x 100) per stage and currency of some open deals."""
    value = deals.c.value_minor
    return select(
        deals.c.stage,
        deals.c.currency,
        func.count().label("deals"),
        func.sum(value).label("value"),
        func.sum(value * deals.c.probability).label("weighted"),
    ).group_by(deals.c.stage, deals.c.currency)


def _open_deals(workspace: UUID, query: BoardQuery) -> FromClause:
    board = DEAL_BOARD_TABLE
    statement = select(board.c.stage, board.c.currency, board.c.value_minor, board.c.probability)
    return statement.where(*_wanted(workspace, query)).subquery("open_deals")


def _wanted(workspace: UUID, query: BoardQuery) -> list[ColumnElement[bool]]:
    """Only this pipeline, what this user may see, or only one owner's."""
    board = DEAL_BOARD_TABLE
    wanted = [board.c.workspace_id == workspace, board.c.pipeline_id == query.pipeline_id]
    wanted += visible_to(board.c.owner_id, query.visible)
    if query.owner_id is not None:
        wanted.append(board.c.owner_id == query.owner_id)
    return wanted


def cards_of(workspace: UUID, query: BoardQuery, stages: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """The first cards of each stage: an index scan per stage, then the rest of those few deals."""
    board, deals = DEAL_BOARD_TABLE, DEAL_LIST_TABLE
    keys = func.unnest(literal(list(stages), ARRAY(Text)))
    stage = keys.table_valued("key", name="wanted").render_derived()
    first = select(board.c.workspace_id, board.c.deal_id, board.c.entered_at)
    top = (
        first.where(*_wanted(workspace, query), board.c.stage == stage.c.key)
        .order_by(board.c.entered_at.desc(), board.c.deal_id.desc())
        .limit(query.limit_per_stage + 1)
        .lateral("top")
    )
    same = (deals.c.workspace_id == top.c.workspace_id) & (deals.c.deal_id == top.c.deal_id)
    cards = select(deals).select_from(stage.join(top, true()).join(deals, same)).subquery("cards")
    return named(cards).order_by(cards.c.entered_at.desc(), cards.c.deal_id.desc())
