"""Files of orders become purchases: each line once, however often and in how many parts."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from chassis.http.principal import OWN
from chassis.ids import new_id
from chassis.imports.mapping import guess
from contacts.imports.cells import moment, number
from contacts.imports.purchase_cells import FIELDS
from contacts.imports.purchases import PURCHASES_KIND

on_servers = pytest.mark.integration
Desk = Any
HEADER = "Order number,Ordered at,Customer id,SKU,Item,Quantity,Unit price"
AT = "2026-02-01 10:00"


def table(header: str, *rows: Sequence[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header.split(","), *rows])
    return out.getvalue().encode()


def counts(job: Any) -> tuple[int, int, int, int, int]:
    assert job["status"] == "done", job["error"]
    return (job["rows"], job["created"], job["updated"], job["skipped"], job["failed"])


async def bought(desk: Desk, contact: str) -> list[dict[str, Any]]:
    """A person's purchases, the earliest first."""
    items = (await desk.read(f"/contacts/{contact}/purchases"))["items"]
    return list(reversed(items))


async def errors_of(desk: Desk, job: Any) -> list[str]:
    text = (await desk.ask.get_text(job["errors_url"])).removeprefix("\ufeff")
    return [row["error"] for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        (
            "Order number,Ordered at,E-mail,SKU,Item,Quantity,Unit price,Currency",
            "number bought_at email sku title quantity unit_price currency",
        ),
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
            "number sku title quantity bought_at unit_price customer_id country",
        ),
        (
            "Name,Email,Currency,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
            "Lineitem sku,Billing Name,Billing Country,Source,Phone",
            "number email currency bought_at quantity title unit_price sku customer_name country "
            "channel phone",
        ),
        (
            "Order Number,Order Date,Customer Email,Item Name,SKU,Quantity,Item Cost",
            "number bought_at email title sku quantity unit_price",
        ),
    ],
)
def test_columns_of_shops_are_recognised(header: str, fields: str) -> None:
    guessed = guess(header.split(","), FIELDS)
    assert [guessed[column] for column in header.split(",")] == fields.split()


def test_numbers_and_times_are_read_as_shops_write_them() -> None:
    assert number("-1,000.50", "unit_price") == Decimal("-1000.50")
    for text in ("2026-02-01 15:58:06 -0400", "2026-02-01 19:58:06 UTC", "2026-02-01T19:58:06Z"):
        assert moment(text, "bought_at") == datetime(2026, 2, 1, 19, 58, 6, tzinfo=UTC)


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_the_lines_of_an_order_are_one_purchase_of_whom_they_name(desk: Desk) -> None:
    by_id = await desk.person(first_name="Id", external_id="7")
    by_mail = await desk.person(first_name="Mail", email="Zoë@X.de")
    by_phone = await desk.person(first_name="Phone", phone="+49 30 1234567")
    content = table(
        "Order,Date,Customer ID,E-mail,Phone,SKU,Description,Qty,Price,Currency,Channel,Country",
        ["1", AT, "7.0", "", "", "T", "Tea", "2", "2.50", "eur", "web", ""],
        ["2", AT, "", "ZOË@x.de", "", "T", "Tea", "1", "2.5", "EUR", "", ""],
        ["1", AT, "7.0", "", "", "C", "Cup", "-1", "1,000.00", "EUR", "web", ""],
        ["3", AT, "", "", "030 1234567", "", "Salt", "1", "1", "EUR", "", "Germany"],
        ["4", AT, "", "", "", "", "Salt", "1", "1", "EUR", "", "France"],
    )
    dry = await desk.import_file("purchases", content, dry_run="true")
    assert await bought(desk, by_id) == []
    job = await desk.import_file("purchases", content)
    assert counts(dry) == counts(job) == (5, 5, 0, 0, 0)
    assert dry["notes"] == job["notes"] == {}
    [one] = await bought(desk, by_id)
    assert (one["number"], one["channel"], one["version"]) == ("1", "web", 1)
    assert one["bought_at"] == "2026-02-01T10:00:00Z"
    assert one["total"] == {"amount_minor": -99_500, "currency": "EUR"}
    assert [(line["title"], line["amount_minor"]) for line in one["lines"]] == [
        ("Tea", 500),
        ("Cup", -100_000),
    ]
    assert [each["number"] for each in await bought(desk, by_mail)] == ["2"]
    assert [each["number"] for each in await bought(desk, by_phone)] == ["3"]
    assert len((await desk.read("/contacts"))["items"]) == 3
    _, feed, _ = await desk.ask("GET", "/api/v1/events?type=contacts.purchase-recorded.v1")
    assert [event["data"]["person_id"] for event in feed["items"]][-1] is None


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_customers_that_nobody_knew_are_added_as_they_are_named(desk: Desk) -> None:
    content = table(
        "Order,Date,Customer ID,Email,Phone,Customer name,Item,Qty,Price,Currency,Country",
        ["1", AT, "17850.0", "", "", "", "Tea", "1", "1", "EUR", "Germny"],
        ["2", "2026-02-03", "17850.0", "", "", "", "Tea", "1", "1", "EUR", "Germny"],
        ["3", AT, "9", "new@x.de", "n/a", "Grace Brewster Hopper", "Tea", "1", "1", "EUR", ""],
        ["4", AT, "", "new@x.de", "", "", "Tea", "1", "1", "EUR", ""],
        ["5", AT, "", "", "", "Nameless", "Tea", "1", "1", "EUR", ""],
    )
    for dry_run in ("true", "false"):
        job = await desk.import_file("purchases", content, dry_run=dry_run)
        assert counts(job) == (5, 5, 0, 0, 0)
        assert job["notes"] == {
            "customers that nobody knew were added": 2,
            "country Germny read as Germany": 1,
            "phone number that is none: left out": 1,
            "customers named without an id, an e-mail address or a number: left out": 1,
        }
    found = {item["name"]: item for item in (await desk.read("/contacts"))["items"]}
    assert set(found) == {"Customer 17850", "Grace Brewster Hopper"}
    customer = await desk.read(f"/contacts/{found['Customer 17850']['id']}")
    assert (customer["external_id"], customer["country"]) == ("17850", "Germany")
    assert customer["created_at"] == "2026-02-01T10:00:00Z"
    assert (customer["purchases"]["count"], customer["last_name"]) == (2, "17850")
    grace = await desk.read(f"/contacts/{found['Grace Brewster Hopper']['id']}")
    assert (grace["last_name"], grace["email"], grace["phone"]) == ("Hopper", "new@x.de", None)
    assert grace["purchases"]["count"] == 2


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_file_again_adds_nothing_and_a_grown_one_only_what_is_new(
    desk: Desk,
) -> None:
    alike = ["C1", AT, "7", "T", "Tea", "-1", "2.50"]
    rows = [
        alike,
        ["C1", AT, "7", "T", "Tea", "-2", "2.50"],
        alike,
        ["2", AT, "", "T", "", "1", "1"],
    ]
    first = await desk.import_file("purchases", table(HEADER, *rows))
    assert counts(first) == (4, 4, 0, 0, 0)
    retitled = [[*row[:4], "Best tea", *row[5:]] for row in rows]
    for again in (rows, retitled, list(reversed(rows)), rows[1:2]):
        job = await desk.import_file("purchases", table(HEADER, *again))
        assert counts(job) == (len(again), 0, 0, len(again), 0)
        assert job["notes"] == {"skipped: recorded before": len(again)}
    more = [*rows, alike, ["C1", AT, "7", "C", "Cup", "1", "9"]]
    assert counts(await desk.import_file("purchases", table(HEADER, *more))) == (6, 2, 0, 4, 0)
    [person] = (await desk.read("/contacts"))["items"]
    [purchase] = await bought(desk, person["id"])
    assert [line["quantity"] for line in purchase["lines"]] == [-1, -2, -1, -1, 1]
    assert purchase["total"]["amount_minor"] == -350
    assert counts(await desk.import_file("purchases", table(HEADER, *more))) == (6, 0, 0, 6, 0)


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_bad_rows_fail_with_field_and_reason_and_get_in_when_they_are_mended(
    desk: Desk,
) -> None:
    good = ["1", AT, "7", "T", "Tea", "2", "2.50"]
    bad = [
        ["1", AT, "7", "C", "Cup", "two", "2.50"],
        ["1", AT, "7", "C", "Cup", "1.5", "2.50"],
        ["1", AT, "7", "C", "Cup", "", "2.50"],
        ["1", AT, "7", "C", "Cup", "1", "cheap"],
        ["1", AT, "7", "C", "Cup", "1", ""],
        ["1", AT, "7", "C", "Cup", "1", "1e999999"],
        ["1", "1.2.2026", "7", "C", "Cup", "1", "2.50"],
        ["1", "2199-01-01", "7", "C", "Cup", "1", "2.50"],
        ["9", "", "8", "C", "Cup", "1", "2.50"],
        ["", AT, "7", "C", "Cup", "1", "2.50"],
        ["1", AT, "7", "", "", "1", "2.50"],
    ]
    starts = ["quantity", "quantity", "quantity", "unit_price", "unit_price", "unit_price"]
    starts += ["bought_at", "bought_at", "bought_at", "number", "title"]
    for dry_run in ("true", "false"):
        job = await desk.import_file("purchases", table(HEADER, good, *bad), dry_run=dry_run)
        assert counts(job) == (12, 1, 0, 0, 11)
        assert [e.partition(":")[0] for e in await errors_of(desk, job)] == starts
    [person] = (await desk.read("/contacts"))["items"]
    assert person["name"] == "Customer 7"
    mended = table(HEADER, ["1", AT, "7", "C", "Cup", "2", "2.50"])
    assert counts(await desk.import_file("purchases", mended)) == (1, 1, 0, 0, 0)
    [purchase] = await bought(desk, person["id"])
    assert (purchase["version"], purchase["total"]["amount_minor"]) == (2, 1000)
    record = f"/contacts/{person['id']}"
    for query, total in (("", 1000), (f"?known_at={purchase['recorded_at']}", 500)):
        [sums] = (await desk.read(f"{record}{query}"))["purchases"]["totals"]
        assert (sums["count"], sums["total"]["amount_minor"]) == (1, total)


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_orders_are_one_purchase_however_they_lie_in_the_file(desk: Desk) -> None:
    """Three chunks: one order goes through all of them, another from one into the next."""
    rows = [[f"n{n % 700}", AT, "", "T", "Tea", 1, "1.00"] for n in range(2300)]
    for n in range(0, 2300, 100):
        rows[n] = ["long", AT, "7", f"S{n}", "Salt", 1, "0.004"]
    rows[995:1005] = [["split", AT, "8", "T", "Tea", 1, "0.10"] for _ in range(10)]
    content = table(HEADER, *rows)
    options = '{"currency": "EUR"}'
    dry = await desk.import_file("purchases", content, options=options, dry_run="true")
    job = await desk.import_file("purchases", content, options=options)
    assert counts(dry) == counts(job) == (2300, 2300, 0, 0, 0)
    assert dry["notes"] == job["notes"] == {"customers that nobody knew were added": 2}
    people = {item["name"]: item["id"] for item in (await desk.read("/contacts"))["items"]}
    [long] = await bought(desk, people["Customer 7"])
    assert (long["version"], len(long["lines"]), long["total"]["amount_minor"]) == (3, 22, 0)
    assert [line["sku"] for line in long["lines"]] == [
        f"S{n}" for n in range(0, 2300, 100) if n != 1000
    ]
    [split] = await bought(desk, people["Customer 8"])
    assert (split["version"], len(split["lines"]), split["total"]["amount_minor"]) == (2, 10, 100)
    for record in people.values():
        now = (await desk.read(f"/contacts/{record}"))["purchases"]
        assert now == (await desk.read(f"/contacts/{record}?as_of=2199-01-01"))["purchases"]
        assert now["count"] == 1
    again = await desk.import_file("purchases", content, options=options)
    assert counts(again) == (2300, 0, 0, 2300, 0)


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_further_rows_of_an_order_may_leave_out_what_its_first_one_says(desk: Desk) -> None:
    header = "Name,Email,Currency,Created at,Lineitem quantity,Lineitem name,Lineitem price"
    content = table(
        header,
        ["#1001", "ada@x.de", "JPY", "2026-02-01 15:58:06 -0400", "1", "Tea", "250"],
        ["#1001", "", "", "", "2", "Cup", "1200"],
    )
    job = await desk.import_file("purchases", content)
    assert counts(job) == (2, 2, 0, 0, 0)
    [person] = (await desk.read("/contacts"))["items"]
    [purchase] = await bought(desk, person["id"])
    assert purchase["bought_at"] == "2026-02-01T19:58:06Z"
    assert purchase["total"] == {"amount_minor": 2650, "currency": "JPY"}


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_rows_that_contradict_their_order_fail(desk: Desk) -> None:
    await desk.person(first_name="Ada", external_id="7")
    bob = await desk.person(first_name="Bob", external_id="8")
    header = f"{HEADER},Currency"
    one = ["1", AT, "7", "T", "Tea", "1", "1", "EUR"]
    others = [
        ["1", AT, "8", "C", "Cup", "1", "1", "EUR"],
        ["1", AT, "7", "C", "Cup", "1", "1", "USD"],
        ["1", AT, "7", "C", "Cup", "1", "1", "euro"],
    ]
    job = await desk.import_file("purchases", table(header, one, *others))
    assert counts(job) == (4, 1, 0, 0, 3)
    later = await desk.import_file("purchases", table(header, *others))
    assert counts(later) == (3, 0, 0, 0, 3)
    for each in (job, later):
        assert await errors_of(desk, each) == [
            "customer_id: The order 1 is of somebody else.",
            "currency: The order 1 is in EUR.",
            "currency: 'EURO' is no currency; write it like EUR.",
        ]
    assert await bought(desk, bob) == []
    nobodys = table(header, ["2", AT, "", "T", "Tea", "1", "1", "EUR"])
    await desk.import_file("purchases", nobodys)
    named = table(header, ["2", AT, "8", "C", "Cup", "1", "1", "EUR"])
    job = await desk.import_file("purchases", named)
    assert counts(job) == (1, 1, 0, 0, 0)
    assert job["notes"] == {"customers of orders that had been recorded without one: left out": 1}


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_an_order_that_was_changed_is_not_counted_twice(desk: Desk) -> None:
    rows = [["1", AT, "", "T", "Tea", "1", "1"], ["1", AT, "", "C", "Cup", "1", "1"]]
    await desk.import_file("purchases", table(HEADER, *rows))
    changed = [["1", AT, "", "T", "Tea", "5", "1"], rows[1]]
    job = await desk.import_file("purchases", table(HEADER, *changed))
    assert counts(job) == (2, 0, 0, 1, 1)
    [error] = await errors_of(desk, job)
    assert "has this item with another quantity or price" in error
    job = await desk.import_file("purchases", table(HEADER, *rows, changed[0]))
    assert counts(job) == (3, 1, 0, 2, 0)


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_a_cancelled_order_does_not_come_back(desk: Desk) -> None:
    await desk.person(first_name="Ada", external_id="7")
    row = ["1", AT, "7", "T", "Tea", "1", "1"]
    await desk.import_file("purchases", table(HEADER, row))
    [person] = (await desk.read("/contacts"))["items"]
    [purchase] = await bought(desk, person["id"])
    await desk.write("POST", f"/purchases/{purchase['id']}/cancel")
    job = await desk.import_file(
        "purchases", table(HEADER, row, ["1", AT, "7", "C", "Cup", "1", "1"])
    )
    assert counts(job) == (2, 0, 0, 1, 1)
    assert "was cancelled" in (await errors_of(desk, job))[0]
    assert (await desk.read(f"/contacts/{person['id']}"))["purchases"]["count"] == 0


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_sources_and_currencies_are_said_with_the_file(desk: Desk) -> None:
    row = ["1", AT, "7", "T", "Tea", "1", "1.50"]
    await desk.others.open_workspace("CHF")
    job = await desk.import_file("purchases", table(HEADER, row))
    assert job["notes"]["amounts read as CHF: the file names no currency"] == 1
    options = '{"external_source": " till ", "currency": "gbp"}'
    for expected in ((1, 1, 0, 0, 0), (1, 0, 0, 1, 0)):
        job = await desk.import_file("purchases", table(HEADER, row), options=options)
        assert counts(job) == expected
        assert "amounts read as CHF: the file names no currency" not in job["notes"]
    people = (await desk.read("/contacts"))["items"]
    seen = [(await bought(desk, person["id"]))[0] for person in people]
    assert sorted((each["source"] or "", each["total"]["currency"]) for each in seen) == [
        ("", "CHF"),
        ("till", "GBP"),
    ]
    ids = [(await desk.read(f"/contacts/{p['id']}"))["external_source"] for p in people]
    assert sorted(each or "" for each in ids) == ["", "till"]


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_a_currency_that_is_none_is_refused_before_any_row(desk: Desk) -> None:
    row = ["1", AT, "7", "T", "Tea", "1", "1.50"]
    for kind, content in (("purchases", table(HEADER, row)), ("companies", table("Name", ["A"]))):
        job = await desk.import_file(kind, content, options='{"currency": "EURO"}')
        assert (job["status"], job["position"]) == ("failed", 0)
        assert "'EURO' is no currency; write it like EUR." in job["error"]


@on_servers
@pytest.mark.asyncio(loop_scope="module")
async def test_representatives_import_purchases_of_their_own_customers(desk: Desk) -> None:
    stranger, me = new_id(), new_id()
    theirs = await desk.person(first_name="Theirs", external_id="7", owner_id=str(stranger))
    mine = await desk.person(first_name="Mine", external_id="8", owner_id=str(me))
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    rows = [[f"{n}", AT, f"{n}", "T", "Tea", "1", "1"] for n in (7, 8, 9)]
    many = [[f"{n}", AT, "9", "T", "Tea", "1", "1"] for n in range(100, 1200)]
    await desk.import_file("purchases", table(HEADER, ["old", AT, "7", "T", "Tea", "1", "1"]))
    known = ["old", AT, "", "C", "Cup", "1", "1"]
    job = await rep.import_file("purchases", table(HEADER, *rows, known, *many))
    assert counts(job) == (1104, 1102, 0, 0, 2)
    assert set(await errors_of(desk, job)) == {"This person is somebody else's customer."}
    assert [each["number"] for each in await bought(desk, theirs)] == ["old"]
    assert len(await bought(desk, mine)) == 1
    new = next(p for p in (await rep.read("/contacts"))["items"] if p["name"] == "Customer 9")
    assert new["owner_id"] == str(me)
    await rep.ask.close()


def test_the_kind_is_for_those_who_may_write_contacts() -> None:
    assert (PURCHASES_KIND.name, PURCHASES_KIND.permission) == ("purchases", "contacts.write")
    required = {field.name for field in PURCHASES_KIND.fields if field.required}
    assert required == {"number", "bought_at", "quantity", "unit_price"}
