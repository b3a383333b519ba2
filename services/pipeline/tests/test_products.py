"""What is sold here, at which list price?"""

from __future__ import annotations

from chassis.testing.projections import History, project
from pipeline.domain.product import PRODUCT, AlterProduct, ListProduct
from pipeline.read_models.products import PRODUCTS, PRODUCTS_TABLE, shown
from pipeline.testing.lives import PRODUCT as PRODUCT_ID
from pipeline.testing.lives import on


def test_a_product_has_its_latest_name_series_and_price() -> None:
    book = History()
    (listed,) = PRODUCT.decide(
        ListProduct(PRODUCT_ID, "GTX Pro", on(1), "GTX", 482_100, "USD", "s1"), None
    )
    state = PRODUCT.fold([listed])
    altered = PRODUCT.decide(AlterProduct("GTX Max", "GTX", 1, "EUR", on(2)), state)
    recorded = [book.add("product", PRODUCT_ID, event) for event in (listed, *altered)]
    (row,) = project(PRODUCTS, *recorded)[PRODUCTS_TABLE]
    assert row["name_squeezed"] == "gtxmax"
    assert shown(row) == {
        "id": PRODUCT_ID,
        "version": 3,
        "name": "GTX Max",
        "series": "GTX",
        "price": {"amount_minor": 1, "currency": "EUR"},
        "external_id": "s1",
    }
