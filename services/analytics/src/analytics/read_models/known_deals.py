"""Of which owner, company, product, pipeline and source is a deal, now and at any moment?

`known_deals` holds them as they are now and as they were when the deal was opened; assignments and
new links are kept one by one, so that they can be cut on both time axes. Few deals have any, which
is why a look at the past joins only those.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    Index,
    Integer,
    Subquery,
    Table,
    Text,
    Uuid,
    case,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from analytics.moment import Moment
from analytics.received import DealAssigned, DealOpened, DealRelinked, DealRetitled
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

ATTRIBUTES = ("owner_id", "company_id", "product_id", "pipeline_id", "source")
_LINKS = ("company_id", "product_id")

KNOWN_DEALS = read_table(
    "known_deals",
    Column("deal_id", Uuid),
    Column("title", Text),
    Column("pipeline_id", Uuid),
    Column("source", Text),
    Column("owner_id", Uuid),
    Column("company_id", Uuid),
    Column("product_id", Uuid),
    Column("first_owner_id", Uuid),
    Column("first_company_id", Uuid),
    Column("first_product_id", Uuid),
    Index("known_deals_owner", "workspace_id", "owner_id"),
    key=("deal_id",),
)
DEAL_ASSIGNMENTS = read_table(
    "deal_assignments",
    Column("deal_id", Uuid),
    Column("version", Integer),
    Column("occurred_at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("owner_id", Uuid),
    key=("deal_id", "version"),
)
DEAL_LINKS = read_table(
    "deal_links",
    Column("deal_id", Uuid),
    Column("version", Integer),
    Column("occurred_at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("company_id", Uuid),
    Column("product_id", Uuid),
    key=("deal_id", "version"),
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    times = {"occurred_at": recorded.occurred_at, "recorded_at": recorded.recorded_at}
    match recorded.event:
        case DealOpened() as e:
            links = {"owner_id": e.owner_id, "company_id": e.company_id, "product_id": e.product_id}
            columns = {"title": e.title, "pipeline_id": e.pipeline_id, "source": e.source}
            first = {f"first_{name}": value for name, value in links.items()}
            yield Put(KNOWN_DEALS, (e.deal_id,), columns | links | first)
        case DealAssigned() as e:
            owner = {"owner_id": e.owner_id}
            yield Put(KNOWN_DEALS, (e.deal_id,), owner)
            yield Put(DEAL_ASSIGNMENTS, (e.deal_id, recorded.version), times | owner)
        case DealRelinked() as e:
            links = {"company_id": e.company_id, "product_id": e.product_id}
            yield Put(KNOWN_DEALS, (e.deal_id,), links)
            yield Put(DEAL_LINKS, (e.deal_id, recorded.version), times | links)
        case DealRetitled() as e:
            yield Put(KNOWN_DEALS, (e.deal_id,), {"title": e.title})


PROJECTION = Projection(
    "known_deals",
    1,
    (DealOpened, DealAssigned, DealRelinked, DealRetitled),
    (KNOWN_DEALS, DEAL_ASSIGNMENTS, DEAL_LINKS),
    project,
)


def deals_as_of(workspace: Any, moment: Moment) -> FromClause:
    """Every deal's attributes as they were at a moment."""
    deals = KNOWN_DEALS
    mine = deals.c.workspace_id == workspace
    if moment.is_now:
        columns = [deals.c[name] for name in ("deal_id", *ATTRIBUTES)]
        return select(*columns).where(mine).subquery("deals")
    owners = _last(DEAL_ASSIGNMENTS, ("owner_id",), workspace, moment)
    links = _last(DEAL_LINKS, _LINKS, workspace, moment)

    def as_it_was(changes: Subquery, name: str) -> ColumnElement[Any]:
        never = changes.c.deal_id.is_(None)
        return case((never, deals.c[f"first_{name}"]), else_=changes.c[name]).label(name)

    return (
        select(
            deals.c.deal_id,
            as_it_was(owners, "owner_id"),
            *(as_it_was(links, name) for name in _LINKS),
            deals.c.pipeline_id,
            deals.c.source,
        )
        .select_from(
            deals.outerjoin(owners, owners.c.deal_id == deals.c.deal_id).outerjoin(
                links, links.c.deal_id == deals.c.deal_id
            )
        )
        .where(mine)
        .subquery("deals")
    )


def _last(table: Table, names: tuple[str, ...], workspace: Any, moment: Moment) -> Subquery:
    """The last change of each deal at a moment, in the order of the log."""
    return (
        select(table.c.deal_id, *(table.c[name] for name in names))
        .where(
            table.c.workspace_id == workspace,
            *moment.admits(table.c.occurred_at, table.c.recorded_at),
        )
        .ext(distinct_on(table.c.deal_id))
        .order_by(table.c.deal_id, table.c.version.desc())
        .subquery(f"last_{table.name}")
    )
