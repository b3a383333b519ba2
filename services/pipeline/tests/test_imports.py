"""Files of products and deals, as other systems write them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import BadInput
from chassis.imports import ImportRow
from pipeline.imports.cells import BadCell, day
from pipeline.imports.deal_rows import Reading, read_row
from pipeline.testing.desk import counts, deals_of, send

HERE = Path(__file__).parents[3]
EXPORTS = HERE.parent / "shared" / "data" / "crm_export_formats"
HEADERS = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value"


# --- reading a row by itself


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2016-10-20", None, date(2016, 10, 20)),
        ("2026-12-01 00:00", None, date(2026, 12, 1)),
        ("2026-12-01T23:59:59Z", None, date(2026, 12, 1)),
        ("2026/1/5", None, date(2026, 1, 5)),
        ("5.1.2026", None, date(2026, 1, 5)),
        ("05/01/2026", "dmy", date(2026, 1, 5)),
        ("05/01/2026", "mdy", date(2026, 5, 1)),
    ],
)
def test_a_day_is_read_as_it_is_meant(text: str, order: str | None, expected: date) -> None:
    assert day("closed_on", text, order) == expected


@pytest.mark.parametrize("text", ["05/01/2026", "soon", "2026-13-01", "1.1.26"])
def test_a_day_that_could_mean_two_things_is_not_guessed(text: str) -> None:
    with pytest.raises(BadCell, match="2026-03-30"):
        day("closed_on", text, None)


def row(**values: str) -> ImportRow:
    return ImportRow(1, values)


@pytest.mark.parametrize(
    ("text", "status"),
    [("Won", "won"), ("closed won", "won"), ("Closed-Lost", "lost"), ("closedwon", "won")],
)
def test_closings_are_known_by_many_names(text: str, status: str) -> None:
    how = Reading("EUR", {})
    assert read_row(row(stage=text, closed_on="2026-01-01"), how).status == status


def test_a_stage_can_be_mapped_to_another_or_to_a_closing() -> None:
    how = Reading.of({"stages": {"Contract Sent (old)": "proposal", "Done": "won"}}, "EUR")
    assert read_row(row(stage="contract sent (old)"), how).stage == "proposal"
    assert read_row(row(stage="Done", closed_on="2026-01-01"), how).status == "won"
    with pytest.raises(BadInput, match="stages"):
        Reading.of({"stages": "x"}, "EUR")


def test_the_closing_day_of_an_open_deal_is_the_expected_one() -> None:
    read = read_row(row(stage="Lead", closed_on="2026-12-01"), Reading("EUR", {}))
    assert (read.closed_on, read.expected_close) == (None, date(2026, 12, 1))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "stage"),
        ({"stage": "Won"}, "closed_on"),
        ({"stage": "Lead", "opened_on": "x"}, "opened_on"),
        ({"stage": "Lead", "value": "x"}, "value"),
        ({"stage": "Lead", "currency": "x"}, "currency"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(values: dict[str, str], field: str) -> None:
    with pytest.raises(BadCell) as refused:
        read_row(row(**values), Reading("EUR", {}))
    assert refused.value.field == field


# --- through the whole service


def table(*rows: str) -> str:
    return "\n".join([HEADERS, *rows, ""])


PRODUCTS = "product,series,sales_price\nGTX Basic,GTX,550\nGTX Pro,GTX,4821\n"
FILE = table(
    "A1,Moses Frase,GTX Basic,Cancity,Won,2016-10-20,2017-03-01,600",
    "A2,Darcel Schlecht,GTXPro,Isdom,Lost,2016-10-25,2017-03-11,0",
    "A3,Nobody Known,GTX Basic,,Engaging,2016-11-03,,",
    "A4,Moses Frase,GTX Zero,Unknown Ltd,Prospecting,,,",
)


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_deals_without_an_id_are_opened_once_however_often_they_come(office: Any) -> None:
    ask, _ = office
    header = "Deal Name,Stage,Amount,Created Date,Close Date"
    rows = ["Shelves,Won,600,2026-01-05,2026-02-01", "Shelves,Won,600,2026-01-05,2026-02-01"]
    content = "\n".join([header, *rows, "Lamps,Lead,100,2026-01-06,"])
    assert counts(await send(ask, "deals", content, dry_run="true")) == (3, 0, 0, 0)
    assert counts(await send(ask, "deals", content)) == (3, 0, 0, 0)
    again = await send(ask, "deals", content)
    assert counts(again) == (0, 0, 3, 0)
    assert again["notes"]["skipped: imported before"] == 3
    # A third one that is alike is another deal, and so is one of which something else is said.
    more = "\n".join([header, *rows, rows[0], "Lamps,Won,100,2026-01-06,2026-03-01"])
    assert counts(await send(ask, "deals", more)) == (2, 0, 2, 0)
    _, page, _ = await ask("GET", "/api/v1/deals?limit=200")
    assert Counter(item["title"] for item in page["items"]) == {"Shelves": 3, "Lamps": 2}


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_products_are_created_updated_and_left_alone(office: Any) -> None:
    ask, others = office
    await others.workspace_opened("USD")
    first = await send(ask, "products", PRODUCTS)
    assert counts(first) == (2, 0, 0, 0)
    again = await send(ask, "products", PRODUCTS)
    assert counts(again) == (0, 0, 2, 0)
    other = "product,sales_price\ngtxpro,5000\nGTX Plus,x\nGTX Max,1\nGTXMAX,2\n"
    dry = await send(ask, "products", other, dry_run="true")
    assert counts(dry) == (1, 1, 1, 1)
    changed = await send(ask, "products", other)
    assert counts(changed) == (1, 2, 0, 1)
    assert changed["notes"]['product "gtxpro" read as "GTX Pro"'] == 1
    items = (await ask("GET", "/api/v1/products"))[1]["items"]
    assert {p["name"]: p["price"]["amount_minor"] for p in items} == {
        "GTX Basic": 55_000,
        "GTX Max": 200,
        "GTX Pro": 500_000,
    }
    assert {p["price"]["currency"] for p in items} == {"USD"}


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_deals_are_opened_and_closed_when_the_file_says(shop: Any) -> None:
    ask, others = shop
    (moses, darcel), _ = await others.users("Moses Frase", "Darcel Schlecht")
    (cancity, _), _ = await others.companies("Cancity", "Isdom")
    await send(ask, "products", PRODUCTS)
    dry = await send(ask, "deals", FILE, dry_run="true")
    assert counts(dry) == (4, 0, 0, 0)
    assert await deals_of(ask) == {}
    done = await send(ask, "deals", FILE)
    assert counts(done) == (4, 0, 0, 0)
    assert done["notes"] == {
        'product "GTXPro" read as "GTX Pro"': 1,
        'product "GTX Zero" is not in the catalogue: no product': 1,
        'owner "Nobody Known" is not known: no owner': 1,
        'company "Unknown Ltd" is not known: no company': 1,
        "no company given": 1,
        "no opening day: taken as 2017-03-11, the last day the file speaks of": 1,
        "value while open: taken as the product's list price": 3,
        "no value and no list price: taken as 0": 1,
        'deals closed in the file were open before in stage "engaging"': 2,
    }
    deals = await deals_of(ask)
    won, lost, engaging, prospecting = (deals[f"A{n}"] for n in (1, 2, 3, 4))
    assert won["title"] == "GTX Basic – Cancity"
    assert (won["status"], won["value"]["amount_minor"]) == ("won", 60_000)
    assert (won["opened_at"], won["closed_on"]) == ("2016-10-20T12:00:00Z", "2017-03-01")
    assert (won["owner_id"], won["company_id"]) == (str(moses), str(cancity))
    assert (lost["status"], lost["value"]["amount_minor"]) == ("lost", 482_100)
    assert (lost["owner_id"], lost["product"]["name"]) == (str(darcel), "GTX Pro")
    assert (engaging["stage"], engaging["owner_id"]) == ("engaging", None)
    assert engaging["value"] == {"amount_minor": 55_000, "currency": "EUR"}
    assert prospecting["opened_at"] == "2017-03-11T12:00:00Z"
    assert prospecting["stage"] == "prospecting"
    then = await deals_of(ask, "&as_of=2017-02-28&status=open")
    assert then.keys() == {"A1", "A2", "A3"}
    assert then["A1"]["value"]["amount_minor"] == 55_000


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_repeating_changes_nothing_and_a_changed_row_changes_its_deal(shop: Any) -> None:
    ask, others = shop
    await send(ask, "products", PRODUCTS)
    await send(ask, "deals", FILE)
    versions = {id_: deal["version"] for id_, deal in (await deals_of(ask)).items()}
    again = await send(ask, "deals", FILE)
    assert counts(again) == (0, 0, 4, 0)
    assert {id_: deal["version"] for id_, deal in (await deals_of(ask)).items()} == versions
    ids, _ = await others.users("Moses Frase")
    changed = table(
        "A1,Moses Frase,GTX Basic,Cancity,Won,2016-10-20,2017-02-01,700",
        "A2,,GTXPro,,Won,2016-10-25,2017-03-12,5000",
        "A3,,GTX Basic,,Won,2016-11-03,2017-04-01,500",
        "A4,,,,Engaging,2017-05-01,,99.50",
        "A5,,,,Engaging,2017-05-02,,",
    )
    done = await send(ask, "deals", changed)
    assert counts(done) == (1, 4, 0, 0)
    deals = await deals_of(ask)
    shown = {id_: (d["status"], d["value"]["amount_minor"]) for id_, d in deals.items()}
    assert shown == {
        "A1": ("won", 70_000),
        "A2": ("won", 500_000),
        "A3": ("won", 50_000),
        "A4": ("open", 9_950),
        "A5": ("open", 0),
    }
    assert deals["A1"]["closed_on"] == "2017-02-01"
    assert deals["A1"]["owner_id"] == str(ids[0])
    assert deals["A4"]["entered_at"] == "2017-05-01T12:00:00Z"
    assert deals["A2"]["stage"] == "engaging"
    # As of the days between, the corrected closings never were.
    then = await deals_of(ask, "&as_of=2017-03-11")
    assert {id_: deal["status"] for id_, deal in then.items()} == {
        "A1": "won",
        "A2": "open",
        "A3": "open",
        "A4": "open",
    }
    assert counts(await send(ask, "deals", changed)) == (0, 0, 5, 0)


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_a_deal_that_was_closed_here_is_not_reopened_by_an_old_file(shop: Any) -> None:
    ask, _ = shop
    await send(ask, "deals", table("A3,,,,Engaging,2016-11-03,,5"))
    deal = (await deals_of(ask))["A3"]["id"]
    _, _, headers = await ask("POST", f"/api/v1/deals/{deal}/win")
    again = await send(ask, "deals", table("A3,,,,Engaging,2016-11-03,,5"))
    assert counts(again) == (0, 0, 1, 0)
    assert again["notes"]["open in the file, won here: left as it is here"] == 1
    token = headers["Everlog-Token"]
    _, shown, _ = await ask("GET", f"/api/v1/deals/{deal}", Everlog_Token=token)
    assert shown["status"] == "won"


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_rows_that_cannot_be_taken_fail_with_the_reason(shop: Any) -> None:
    ask, _ = shop
    bad = table(
        "B1,,,,Engaging,2999-01-01,,",
        "B2,,,,Won,2017-01-02,2017-01-01,5",
        "B3,,,,Won,2017-01-02,,5",
        "B4,,,,Engaging,02/01/2017,,5",
        "B5,,,,,2017-01-02,,5",
        "B6,,,,Engaging,2017-01-02,,many",
        "B7,,,,Engaging,2017-01-02,,5",
        "B7,,,,Engaging,2017-01-02,,6",
    )
    done = await send(ask, "deals", bad, options='{"pipeline": "Sales"}')
    assert counts(done) == (1, 1, 0, 6)
    report = await ask.get_text(f"/api/v1/imports/{done['id']}/errors.csv")
    errors = {
        line["opportunity_id"]: line["error"]
        for line in csv.DictReader(io.StringIO(report.lstrip("\ufeff")))
    }
    assert "future" in errors["B1"]
    assert "opened on 2017-01-02" in errors["B2"]
    assert "needs the day" in errors["B3"]
    assert "dmy" in errors["B4"]
    assert "needs a stage" in errors["B5"]
    assert "no amount" in errors["B6"]
    assert (await deals_of(ask))["B7"]["value"]["amount_minor"] == 600
    strange = table("C1,,,,Somewhere,2017-01-02,,5")
    failed = await send(ask, "deals", strange, options='{"pipeline": "Sales"}')
    assert counts(failed) == (0, 0, 0, 1)
    wrong = await send(ask, "deals", strange, options='{"stages": 5}')
    assert (wrong["status"], "stages" in wrong["error"]) == ("failed", True)


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_a_pipeline_is_designed_for_stages_that_none_has(office: Any) -> None:
    ask, _ = office
    rows = ["D1,,,,Engaging,2017-01-02,,5", "D2,,,,Prospecting,2017-01-02,,5"]
    await send(ask, "deals", table(*rows), dry_run="true")
    assert (await ask("GET", "/api/v1/pipelines"))[1]["items"] == []
    await send(ask, "deals", table(*rows))
    await send(ask, "deals", table("E1,,,,Trial,2017-01-02,,5"))
    await send(ask, "deals", table("F1,,,,Tasting,2017-01-02,,5"))
    items = (await ask("GET", "/api/v1/pipelines"))[1]["items"]
    shown = {p["name"]: [(s["key"], s["probability"]) for s in p["stages"]] for p in items}
    assert shown == {
        "Sales": [("prospecting", 10), ("engaging", 40)],
        "Imported deals": [("trial", 50)],
        "Imported deals 2": [("tasting", 50)],
    }


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_a_sales_representative_imports_own_deals_only(shop: Any) -> None:
    ask, others = shop
    (moses, other), _ = await others.users("Moses Frase", "Somebody Else")
    await send(ask, "deals", table("A2,Somebody Else,,,Engaging,2017-01-01,,5"))
    rep = ask.other(
        user_id=moses,
        sees="own",
        owners=[moses],
        permissions={"deals.read", "deals.write", "imports.run"},
    )
    done = await send(
        rep,
        "deals",
        table(
            "A1,Moses Frase,,,Engaging,2017-01-01,,5",
            "A2,Moses Frase,,,Engaging,2017-01-01,,5",
            "A3,Somebody Else,,,Engaging,2017-01-01,,5",
            "A4,,,,Engaging,2017-01-01,,5",
        ),
    )
    assert counts(done) == (2, 0, 0, 2)
    owners = {id_: deal["owner_id"] for id_, deal in (await deals_of(ask)).items()}
    assert owners == {"A1": str(moses), "A2": str(other), "A4": str(moses)}
    await rep.close()


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hubspot-crm-exports-all-deals.csv", {"open": 2, "won": 1}),
        ("zoho_Deals_001.csv", {"open": 1, "won": 1}),
    ],
)
async def test_exports_of_other_systems_are_understood(
    office: Any, name: str, expected: dict[str, int]
) -> None:
    if not (EXPORTS / name).exists():
        pytest.skip("the sample exports are not here")
    ask, _ = office
    done = await send(ask, "deals", (EXPORTS / name).read_bytes())
    assert done["failed"] == 0, await ask.get_text(f"/api/v1/imports/{done['id']}/errors.csv")
    assert done["preset"] == name.partition("_")[0].partition("-")[0].lower() + "-deals"
    assert Counter(d["status"] for d in (await deals_of(ask)).values()) == expected
