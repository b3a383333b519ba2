"""Imports products: matched by their name, blanks and case aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from chassis.errors import BadInput, DomainError
from chassis.ids import new_id
from chassis.imports import (
    Create,
    Fail,
    ImportField,
    ImportKind,
    ImportRow,
    ImportRun,
    Outcome,
    Skip,
    Update,
)
from chassis.ports import Append, Loaded
from pipeline.domain.money import check_currency
from pipeline.domain.naming import squeezed
from pipeline.domain.product import PRODUCT, AlterProduct, ListProduct
from pipeline.imports.cells import BadCell, amount
from pipeline.read_models.known_workspaces import fetch_ways
from pipeline.read_models.products import fetch_products_named

FIELDS = (
    ImportField("name", "Name", ("product", "Product Name", "Title", "Item"), True),
    ImportField("series", "Series", ("Category", "Product family", "Line", "Type")),
    ImportField("price", "Price", ("sales_price", "List price", "Unit price", "Amount")),
    ImportField("currency", "Currency", ("Currency Code",)),
    ImportField("external_id", "Id", ("SKU", "Product Id", "Product code", "Code")),
)

_CURRENCY = "currency"


async def prepare(run: ImportRun, _: Iterable[ImportRow]) -> None:
    """In which currency prices are where no row says it."""
    async with run.service.work.connection(run.workspace) as connection:
        ways = await fetch_ways(connection, run.workspace)
    run.memory[_CURRENCY] = check_currency(str(run.options.get("currency") or ways.currency))


async def take(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of the rows of a chunk."""
    names = {squeezed(row.values["name"]) for row in rows if row.get("name")}
    async with run.service.work.connection(run.workspace) as connection:
        there = await fetch_products_named(connection, run.workspace, names)
    ids = {name: run.seen[name] for name in names if name in run.seen}
    ids |= {name: product["product_id"] for name, product in there.items()}
    loaded: Mapping[str, Loaded] = {}
    if ids:
        context = replace(run.context(rows[0]), key=None)
        streams = [PRODUCT.stream(id_) for id_ in set(ids.values())]
        loaded = await run.service.work_log.load_many(context, streams)
    return [_outcome(run, row, ids, loaded) for row in rows]


def _outcome(
    run: ImportRun, row: ImportRow, ids: Mapping[str, UUID], loaded: Mapping[str, Loaded]
) -> Outcome:
    name = row.get("name")
    if name is None:
        return Fail("A product needs a name.", "name")
    known = ids.get(squeezed(name)) or run.seen.get(squeezed(name))
    try:
        if known is None:
            return _created(run, row, name)
        there = loaded.get(PRODUCT.stream(known))
        if there is None:
            return _again(run, known)
        return _altered(run, row, there)
    except BadCell as error:
        return Fail(error.detail, error.field)
    except DomainError as error:
        return Fail(error.detail)


def _created(run: ImportRun, row: ImportRow, name: str) -> Outcome:
    price, currency = _price(run, row)
    command = ListProduct(
        new_id(), name, run.now, row.get("series"), price, currency, row.get("external_id")
    )
    events = PRODUCT.decide(command, None)
    run.remember(squeezed(name), command.product_id)
    append = PRODUCT.append_of(command.product_id, events, 0)
    return Create(replace(append, context=run.context(row)))


def _again(run: ImportRun, known: UUID) -> Outcome:
    """A second row for a product that an earlier row makes: it waits until that is written."""
    if run.dry_run:
        return Skip("repeats an earlier row")
    return Update(Append(PRODUCT.stream(known), (), None))


def _altered(run: ImportRun, row: ImportRow, there: Loaded) -> Outcome:
    old = PRODUCT.fold(recorded.event for recorded in there.events)  # type: ignore[misc]
    assert old is not None, "a stream that was loaded has been listed"
    name, price = row.values["name"], _price(run, row)
    notes = (f'product "{name}" read as "{old.name}"',) if name != old.name else ()
    if price[0] is None:
        price = old.price_minor, old.currency
    command = AlterProduct(old.name, row.get("series") or old.series, *price, run.now)
    events = PRODUCT.decide(command, old)
    if not events:
        return Skip("unchanged", notes)
    append = PRODUCT.append_of(old.product_id, events, there.version)
    return Update(replace(append, context=run.context(row)), notes)


def _price(run: ImportRun, row: ImportRow) -> tuple[int | None, str | None]:
    try:
        currency = check_currency(row.get("currency") or run.memory[_CURRENCY])
    except BadInput as error:
        raise BadCell("currency", error.detail) from error
    return amount("price", row.get("price"), currency), currency


PRODUCTS = ImportKind("products", FIELDS, "settings.write", take, prepare)
