"""Products: what is sold, and at which list price."""

from __future__ import annotations

import pytest

from chassis.errors import BadInput, NotFound
from chassis.ports import Claim
from chassis.testing.deciders import given
from pipeline.domain.product import (
    PRODUCT,
    AlterProduct,
    ListProduct,
    ProductListed,
    ProductRenamed,
    ProductRepriced,
)
from pipeline.testing.lives import PRODUCT as PRODUCT_ID
from pipeline.testing.lives import on

NOW = on(1)
listed = ProductListed(
    product_id=PRODUCT_ID,
    name="GTX Pro",
    series="GTX",
    price_minor=482_100,
    currency="USD",
    external_id="sku-1",
    occurred_at=NOW,
)


def test_a_product_is_listed_with_its_price() -> None:
    asked = ListProduct(PRODUCT_ID, " GTX  Pro", NOW, " GTX ", 482_100, "usd", "sku-1")
    given(PRODUCT).when(asked).then(listed)
    given(PRODUCT, listed).when(asked).then_nothing()


@pytest.mark.parametrize(("price", "currency"), [(None, "EUR"), (500, None)])
def test_half_a_price_is_no_price(price: int | None, currency: str | None) -> None:
    (event,) = PRODUCT.decide(ListProduct(PRODUCT_ID, "Pen", NOW, None, price, currency), None)
    assert isinstance(event, ProductListed)
    assert (event.price_minor, event.currency) == (None, None)


def test_a_price_is_not_negative() -> None:
    asked = ListProduct(PRODUCT_ID, "Pen", NOW, None, -1, "EUR")
    given(PRODUCT).when(asked).then_refused(BadInput, "amount")


def test_only_what_changes_is_told() -> None:
    deal = given(PRODUCT, listed)
    deal.when(AlterProduct("GTX Pro", "GTX", 482_100, "USD", NOW)).then_nothing()
    repriced = ProductRepriced(
        product_id=PRODUCT_ID,
        price_minor=500_000,
        currency="USD",
        from_price_minor=482_100,
        from_currency="USD",
        occurred_at=NOW,
    )
    renamed = ProductRenamed(
        product_id=PRODUCT_ID, name="GTX Max", series="GTX", former_name="GTX Pro", occurred_at=NOW
    )
    deal.when(AlterProduct("GTX Pro", "GTX", 500_000, "USD", NOW)).then(repriced)
    deal.when(AlterProduct("GTX Max", "GTX", 500_000, "USD", NOW)).then(renamed, repriced)
    assert given(PRODUCT, listed, renamed, repriced).state() is not None


def test_a_product_that_was_never_listed_cannot_be_altered() -> None:
    given(PRODUCT).when(AlterProduct("Pen", None, None, None, NOW)).then_refused(NotFound)


def test_a_name_with_and_without_blanks_is_one_name() -> None:
    assert list(PRODUCT.claims(listed)) == [
        Claim("product_name", "gtxpro"),
        Claim("product_external_id", "sku-1"),
    ]
