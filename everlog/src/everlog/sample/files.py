"""The sample as files, to be imported like anybody's. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from everlog.sample.bookshop import FIRST_STAGES, Bookshop
from everlog.sample.words import PRODUCTS


def _table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headers)
    writer.writerows(rows)
    return out.getvalue().encode()


def companies(shop: Bookshop) -> bytes:
    """The companies."""
    headers = ("External id", "Name", "Sector", "City", "Country", "Employees", "Owner")
    return _table(
        headers,
        (
            (c.external_id, c.name, c.sector, c.city, c.country, c.employees, c.owner)
            for c in shop.companies
        ),
    )


def people(shop: Bookshop) -> bytes:
    """The people."""
    headers = (
        "External id", "First name", "Last name", "E-mail", "Phone", "City", "Country", "Company",
        "Job title", "Owner", "Tags", "Source", "Birthday", "Created",
    )  # fmt: skip
    return _table(
        headers,
        (
            (
                p.external_id, p.first_name, p.last_name, p.email, p.phone, p.city, p.country,
                p.company, p.company_role, p.owner, ";".join(p.tags), p.source, p.birthday,
                p.known_since,
            )
            for p in shop.people
        ),
    )  # fmt: skip


def products() -> bytes:
    """What is sold in deals."""
    return _table(
        ("Name", "Series", "Price", "Currency"),
        ((name, series, f"{price / 100:.2f}", "EUR") for name, series, price in PRODUCTS),
    )


def deals(shop: Bookshop) -> bytes:
    """The deals as they were opened; what happened to them afterwards comes one by one."""
    names = {p.external_id: f"{p.first_name} {p.last_name}" for p in shop.people}
    headers = (
        "Id", "Title", "Pipeline", "Stage", "Contact", "Company", "Product", "Owner", "Source",
        "Value", "Currency", "Opened on", "Expected close",
    )  # fmt: skip
    return _table(
        headers,
        (
            (
                d.external_id, d.title, d.pipeline, FIRST_STAGES[d.pipeline], names[d.person],
                d.company, d.product, d.owner, d.source, f"{d.value_minor / 100:.2f}", "EUR",
                d.opened, d.expected,
            )
            for d in shop.deals
        ),
    )  # fmt: skip


def orders(shop: Bookshop) -> bytes:
    """What was bought over the counter."""
    emails = {p.external_id: p.email for p in shop.people}
    headers = (
        "Order number", "Ordered at", "E-mail", "SKU", "Item", "Quantity", "Unit price", "Currency",
    )  # fmt: skip
    return _table(
        headers,
        (
            (
                o.number, o.ordered.isoformat(), emails[o.person], o.sku, o.title, o.quantity,
                f"{o.price_minor / 100:.2f}", "EUR",
            )
            for o in shop.orders
        ),
    )  # fmt: skip
