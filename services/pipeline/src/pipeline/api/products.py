"""Products over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Response

from chassis.errors import BadInput, NotFound
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from pipeline.api.bodies import ProductBody, ProductChanges
from pipeline.domain.product import PRODUCT, AlterProduct, ListProduct
from pipeline.read_models.products import fetch_product, fetch_products, shown

router = APIRouter(prefix="/products", tags=["products"])


@router.get("")
async def list_products(read: Reading, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The catalogue, by name."""
    after = decode_cursor(cursor, [str, UUID]) if cursor else None
    async with read.connection() as connection:
        rows = await fetch_products(
            connection, read.principal.workspace, after=after, limit=limit + 1
        )
    items, following = page(rows, limit, lambda row: [row["name_folded"], row["product_id"]])
    return read.json({"items": [shown(row) for row in items], "next": following})


@router.get("/{product_id}")
async def one_product(product_id: UUID, read: Reading) -> Response:
    """A product."""
    async with read.connection() as connection:
        row = await fetch_product(connection, read.principal.workspace, product_id)
    if row is None:
        raise NotFound("There is no such product.")
    return read.json(shown(row), version=row["version"])


@router.post("", status_code=201, dependencies=[Depends(require("settings.write"))])
async def list_product(body: ProductBody, write: Writing) -> Response:
    """Put a product into the catalogue."""
    command = ListProduct(
        new_id(),
        body.name,
        write.now,
        body.series,
        body.price.amount_minor if body.price is not None else None,
        body.price.currency if body.price is not None else None,
        body.external_id,
    )
    return await write.new(PRODUCT, command.product_id, command, location="/api/v1/products")


@router.patch("/{product_id}", dependencies=[Depends(require("settings.write"))])
async def alter_product(product_id: UUID, body: ProductChanges, write: Writing) -> Response:
    """Change a product; send If-Match with the version you have seen."""
    write.need_version()
    old = await write.state(PRODUCT, product_id)
    if old is None:
        raise NotFound("There is no such product.")
    given = body.model_fields_set
    if "name" in given and body.name is None:
        raise BadInput("A product always has a name; leave it out to keep it as it is.")
    price = (old.price_minor, old.currency)
    if "price" in given:
        price = (body.price.amount_minor, body.price.currency) if body.price else (None, None)
    series = body.series if "series" in given else old.series
    command = AlterProduct(body.name or old.name, series, *price, write.now)
    return await write.change(PRODUCT, product_id, command)
