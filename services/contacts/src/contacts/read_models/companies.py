"""Which companies are there? The list of companies, and what we know of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Select,
    Text,
    Uuid,
    and_,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch, fetch_one
from chassis.projection import Change, Projection, Put, read_table
from contacts.domain.company import (
    COMPANY_EVENTS,
    CompanyAdded,
    CompanyAssigned,
    CompanyChangeUndone,
    CompanyEvent,
    CompanyIdentified,
    CompanyProfile,
    CompanyProfileChanged,
    CompanyRenamed,
)
from contacts.domain.country import country_key
from contacts.domain.words import folded
from contacts.read_models.headcounts import HEADCOUNTS
from contacts.read_models.known_users import KNOWN_USERS, visible
from contacts.read_models.search import companies_meant_by

COMPANIES = read_table(
    "companies",
    Column("company_id", Uuid),
    Column("version", BigInteger),
    Column("name", Text),
    Column("folded", Text(collation="C")),
    Column("by_name", Boolean),
    Column("sector", Text),
    Column("sector_key", Text(collation="C")),
    Column("country", Text),
    Column("country_key", Text(collation="C")),
    Column("city", Text),
    Column("employees", BigInteger),
    Column("revenue_minor", BigInteger),
    Column("revenue_currency", Text),
    Column("founded", BigInteger),
    Column("website", Text),
    Column("parent_id", Uuid),
    Column("owner_id", Uuid),
    Column("tags", JSONB),
    Column("created_at", DateTime(timezone=True)),
    Index("companies_by_name", "workspace_id", "folded", "company_id"),
    Index("companies_by_creation", "workspace_id", "created_at", "company_id"),
    Index("companies_by_parent", "workspace_id", "parent_id"),
    key=("company_id",),
)
COMPANY_IDS = read_table(
    "company_ids",
    Column("company_id", Uuid),
    Column("source", Text),
    Column("external_id", Text),
    Column("learned_at_version", BigInteger),
    Index("company_ids_by_id", "workspace_id", "source", "external_id"),
    key=("company_id", "source"),
)


def project(recorded: Recorded[CompanyEvent]) -> Iterable[Change]:
    """What an event changes of the company's row; every event moves the version."""
    event, key = recorded.event, (recorded.event.company_id,)
    yield Put(COMPANIES, key, {"version": recorded.version, **_columns(event)})
    if isinstance(event, CompanyAdded | CompanyIdentified) and event.external_id is not None:
        columns = {"external_id": event.external_id, "learned_at_version": recorded.version}
        yield Put(COMPANY_IDS, (event.company_id, event.external_source or ""), columns)


def _columns(event: CompanyEvent) -> dict[str, Any]:
    match event:
        case CompanyAdded():
            return {
                **_name(event.name),
                **_profile(event),
                "by_name": event.by_name,
                "owner_id": event.owner_id,
                "created_at": event.occurred_at,
            }
        case CompanyRenamed():
            return _name(event.name)
        case CompanyProfileChanged():
            return _profile(event)
        case CompanyAssigned():
            return {"owner_id": event.owner_id}
        case CompanyIdentified() | CompanyChangeUndone():
            return {}


def _name(name: str) -> dict[str, Any]:
    return {"name": name, "folded": folded(name)}


def _profile(event: CompanyAdded | CompanyProfileChanged) -> dict[str, Any]:
    return {
        **{name: getattr(event, name) for name in CompanyProfile.__slots__},
        "tags": list(event.tags),
        "sector_key": folded(event.sector) if event.sector else None,
        "country_key": country_key(event.country),
    }


COMPANIES_PROJECTION = Projection("companies", 1, COMPANY_EVENTS, (COMPANIES, COMPANY_IDS), project)

# --- fetching

SORTS: Mapping[str, tuple[ColumnElement[Any], type, bool]] = {
    "name": (COMPANIES.c.folded, str, False),
    "-name": (COMPANIES.c.folded, str, True),
    "created": (COMPANIES.c.created_at, datetime, False),
    "-created": (COMPANIES.c.created_at, datetime, True),
}
"""Column, its type, whether descending."""
_PARENTS = COMPANIES.alias("parents")


@dataclass(frozen=True, slots=True)
class CompaniesWanted:
    """Which companies, in which order, from where on. `owners`: who sees only records of these
    owners, and of nobody; None: all."""

    workspace: UUID
    owners: frozenset[UUID] | None = None
    q: str | None = None
    owner: UUID | None = None
    sector: str | None = None
    country: str | None = None
    sort: str = "name"
    limit: int = 50
    cursor: str | None = None


def _companies(workspace: UUID, owners: frozenset[UUID] | None) -> Select[Any]:
    c, h, u, p = COMPANIES.c, HEADCOUNTS.c, KNOWN_USERS.c, _PARENTS.c
    return (
        select(
            COMPANIES,
            func.coalesce(h.people, 0).label("people"),
            u.name.label("owner_name"),
            p.name.label("parent_name"),
        )
        .outerjoin(HEADCOUNTS, and_(h.workspace_id == workspace, h.company_id == c.company_id))
        .outerjoin(KNOWN_USERS, and_(u.workspace_id == workspace, u.user_id == c.owner_id))
        .outerjoin(_PARENTS, and_(p.workspace_id == workspace, p.company_id == c.parent_id))
        .where(c.workspace_id == workspace, *visible(c.owner_id, owners))
    )


async def fetch_companies(
    connection: Connection, wanted: CompaniesWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of companies, and the cursor of the next page."""
    c = COMPANIES.c
    column, type_, descending = SORTS[wanted.sort]
    order = [column, c.company_id]
    statement = (
        _companies(wanted.workspace, wanted.owners)
        .where(*_filters(wanted))
        .order_by(*(each.desc() if descending else each for each in order))
        .limit(wanted.limit + 1)
    )
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [type_, UUID])
        statement = statement.where(after(order, place, descending=descending))
    rows: Sequence[Mapping[str, Any]] = await fetch(connection, statement)
    kept, following = page(rows, wanted.limit, lambda r: [r[column.name], r["company_id"]])
    return [_item(row) for row in kept], following


def _filters(wanted: CompaniesWanted) -> Iterable[ColumnElement[bool]]:
    c = COMPANIES.c
    if wanted.owner is not None:
        yield c.owner_id == wanted.owner
    if wanted.sector is not None:
        yield c.sector_key == folded(wanted.sector)
    if wanted.country is not None:
        yield c.country_key == country_key(wanted.country)
    if wanted.q:
        yield from companies_meant_by(wanted.q, wanted.workspace, c.company_id)


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    revenue = None
    if row["revenue_minor"] is not None:
        revenue = {"amount_minor": row["revenue_minor"], "currency": row["revenue_currency"]}
    return {
        "id": row["company_id"],
        "version": row["version"],
        "name": row["name"],
        "sector": row["sector"],
        "country": row["country"],
        "city": row["city"],
        "employees": row["employees"],
        "revenue": revenue,
        "founded": row["founded"],
        "website": row["website"],
        "parent_id": row["parent_id"],
        "parent": _named(row["parent_id"], row["parent_name"]),
        "owner_id": row["owner_id"],
        "owner": _named(row["owner_id"], row["owner_name"]),
        "tags": sorted(row["tags"], key=folded),
        "people": row["people"],
        "created_at": row["created_at"],
    }


def _named(id_: UUID | None, name: str | None) -> dict[str, Any] | None:
    return {"id": id_, "name": name} if id_ else None


async def fetch_company(
    connection: Connection, workspace: UUID, company_id: UUID, owners: frozenset[UUID] | None
) -> dict[str, Any] | None:
    """All that is known of a company now, with its version; or None."""
    statement = _companies(workspace, owners).where(COMPANIES.c.company_id == company_id)
    row = await fetch_one(connection, statement)
    if row is None:
        return None
    i = COMPANY_IDS.c
    ids = await fetch(
        connection,
        select(i.external_id, i.source)
        .where(i.workspace_id == workspace, i.company_id == company_id)
        .order_by(i.learned_at_version),
    )
    known = [{"id": each["external_id"], "source": each["source"] or None} for each in ids]
    first = known[0] if known else {"id": None, "source": None}
    external = {"external_id": first["id"], "external_source": first["source"]}
    return {**_item(row), **external, "external_ids": known}


async def fetch_company_names(
    connection: Connection, workspace: UUID, companies: Iterable[UUID]
) -> dict[UUID, str]:
    """The names of these companies."""
    wanted, c = list(set(companies)), COMPANIES.c
    if not wanted:
        return {}
    statement = select(c.company_id, c.name).where(
        c.workspace_id == workspace, any_of(c.company_id, wanted)
    )
    return {row["company_id"]: row["name"] for row in await fetch(connection, statement)}


async def fetch_companies_called(
    connection: Connection, workspace: UUID, names: Iterable[str]
) -> dict[str, UUID]:
    """Companies by folded name; of several with one name the one that came first."""
    c = COMPANIES.c
    statement = (
        select(c.company_id, c.folded)
        .where(c.workspace_id == workspace, any_of(c.folded, list(set(names))))
        .order_by(c.company_id.desc())
    )
    return {row["folded"]: row["company_id"] for row in await fetch(connection, statement)}


async def fetch_companies_with_ids(
    connection: Connection, workspace: UUID, source: str, external_ids: Iterable[str]
) -> dict[str, UUID]:
    """Companies by what one other system calls them."""
    i = COMPANY_IDS.c
    statement = select(i.external_id, i.company_id).where(
        i.workspace_id == workspace,
        i.source == source,
        any_of(i.external_id, list(set(external_ids))),
    )
    return {row["external_id"]: row["company_id"] for row in await fetch(connection, statement)}


async def fetch_sectors(connection: Connection, workspace: UUID) -> list[str]:
    """The sectors that companies have, the most frequent first."""
    c = COMPANIES.c
    statement = (
        select(c.sector)
        .where(c.workspace_id == workspace, c.sector.is_not(None))
        .group_by(c.sector)
        .order_by(func.count().desc(), c.sector)
    )
    return [row["sector"] for row in await fetch(connection, statement)]
