"""Which deals are there, by state, stage, owner, company, contact or words in their names?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Index,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    or_,
    select,
)

from chassis.errors import BadInput
from chassis.events import Recorded
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch
from chassis.projection import Change, Projection, Put, read_table
from pipeline.domain.deal import DealEvent
from pipeline.domain.deal.events import EVENTS
from pipeline.domain.naming import folded
from pipeline.names import named
from pipeline.querying import Owners, beyond, one_of, visible_to
from pipeline.read_models.deal_record import columns_after
from pipeline.read_models.known_companies import KNOWN_COMPANIES_TABLE
from pipeline.read_models.known_people import records_of

NEVER = date(9999, 1, 1)
"""Sorts after every day: deals that nobody expects to close, deals that are not closed.

Not the last day of that year: asyncpg sends it as `infinity`, COPY does not.
"""

DEAL_LIST_TABLE: Table = read_table(
    "deal_list",
    Column("deal_id", Uuid),
    Column("version", Integer),
    Column("title", Text),
    Column("title_folded", Text),
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
    Column("source", Text),
    Column("expected_close", Date),
    Column("expected_sort", Date),
    Column("opened_at", DateTime(timezone=True)),
    Column("entered_at", DateTime(timezone=True)),
    Column("closed_on", Date),
    Column("closed_sort", Date),
    Column("external_id", Text),
    Column("external_source", Text),
    Index("deal_list_opened", "workspace_id", "opened_at", "deal_id"),
    Index("deal_list_title", "workspace_id", "title_folded", "deal_id"),
    Index("deal_list_value", "workspace_id", "value_minor", "deal_id"),
    Index("deal_list_expected", "workspace_id", "expected_sort", "deal_id"),
    Index("deal_list_closed", "workspace_id", "closed_sort", "deal_id"),
    Index("deal_list_entered", "workspace_id", "entered_at", "deal_id"),
    Index(
        "deal_list_stage",
        "workspace_id",
        "pipeline_id",
        "status",
        "stage",
        "entered_at",
        "deal_id",
    ),
    Index("deal_list_owner", "workspace_id", "owner_id", "opened_at", "deal_id"),
    Index("deal_list_company", "workspace_id", "company_id", "opened_at", "deal_id"),
    Index("deal_list_contact", "workspace_id", "contact_id", "opened_at", "deal_id"),
    Index("deal_list_external", "workspace_id", "external_id"),
    key=("deal_id",),
)


def project(recorded: Recorded[DealEvent]) -> Iterable[Change]:
    """One row per deal."""
    said = columns_after(recorded.event)
    columns = {name: value for name, value in said.items() if name in DEAL_LIST_TABLE.c}
    columns["version"] = recorded.version
    if "title" in said:
        columns["title_folded"] = folded(said["title"])
    if "expected_close" in said:
        columns["expected_sort"] = said["expected_close"] or NEVER
    if "status" in said:
        columns["closed_sort"] = said.get("closed_on") or NEVER
    yield Put(DEAL_LIST_TABLE, (recorded.event.deal_id,), columns)


DEAL_LIST = Projection("deal_list", 1, EVENTS, (DEAL_LIST_TABLE,), project)

SORTS: Mapping[str, tuple[str, type]] = {
    "opened": ("opened_at", datetime),
    "title": ("title_folded", str),
    "value": ("value_minor", int),
    "expected_close": ("expected_sort", date),
    "closed": ("closed_sort", date),
    "entered": ("entered_at", datetime),
}
"""What a list can be sorted by; with a minus before it the other way round."""


@dataclass(frozen=True, slots=True)
class DealQuery:
    """What is asked for; None: it does not matter. `after`: the position of the page before."""

    visible: Owners = None
    text: str | None = None
    pipeline_id: UUID | None = None
    stage: str | None = None
    status: str | None = None
    owner_id: UUID | None = None
    company_id: UUID | None = None
    contact_id: UUID | None = None
    sort: str = "-opened"
    after: Sequence[Any] | None = None
    limit: int = 50

    @property
    def order(self) -> tuple[str, type, bool]:
        """The column it is sorted by, its type, and whether downwards. Raises BadInput."""
        name, descending = self.sort.removeprefix("-"), self.sort.startswith("-")
        if name not in SORTS:
            there = ", ".join(f"{known}, -{known}" for known in SORTS)
            raise BadInput(f"Deals cannot be sorted by {self.sort}; there are {there}.")
        return (*SORTS[name], descending)


async def fetch_deals(
    connection: Connection, workspace: UUID, query: DealQuery, *, deals: FromClause | None = None
) -> list[Record]:
    """A page of deals with the names of whom and what they are about.

    `deals`: another source with the same columns, e.g. the deals as they were at some time.
    """
    return await fetch(connection, page_of(workspace, query, deals=deals))


def page_of(
    workspace: UUID, query: DealQuery, *, deals: FromClause | None = None
) -> Select[*tuple[Any, ...]]:
    """The statement: first the page by itself, then the names for its few rows."""
    source = DEAL_LIST_TABLE if deals is None else deals
    name, _, descending = query.order
    order = (source.c[name], source.c.deal_id)
    statement = select(source).where(*_conditions(source, workspace, query))
    if query.after is not None:
        statement = statement.where(beyond(order, query.after, descending=descending))
    sorting = [column.desc() if descending else column.asc() for column in order]
    rows = statement.order_by(*sorting).limit(query.limit).subquery("page")
    again = [rows.c[name], rows.c.deal_id]
    return named(rows).order_by(*(c.desc() if descending else c.asc() for c in again))


def _conditions(
    source: FromClause, workspace: UUID, query: DealQuery
) -> Iterable[ColumnElement[bool]]:
    yield source.c.workspace_id == workspace
    yield from visible_to(source.c.owner_id, query.visible)
    if query.contact_id is not None:
        yield source.c.contact_id == records_of(workspace, query.contact_id)
    for name in ("pipeline_id", "stage", "status", "owner_id", "company_id"):
        wanted = getattr(query, name)
        if wanted is not None:
            yield source.c[name] == wanted
    if query.text:
        yield _mentions(source, workspace, folded(query.text))


def _mentions(source: FromClause, workspace: UUID, text: str) -> ColumnElement[bool]:
    """Deals with these words in their title or in the name of their company."""
    companies = KNOWN_COMPANIES_TABLE
    called_so = select(companies.c.company_id).where(
        companies.c.workspace_id == workspace,
        companies.c.name_folded.contains(text, autoescape=True),
    )
    return or_(
        source.c.title_folded.contains(text, autoescape=True), source.c.company_id.in_(called_so)
    )


def position_of(row: Record, query: DealQuery) -> Sequence[Any]:
    """Where a row is in the list, for the next page."""
    return [row[query.order[0]], row["deal_id"]]


async def fetch_ids_of(
    connection: Connection, workspace: UUID, external_ids: Iterable[str]
) -> dict[tuple[str | None, str], UUID]:
    """Deals by the ids other systems gave them: (system, id) → deal."""
    table = DEAL_LIST_TABLE
    statement = select(table.c.external_source, table.c.external_id, table.c.deal_id).where(
        table.c.workspace_id == workspace, one_of(table.c.external_id, set(external_ids))
    )
    rows = await fetch(connection, statement)
    return {(row["external_source"], row["external_id"]): row["deal_id"] for row in rows}
