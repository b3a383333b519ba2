"""Importing purchases: each row is a line; the lines of one order in a chunk are one append.

A file may be sent again, mended or grown: an order is known by its number, and what it has already
is not added once more. How often a line stands in the file decides, not whether: an order may well
have two lines that are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.errors import BadInput, DomainError
from chassis.ids import new_id
from chassis.imports import Create, Fail, ImportKind, ImportRow, ImportRun, Joined, Outcome, Skip
from contacts.domain.purchase import (
    PURCHASE,
    AddPurchaseLines,
    Purchase,
    PurchaseCommand,
    RecordPurchase,
)
from contacts.domain.purchase_line import PurchaseLine
from contacts.domain.words import malformed, tidy
from contacts.imports.buyers import Buyers, NewBuyer
from contacts.imports.currencies import usual_currency
from contacts.imports.drafts import Drafts
from contacts.imports.people import refusal
from contacts.imports.purchase_cells import FIELDS, Alike, Cells, Customer, alike, read_cells
from contacts.read_models.purchases import fetch_purchases_numbered

_OCCURRENCES = "occurrences of lines"
_RECORDED = "recorded before"
_CURRENCY = "currency"

Priced = tuple[Cells, PurchaseLine]


class Occurrences:
    """How many rows of the file so far are alike, per order that was there before the file.

    They are kept as hashes of texts: 64 bits tell millions of lines apart, while the lines of a
    large file would not fit into a worker's memory. (Of numbers they would not: -1 and -2 have the
    same hash.)
    """

    def __init__(self) -> None:
        self._settled: Counter[int] = Counter()
        self._chunk: Counter[int] = Counter()
        self._begun_at = 0

    def begin(self, row: ImportRow) -> None:
        """A chunk that begins with this row: a new one, or the last one once more."""
        if row.number != self._begun_at:
            self._settled.update(self._chunk)
        self._chunk.clear()
        self._begun_at = row.number

    def count(self, cells: Cells) -> int:
        """One more; how many there were before."""
        key = _key(cells.number, cells.alike)
        self._chunk[key] += 1
        return self._settled[key] + self._chunk[key] - 1

    def of(self, order: str, same: Alike) -> int:
        """How many rows of an order so far are alike so."""
        key = _key(order, same)
        return self._settled[key] + self._chunk[key]


def _key(order: str, same: Alike) -> int:
    item, quantity, price = same
    return hash(f"{order}\x1f{item}\x1f{quantity}\x1f{price.normalize()}")


@dataclass(slots=True)
class Order:
    """The rows of one order in a chunk, and what of it is there already. `fresh`: an earlier chunk
    of this file made it."""

    number: str
    rows: list[Cells] = field(default_factory=list)
    purchase_id: UUID | None = None
    purchase: Purchase | None = None
    fresh: bool = False

    @property
    def first(self) -> ImportRow:
        """Its first row in the chunk."""
        return self.rows[0].row

    @property
    def customer(self) -> Customer | None:
        """Who bought: the first one that a row names."""
        return next((cells.customer for cells in self.rows if cells.customer), None)

    @property
    def bought_at(self) -> datetime | None:
        """When, as the first row says that says so."""
        return next((cells.bought_at for cells in self.rows if cells.bought_at), None)

    @property
    def said_currency(self) -> str | None:
        """The currency, if the order or a row says it."""
        if self.purchase is not None:
            return self.purchase.currency
        return next((cells.currency for cells in self.rows if cells.currency), None)


def source_of(run: ImportRun) -> str | None:
    """Which system the file's numbers and ids come from."""
    return tidy(run.options.get("external_source"), "external_source")


async def prepare(run: ImportRun, rows: Iterable[ImportRow]) -> None:
    """What amounts are in; after a restart, count once more the rows that are done."""
    run.memory[_CURRENCY] = await usual_currency(run)
    occurrences = run.memory[_OCCURRENCES] = Occurrences()
    for row in rows if run.position else ():
        if row.number > run.position:
            break
        try:
            cells = read_cells(row, run)
            if f"order {cells.number}" not in run.seen:
                occurrences.count(cells)
        except BadInput:
            continue  # it has failed


async def handle(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """What becomes of each row: a line of a purchase, one that is there already, or a reason."""
    orders: dict[str, Order] = {}
    outcomes: dict[int, Outcome] = {}
    for row in rows:
        try:
            cells = read_cells(row, run)
        except BadInput as error:
            outcomes[row.number] = refusal(error)
        else:
            orders.setdefault(cells.number, Order(cells.number)).rows.append(cells)
    run.memory[_OCCURRENCES].begin(rows[0])
    desk = await Desk.open(run, orders)
    for order in orders.values():
        outcomes |= desk.decide(order)
    return [outcomes[row.number] for row in rows]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that orders are decided with, fetched with a few queries for all of them."""

    run: ImportRun
    buyers: Buyers
    drafts: Drafts[Purchase | None]
    occurrences: Occurrences

    @classmethod
    async def open(cls, run: ImportRun, orders: Mapping[str, Order]) -> Desk:
        """Fetch what these orders need; make the customers of new ones that nobody knew."""
        ids = {n: run.seen[f"order {n}"] for n in orders if f"order {n}" in run.seen}
        fresh = set(ids)
        if unknown := [number for number in orders if number not in fresh]:
            async with run.service.work.connection(run.workspace) as connection:
                source = source_of(run) or ""
                ids |= await fetch_purchases_numbered(connection, run.workspace, source, unknown)
        drafts = Drafts(run, PURCHASE)
        await drafts.load(ids.values())
        for number, purchase_id in ids.items():
            order = orders[number]
            order.purchase_id, order.fresh = purchase_id, number in fresh
            order.purchase = drafts.of(purchase_id, order.first)[0]
        return cls(run, await _buyers(run, orders), drafts, run.memory[_OCCURRENCES])

    def decide(self, order: Order) -> dict[int, Outcome]:
        """What becomes of the rows of an order, by row number."""
        currency, person_id = order.said_currency or self._usual_currency, self._person(order)
        if not self.buyers.seen_by_importer(person_id):
            theirs = Fail("This person is somebody else's customer.", "customer_id")
            return {cells.row.number: theirs for cells in order.rows}
        outcomes: dict[int, Outcome] = {}
        priced: list[Priced] = []
        checked: Customer | None = order.customer if order.purchase is None else None
        for cells in order.rows:
            try:
                if cells.currency not in (None, currency):
                    raise malformed("currency", f"The order {order.number} is in {currency}.")
                if cells.customer is not None and cells.customer is not checked:
                    self._check(order, cells.customer, person_id)
                    checked = cells.customer
                priced.append((cells, cells.line(currency)))
            except BadInput as error:
                outcomes[cells.row.number] = refusal(error)
        if order.purchase is not None and not order.fresh:
            priced = self._new_ones(order.purchase, priced, outcomes)
        if priced:
            outcomes |= self._written(order, priced, currency)
        return outcomes

    @property
    def _usual_currency(self) -> str:
        return str(self.run.memory[_CURRENCY])

    def _person(self, order: Order) -> UUID | None:
        if order.purchase is not None:
            return order.purchase.person_id
        return self.buyers.known(order.customer) if order.customer else None

    def _check(self, order: Order, customer: Customer, person_id: UUID | None) -> None:
        """Raises BadInput if an order cannot be of this customer. Whose it is when it is there
        already may be known by other names by now."""
        if order.purchase is None:
            another = order.customer is not None and customer.contradicts(order.customer)
        else:
            named = self.buyers.known(customer)
            another = None not in (named, person_id) and named != person_id
        if another:
            raise malformed("customer_id", f"The order {order.number} is of somebody else.")

    def _new_ones(
        self, purchase: Purchase, priced: Sequence[Priced], outcomes: dict[int, Outcome]
    ) -> list[Priced]:
        """The lines that an order does not have yet; says of the others what becomes of them."""
        had = Counter(alike(line, purchase.currency) for line in purchase.lines)
        number = purchase.number or ""
        earlier = {cells.row.number: self.occurrences.count(cells) for cells, _ in priced}
        changed = {same[0] for same, n in had.items() if self.occurrences.of(number, same) < n}
        new: list[Priced] = []
        for cells, line in priced:
            if earlier[cells.row.number] < had[cells.alike]:
                outcomes[cells.row.number] = Skip(_RECORDED)
            elif cells.alike[0] in changed:
                outcomes[cells.row.number] = Fail(
                    f"The order {number} has this item with another quantity or price. Send all "
                    "lines of the order; a difference is recorded as a purchase of its own."
                )
            else:
                new.append((cells, line))
        return new

    def _written(self, order: Order, priced: Sequence[Priced], currency: str) -> dict[int, Outcome]:
        """One append for all lines, under the first one's row; or why they cannot be taken."""
        first, *further = [cells.row.number for cells, _ in priced]
        row = priced[0][0].row
        purchase_id = order.purchase_id or new_id()
        try:
            command = self._command(order, purchase_id, tuple(line for _, line in priced), currency)
            events = PURCHASE.decide(command, order.purchase)
        except DomainError as error:
            return {cells.row.number: refusal(error) for cells, _ in priced}
        append = self.drafts.append(purchase_id, row, events)
        if order.purchase is None:
            self.run.remember(f"order {order.number}", purchase_id)
        joined = {number: Joined(first) for number in further}
        return {first: Create(append, self._notes(order)), **joined}

    def _command(
        self, order: Order, purchase_id: UUID, lines: tuple[PurchaseLine, ...], currency: str
    ) -> PurchaseCommand:
        if order.purchase is not None:
            return AddPurchaseLines(lines)
        if order.bought_at is None:
            raise malformed("bought_at", "An order needs the day on which it was made.")
        return RecordPurchase(
            purchase_id=purchase_id,
            lines=lines,
            currency=currency,
            bought_at=order.bought_at,
            at=self.run.now,
            person_id=self._person(order),
            number=order.number,
            source=source_of(self.run),
            channel=next((cells.channel for cells in order.rows if cells.channel), None),
        )

    def _notes(self, order: Order) -> tuple[str, ...]:
        notes = list(self.buyers.made_by.get(order.first.number, ()))
        if order.said_currency is None and not self.run.options.get("currency"):
            notes.append(f"amounts read as {self._usual_currency}: the file names no currency")
        if order.customer and order.purchase and order.purchase.person_id is None:
            notes.append("customers of orders that had been recorded without one: left out")
        if order.customer is None and any(cells.row.get("customer_name") for cells in order.rows):
            notes.append("customers named without an id, an e-mail address or a number: left out")
        return tuple(notes)


async def _buyers(run: ImportRun, orders: Mapping[str, Order]) -> Buyers:
    named = {id(cells.customer): cells.customer for o in orders.values() for cells in o.rows}
    buyers = await Buyers.find(run, [customer for customer in named.values() if customer])
    await buyers.make(
        [
            NewBuyer(order.first, order.customer, order.bought_at)
            for order in orders.values()
            if order.purchase is None and order.customer and order.bought_at
        ]
    )
    theirs = {o.purchase.person_id for o in orders.values() if o.purchase}
    people = {*buyers.by_key.values(), *(person for person in theirs if person)}
    await buyers.look_up_owners(people)
    return buyers


PURCHASES_KIND = ImportKind("purchases", FIELDS, "contacts.write", handle, prepare)
