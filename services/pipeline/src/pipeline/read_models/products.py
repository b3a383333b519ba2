"""What is sold here, at which list price?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, Uuid, select

from chassis.events import Recorded
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Change, Projection, Put, read_table
from pipeline.domain.naming import folded, squeezed
from pipeline.domain.product import ProductEvent, ProductListed, ProductRenamed, ProductRepriced
from pipeline.querying import beyond, one_of

PRODUCTS_TABLE: Table = read_table(
    "products",
    Column("product_id", Uuid),
    Column("version", Integer),
    Column("name", Text),
    Column("name_folded", Text),
    Column("name_squeezed", Text),
    Column("series", Text),
    Column("price_minor", BigInteger),
    Column("currency", Text),
    Column("external_id", Text),
    Index("products_name", "workspace_id", "name_folded", "product_id"),
    Index("products_squeezed", "workspace_id", "name_squeezed"),
    key=("product_id",),
)


def project(recorded: Recorded[ProductEvent]) -> Iterable[Change]:
    """One row per product."""
    columns: dict[str, object] = {"version": recorded.version}
    match recorded.event:
        case ProductListed() as e:
            columns |= _named(e.name, e.series)
            columns |= {"price_minor": e.price_minor, "currency": e.currency}
            columns |= {"external_id": e.external_id}
        case ProductRenamed() as e:
            columns |= _named(e.name, e.series)
        case ProductRepriced() as e:
            columns |= {"price_minor": e.price_minor, "currency": e.currency}
    yield Put(PRODUCTS_TABLE, (recorded.event.product_id,), columns)


def _named(name: str, series: str | None) -> dict[str, object]:
    return {
        "name": name,
        "name_folded": folded(name),
        "name_squeezed": squeezed(name),
        "series": series,
    }


PRODUCTS = Projection(
    "products", 1, (ProductListed, ProductRenamed, ProductRepriced), (PRODUCTS_TABLE,), project
)


async def fetch_products(
    connection: Connection, workspace: UUID, *, after: Sequence[object] | None, limit: int
) -> list[Record]:
    """A page of the catalogue, by name."""
    table = PRODUCTS_TABLE
    order = (table.c.name_folded, table.c.product_id)
    statement = select(table).where(table.c.workspace_id == workspace)
    if after is not None:
        statement = statement.where(beyond(order, after, descending=False))
    return await fetch(connection, statement.order_by(*order).limit(limit))


async def fetch_product(connection: Connection, workspace: UUID, id_: UUID) -> Record | None:
    """One product."""
    table = PRODUCTS_TABLE
    mine = (table.c.workspace_id == workspace, table.c.product_id == id_)
    return await fetch_one(connection, select(table).where(*mine))


async def fetch_products_named(
    connection: Connection, workspace: UUID, names: Iterable[str]
) -> dict[str, Record]:
    """Products by squeezed name, for all these squeezed names at once."""
    table = PRODUCTS_TABLE
    statement = select(table).where(
        table.c.workspace_id == workspace, one_of(table.c.name_squeezed, set(names))
    )
    return {row["name_squeezed"]: row for row in await fetch(connection, statement)}


def shown(row: Record) -> dict[str, object]:
    """A product as the API shows it."""
    price = None
    if row["price_minor"] is not None:
        price = {"amount_minor": row["price_minor"], "currency": row["currency"]}
    return {
        "id": row["product_id"],
        "version": row["version"],
        "name": row["name"],
        "series": row["series"],
        "price": price,
        "external_id": row["external_id"],
    }
