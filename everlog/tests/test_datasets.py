"""What files hold is told by their columns, and those who are named by others come first."""

from __future__ import annotations

from pathlib import Path

import pytest

from everlog.datasets import loads_of, type_of

SALES = Path(__file__).parents[3] / "shared" / "data" / "crm_sales_opportunities"


def write(folder: Path, **files: str) -> None:
    for name, header in files.items():
        (folder / f"{name}.csv").write_text(header + "\nx\n")


@pytest.mark.parametrize(
    "header",
    [
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        "Order number,Ordered at,E-mail,SKU,Item,Quantity,Unit price,Currency",
        "Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem price",
    ],
)
def test_orders_are_told_from_people_although_they_name_addresses(header: str) -> None:
    assert type_of(header.split(",")) == "purchases"


def test_the_order_of_import_follows_who_names_whom(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="opportunity_id,sales_agent,product,account,deal_stage",
        b="account,sector",
        c="Sales_Agent,Manager,Regional Office",
        d="product,series,sales_price",
        e="Table,Field,Description",
        f="First Name,Last Name,E-mail",
    )
    loads = [(load.path.stem, load.type) for load in loads_of([tmp_path])]
    assert loads == [
        ("c", "users"),
        ("b", "companies"),
        ("d", "products"),
        ("f", "contacts"),
        ("a", "deals"),
    ]


def test_an_unknown_file_comes_last_and_has_no_type(tmp_path: Path) -> None:
    write(tmp_path, a="colour,taste", b="account,sector")
    assert [load.type for load in loads_of([tmp_path])] == ["companies", None]


def test_headers_are_told_whatever_their_case_and_signs() -> None:
    assert type_of(["Opportunity ID", "Deal-Stage", "x"]) == "deals"
    assert type_of(["nothing"]) is None


@pytest.mark.skipif(not SALES.exists(), reason="the sales opportunities are not on this machine")
def test_the_sales_opportunities_are_recognised() -> None:
    loads = [(load.path.stem, load.type) for load in loads_of([SALES])]
    assert loads == [
        ("sales_teams", "users"),
        ("accounts", "companies"),
        ("products", "products"),
        ("sales_pipeline", "deals"),
    ]


@pytest.mark.parametrize(
    ("header", "type_"),
    [
        ("Given Name,Family Name,E-mail 1 - Value", "contacts"),
        ("Person - ID,Person - Name,Organization - Name", "contacts"),
        ("Record Id,Account Name,Account Type", "companies"),
        ("Record ID,Company name,Company owner", "companies"),
        ("Record Id,Deal Name,Account Name,Stage", "deals"),
    ],
)
def test_exports_of_other_systems_are_told_apart(header: str, type_: str) -> None:
    assert type_of(header.split(",")) == type_


def test_cards_are_contacts(tmp_path: Path) -> None:
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Lovelace\r\nEND:VCARD\r\n"
    (tmp_path / "ada.vcf").write_text(card)
    assert [load.type for load in loads_of([tmp_path])] == ["contacts"]
