"""A product: something that is sold, at a list price. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import NotFound
from chassis.events import Event
from chassis.ports import Claim
from pipeline.domain.money import check_amount, check_currency
from pipeline.domain.naming import squeezed, tidy


class ProductListed(Event, frozen=True, tag="pipeline.product-listed.v1"):
    """There is a new product in the catalogue."""

    product_id: UUID
    name: str
    series: str | None
    price_minor: int | None
    currency: str | None
    external_id: str | None


class ProductRepriced(Event, frozen=True, tag="pipeline.product-repriced.v1"):
    """A product's list price is another one."""

    product_id: UUID
    price_minor: int | None
    currency: str | None
    from_price_minor: int | None = None
    from_currency: str | None = None


class ProductRenamed(Event, frozen=True, tag="pipeline.product-renamed.v1"):
    """A product goes by another name, or belongs to another series."""

    product_id: UUID
    name: str
    series: str | None
    former_name: str


ProductEvent = ProductListed | ProductRepriced | ProductRenamed


@dataclass(frozen=True, slots=True)
class ListProduct:
    """Put a product into the catalogue."""

    product_id: UUID
    name: str
    at: datetime
    series: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class AlterProduct:
    """Give a product this name, series and price."""

    name: str
    series: str | None
    price_minor: int | None
    currency: str | None
    at: datetime


ProductCommand = ListProduct | AlterProduct


@dataclass(frozen=True, slots=True)
class Product:
    """A product as it stands."""

    product_id: UUID
    name: str
    series: str | None
    price_minor: int | None
    currency: str | None
    external_id: str | None


def evolve(product: Product | None, event: ProductEvent) -> Product | None:
    """The product after an event."""
    match event:
        case ProductListed():
            return Product(
                event.product_id,
                event.name,
                event.series,
                event.price_minor,
                event.currency,
                event.external_id,
            )
        case ProductRepriced():
            return replace(_there(product), price_minor=event.price_minor, currency=event.currency)
        case ProductRenamed():
            return replace(_there(product), name=event.name, series=event.series)
        case _:
            assert_never(event)


def decide(command: ProductCommand, product: Product | None) -> list[ProductEvent]:
    """What a command leads to."""
    match command:
        case ListProduct():
            return _list(command, product)
        case AlterProduct():
            return _alter(command, product)
        case _:
            assert_never(command)


def _there(product: Product | None) -> Product:
    if product is None:
        raise NotFound("There is no such product.")
    return product


def _list(command: ListProduct, product: Product | None) -> list[ProductEvent]:
    if product is not None:
        return []
    price, currency = _price(command.price_minor, command.currency)
    return [
        ProductListed(
            product_id=command.product_id,
            name=tidy(command.name, "A product"),
            series=_text(command.series),
            price_minor=price,
            currency=currency,
            external_id=command.external_id,
            occurred_at=command.at,
        )
    ]


def _alter(command: AlterProduct, product: Product | None) -> list[ProductEvent]:
    old = _there(product)
    events: list[ProductEvent] = []
    name, series = tidy(command.name, "A product"), _text(command.series)
    if (name, series) != (old.name, old.series):
        events.append(
            ProductRenamed(
                product_id=old.product_id,
                name=name,
                series=series,
                former_name=old.name,
                occurred_at=command.at,
            )
        )
    price, currency = _price(command.price_minor, command.currency)
    if (price, currency) != (old.price_minor, old.currency):
        events.append(
            ProductRepriced(
                product_id=old.product_id,
                price_minor=price,
                currency=currency,
                from_price_minor=old.price_minor,
                from_currency=old.currency,
                occurred_at=command.at,
            )
        )
    return events


def _text(value: str | None) -> str | None:
    return " ".join(value.split()) or None if value is not None else None


def _price(price_minor: int | None, currency: str | None) -> tuple[int | None, str | None]:
    if price_minor is None or currency is None:
        return None, None
    return check_amount(price_minor), check_currency(currency)


def claims(event: ProductEvent) -> Iterable[Claim]:
    """A name (blanks and case aside), and an external id, belongs to one product."""
    match event:
        case ProductListed():
            yield Claim("product_name", squeezed(event.name))
            if event.external_id is not None:
                yield Claim("product_external_id", event.external_id)
        case ProductRenamed():
            yield Claim("product_name", squeezed(event.former_name), release=True)
            yield Claim("product_name", squeezed(event.name))
        case ProductRepriced():
            return


PRODUCT: Decider[ProductCommand, Product | None, ProductEvent] = Decider(
    "product", None, decide, evolve, (ProductListed, ProductRepriced, ProductRenamed), claims
)
