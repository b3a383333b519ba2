"""Rows of a file of purchases as values. Each is a line of an order, a receipt or an invoice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache

from chassis.errors import BadInput
from chassis.imports import ImportField, ImportRow, ImportRun
from contacts.domain.country import country_code
from contacts.domain.email_address import EmailAddress, parse_email
from contacts.domain.entry import Entry
from contacts.domain.money import exact_minor_units, major_units
from contacts.domain.phone_number import PhoneNumber, matched_as, parse_phone
from contacts.domain.purchase_line import PurchaseLine, purchase_line
from contacts.domain.words import malformed, tidy
from contacts.imports.cells import moment, number, whole
from contacts.imports.spelling import Countries
from contacts.settings import ContactsSettings

FIELDS = (
    ImportField(
        "number",
        "Order number",
        (
            "Order", "Order no", "Order #", "Order id", "Invoice number", "Invoice no", "Invoice",
            "Invoice id", "Receipt number", "Receipt no", "Receipt", "Receipt id",
            "Document number", "Transaction id", "Sale id", "Purchase number", "Name",
        ),
        required=True,
    ),
    ImportField(
        "bought_at",
        "Bought at",
        (
            "Ordered at", "Order date", "Invoice date", "Receipt date", "Purchase date",
            "Purchased at", "Sale date", "Transaction date", "Created at", "Paid at", "Date",
        ),
        required=True,
    ),
    ImportField(
        "customer_id",
        "Customer id",
        (
            "Customer number", "Customer no", "Client id", "Buyer id", "Contact id", "Member id",
            "User id", "External id",
        ),
    ),
    ImportField(
        "email",
        "E-mail",
        ("Email address", "Customer email", "Billing email", "Buyer email", "Contact email"),
    ),
    ImportField(
        "phone",
        "Phone",
        ("Phone number", "Customer phone", "Billing phone", "Buyer phone", "Telephone", "Mobile"),
    ),
    ImportField(
        "customer_name",
        "Customer name",
        ("Customer", "Billing name", "Buyer name", "Buyer", "Full name", "Shipping name"),
    ),
    ImportField(
        "country",
        "Country",
        ("Customer country", "Billing country", "Shipping country", "Country/Region"),
    ),
    ImportField(
        "sku",
        "SKU",
        (
            "Lineitem sku", "Stock code", "Item number", "Item code", "Product code", "Product id",
            "Article number", "Variant SKU", "ISBN", "EAN",
        ),
    ),
    ImportField(
        "title",
        "Item",
        (
            "Lineitem name", "Item name", "Item title", "Product", "Product name", "Description",
            "Article", "Product title", "Title",
        ),
    ),
    ImportField(
        "quantity", "Quantity", ("Lineitem quantity", "Qty", "Pieces", "Units"), required=True
    ),
    ImportField(
        "unit_price",
        "Unit price",
        ("Lineitem price", "Item price", "Item cost", "Price each", "Price per unit", "Price"),
        required=True,
    ),
    ImportField("currency", "Currency", ("Currency code", "Order currency")),
    ImportField("channel", "Channel", ("Sales channel", "Source", "Source name", "Store", "Shop")),
)  # fmt: skip

_CURRENCY = re.compile(r"^[A-Z]{3}$")
# Tables of numbers with gaps come out of spreadsheets and scripts as 17850.0.
_WHOLE_AS_FLOAT = re.compile(r"^(\d+)\.0$")
_KEPT = 2048


Alike = tuple[str, int, Decimal]
"""Item, quantity, price."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Who bought, as a row names them: at least by an id, an e-mail address or a phone number."""

    external_id: str | None
    email: EmailAddress | None
    phone: PhoneNumber | None
    name: str | None
    country: str | None
    notes: tuple[str, ...] = ()

    @property
    def keys(self) -> list[str]:
        """By what a person is matched, the surest first."""
        keys = [f"id {self.external_id}"] if self.external_id else []
        keys += [f"email {self.email.folded}"] if self.email else []
        return keys + ([f"phone {matched_as(self.phone)}"] if self.phone else [])

    def contradicts(self, other: Customer) -> bool:
        """Whether they cannot be one: by the surest thing that is known of both."""
        for mine in self.keys:
            for theirs in other.keys:
                if mine.partition(" ")[0] == theirs.partition(" ")[0]:
                    return mine != theirs
        return False


@dataclass(frozen=True, slots=True)
class Cells:
    """A row's cells as values. What further rows of an order leave out stands in its first one."""

    row: ImportRow
    number: str
    bought_at: datetime | None
    currency: str | None
    channel: str | None
    customer: Customer | None
    quantity: int
    price: Decimal

    @property
    def alike(self) -> Alike:
        """See `alike`."""
        item = tidy(self.row.get("sku"), "sku") or tidy(self.row.get("title"), "title", most=300)
        return item or "", self.quantity, self.price

    def line(self, currency: str) -> PurchaseLine:
        """The line in an order in this currency. Raises BadInput."""
        price = exact_minor_units(self.price, currency)
        return purchase_line(self.quantity, price, self.row.get("sku"), self.row.get("title"))


def alike(line: PurchaseLine, currency: str) -> Alike:
    """What two lines that are alike have in common. Not the title: it may be corrected later."""
    price = Decimal(line.exact_price_minor or line.unit_price_minor)
    return line.sku or line.name, line.quantity, major_units(price, currency)


def read_cells(row: ImportRow, run: ImportRun) -> Cells:
    """The values in a row. Raises BadInput naming the field that holds none."""
    get = row.values.get
    order = tidy(get("number"), "number", most=100)
    if order is None:
        raise malformed("number", "A line needs the number of its order, receipt or invoice.")
    at = _moment(text) if (text := get("bought_at")) else None
    if at is not None and at > run.now:
        raise malformed("bought_at", "This lies in the future.")
    currency = get("currency")
    if currency is not None and not _CURRENCY.match(currency := currency.upper()):
        raise malformed("currency", f"{currency!r} is no currency; write it like EUR.")
    settings = run.service.settings
    region = settings.phone_region if isinstance(settings, ContactsSettings) else None
    who = (get("customer_id"), get("email"), get("phone"), get("customer_name"), get("country"))
    return Cells(
        row=row,
        number=order,
        bought_at=at,
        currency=currency,
        channel=tidy(get("channel"), "channel"),
        customer=_customer(*who, region),
        quantity=_quantity(get("quantity")),
        price=_price(get("unit_price")),
    )


# Neighbouring rows say the same again and again.


@lru_cache(maxsize=_KEPT)
def _moment(text: str) -> datetime:
    return moment(text, "bought_at")


@lru_cache(maxsize=_KEPT)
def _quantity(text: str | None) -> int:
    if text is None:
        raise malformed("quantity", "A line needs a quantity.")
    return whole(text, "quantity")


@lru_cache(maxsize=_KEPT)
def _price(text: str | None) -> Decimal:
    if text is None:
        raise malformed("unit_price", "A line needs a price.")
    return number(text, "unit_price")


@lru_cache(maxsize=_KEPT)
def _customer(
    external_id: str | None,
    email: str | None,
    phone: str | None,
    name: str | None,
    country: str | None,
    region: str | None,
) -> Customer | None:
    """Who is meant by these cells; None: nobody."""
    known_by_id = tidy(external_id, "customer_id")
    if known_by_id is not None:
        known_by_id = _WHOLE_AS_FLOAT.sub(r"\1", known_by_id)
    country = tidy(country, "country")
    reading = _countries().read(country) if country else None
    place = reading.word if reading else None
    address = parse_email(Entry(email, primary=True)) if email else None
    notes = [reading.note] if reading and reading.note else []
    number = None
    if phone:
        try:
            number = parse_phone(Entry(phone, primary=True), country_code(place) or region)
        except BadInput:
            if known_by_id is None and address is None:
                raise
            notes.append("phone number that is none: left out")
    if known_by_id is None and address is None and number is None:
        return None
    called = tidy(name, "customer_name")
    return Customer(known_by_id, address, number, called, place, tuple(notes))


@cache
def _countries() -> Countries:
    return Countries()
