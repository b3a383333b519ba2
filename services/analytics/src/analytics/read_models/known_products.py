"""Which product is meant, and of what series is it?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Text, Uuid

from analytics.received import ProductListed, ProductRenamed
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

KNOWN_PRODUCTS = read_table(
    "known_products",
    Column("product_id", Uuid),
    Column("name", Text),
    Column("series", Text),
    key=("product_id",),
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    match recorded.event:
        case ProductListed() | ProductRenamed() as e:
            columns = {"name": e.name, "series": e.series}
            yield Put(KNOWN_PRODUCTS, (e.product_id,), columns)


PROJECTION = Projection(
    "known_products", 1, (ProductListed, ProductRenamed), (KNOWN_PRODUCTS,), project
)
