"""The pipeline service as a whole: HTTP in, the road, HTTP out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chassis.ids import new_id
from pipeline.testing.desk import Deals

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_a_new_workspace_gets_a_sales_pipeline(shop: Any) -> None:
    (pipeline,) = (await shop[0]("GET", "/api/v1/pipelines"))[1]["items"]
    assert pipeline["name"] == "Sales"
    assert [s["key"] for s in pipeline["stages"]] == [
        "prospecting",
        "engaging",
        "proposal",
        "negotiation",
    ]


async def test_a_deal_is_opened_moved_won_and_reopened(shop: Any) -> None:
    deals = Deals(shop[0])
    deal = await deals.open(stage="Engaging")
    await deals.write("POST", f"/deals/{deal}/moves", {"stage": "proposal"})
    record = await deals.read(f"/deals/{deal}")
    assert (record["status"], record["stage"], record["probability"]) == ("open", "proposal", 60)
    assert record["stage_name"] == "Proposal"
    value = {"amount_minor": 120_000, "currency": "EUR"}
    await deals.write("POST", f"/deals/{deal}/win", {"value": value})
    record = await deals.read(f"/deals/{deal}")
    assert (record["status"], record["value"], record["version"]) == ("won", value, 3)
    await deals.write("POST", f"/deals/{deal}/reopen")
    record = await deals.read(f"/deals/{deal}")
    assert (record["status"], record["stage"]) == ("open", "proposal")
    assert record["value"]["amount_minor"] == 100_000


async def test_names_stand_beside_ids(shop: Any) -> None:
    ask, others = shop
    deals = Deals(ask)
    (grace,), users = await others.users("Grace Hopper")
    (acme,), companies = await others.companies("Acme")
    person, people = await others.person("Ada", "Lovelace")
    product = await deals.write("POST", "/products", {"name": "Atlas", "series": "Maps"})
    for token in (users, companies, people):
        deals.tokens |= dict([token.rsplit("@", 1)])
    deal = await deals.open(
        owner_id=str(grace),
        company_id=str(acme),
        contact_id=str(person),
        product_id=product["id"],
    )
    record = await deals.read(f"/deals/{deal}")
    assert record["owner"] == {"id": str(grace), "name": "Grace Hopper"}
    assert record["company"] == {"id": str(acme), "name": "Acme"}
    assert record["contact"] == {"id": str(person), "name": "Ada Lovelace"}
    assert record["product"] == {"id": product["id"], "name": "Atlas"}
    (card,) = (await deals.read("/board"))["stages"][0]["deals"]
    (item,) = (await deals.read("/deals?q=acm"))["items"]
    for shown in (card, item):
        assert {name: record[name] for name in shown} == shown
    token = await others.erased(person)
    deals.tokens |= dict([token.rsplit("@", 1)])
    assert (await deals.read(f"/deals/{deal}"))["contact"]["name"] == "[erased]"


async def test_an_owner_can_be_named(shop: Any) -> None:
    ask, others = shop
    deals = Deals(ask)
    ids, token = await others.users("Grace Hopper", "Ada Lovelace", "Ada Lovelace")
    body = {"title": "Maps", "owner": "grace  HOPPER"}
    status, made, _ = await ask("POST", "/api/v1/deals", body, Everlog_Token=token)
    assert status == 201
    deals.tokens[f"deal-{made['id']}"] = "1"
    assert (await deals.read(f"/deals/{made['id']}"))["owner_id"] == str(ids[0])
    for name, saying in (("Ada Lovelace", "more than one user"), ("Nobody", "no user")):
        status, problem, _ = await ask("POST", "/api/v1/deals", {"title": "Maps", "owner": name})
        assert status == 422
        assert saying in problem["detail"]


async def test_a_deal_without_an_owner_named_is_its_makers(shop: Any) -> None:
    deals = Deals(shop[0])
    mine, nobodys = await deals.open(), await deals.open(owner_id=None)
    me = str(shop[0].principal.user_id)
    assert (await deals.read(f"/deals/{mine}"))["owner_id"] == me
    assert (await deals.read(f"/deals/{nobodys}"))["owner_id"] is None


async def test_the_value_comes_from_the_lines_or_the_list_price(shop: Any) -> None:
    ask, _ = shop
    deals = Deals(ask)
    price = {"amount_minor": 1_250, "currency": "EUR"}
    product = await deals.write("POST", "/products", {"name": "Atlas", "price": price})
    await deals.read("/products")
    listed = await deals.open(value=None, product_id=product["id"])
    lines = [{"name": "Atlas", "quantity": 3, "price": price}]
    lined = await deals.open(value=None, lines=lines)
    nothing = await deals.open(value=None)
    found = [(await deals.read(f"/deals/{deal}"))["value"] for deal in (listed, lined, nothing)]
    assert [value["amount_minor"] for value in found] == [1_250, 3_750, 0]
    assert (await deals.read(f"/deals/{lined}"))["lines"][0]["quantity"] == 3


async def test_changing_fields_needs_the_version_one_has_seen(shop: Any) -> None:
    ask, _ = shop
    deals = Deals(ask)
    deal = await deals.open()
    path = f"/api/v1/deals/{deal}"
    assert (await ask("PATCH", path, {"title": "Spring"}))[0] == 428
    body = {
        "title": "Spring list",
        "stage": "engaging",
        "value": {"amount_minor": 5, "currency": "EUR"},
        "owner_id": None,
        "expected_close": "2026-12-24",
    }
    await deals.write("PATCH", f"/deals/{deal}", body, If_Match='"1"')
    record = await deals.read(f"/deals/{deal}")
    assert {name: record[name] for name in body} == body
    assert record["version"] == 6
    status, problem, _ = await ask("PATCH", path, {"title": "Other"}, If_Match='"1"')
    assert (status, problem["actual"]) == (412, 6)
    for bad in ({"title": None}, {"stage": None}, {"value": None}, {"colour": "red"}):
        status, problem, _ = await ask("PATCH", path, bad, If_Match='"6"')
        assert status == 422, problem


async def test_bad_requests_say_what_to_do(shop: Any) -> None:
    ask, _ = shop
    deal = await Deals(ask).open()
    refusals = [
        ("/deals", {}, 422, "#/title"),
        ("/deals", {"title": "X", "pipeline": "Other"}, 422, "there are: Sales"),
        ("/deals", {"title": "X", "pipeline": str(new_id())}, 422, "GET /pipelines"),
        ("/deals", {"title": "X", "stage": "talks"}, 422, "prospecting, engaging"),
        ("/deals", {"title": "X", "opened_at": "2999-01-01"}, 422, "future"),
        (f"/deals/{deal}/moves", {"stage": "won"}, 422, "/win"),
        (f"/deals/{deal}/moves", {"stage": "engaging", "at": "2000-01-01"}, 409, "before"),
        (f"/deals/{deal}/win", {"closed_on": "2999-01-01"}, 422, "future"),
        (f"/deals/{deal}/lose", {"closed_on": "2000-01-01"}, 409, "opened on"),
        (f"/deals/{deal}/assign", {}, 422, "owner_id"),
        (f"/deals/{new_id()}/win", {}, 404, "no such deal"),
        ("/pipelines", {"name": "X"}, 422, "template"),
        ("/pipelines", {"template": "x"}, 422, "abandoned-cart"),
        ("/pipelines", {"template": "sales"}, 409, "pipeline name"),
    ]
    for path, body, expected, saying in refusals:
        status, problem, _ = await ask("POST", f"/api/v1{path}", body)
        assert (status, saying in problem["detail"]) == (expected, True), (path, problem)
    for path, saying in (
        ("/deals?sort=colour", "expected_close"),
        ("/deals?colour=red", "colour"),
        ("/deals?cursor=x", "cursor"),
        ("/deals?as_of=yesterday", "2026-03-30"),
        ("/board?pipeline=Other", "Sales"),
    ):
        status, problem, _ = await ask("GET", f"/api/v1{path}")
        assert (status, saying in problem["detail"]) == (422, True), (path, problem)


async def test_a_workspace_without_a_pipeline_is_told_to_design_one(office: Any) -> None:
    ask, _ = office
    status, problem, _ = await ask("POST", "/api/v1/deals", {"title": "X"})
    assert (status, "POST /pipelines" in problem["detail"]) == (409, True)
    status, problem, _ = await ask("GET", "/api/v1/board")
    assert (status, "POST /pipelines" in problem["detail"]) == (404, True)


async def test_an_external_id_belongs_to_one_deal(shop: Any) -> None:
    ask, _ = shop
    deal = await Deals(ask).open(external_id="A1", external_source="hubspot")
    body = {"title": "X", "external_id": "A1", "external_source": "hubspot"}
    status, problem, _ = await ask("POST", "/api/v1/deals", body)
    assert (status, problem["code"], problem["holder"]) == (409, "already-taken", f"deal-{deal}")


async def test_the_same_key_opens_one_deal(shop: Any) -> None:
    ask, _ = shop
    body = {"title": "X"}
    first = await ask("POST", "/api/v1/deals", body, Idempotency_Key="k")
    second = await ask("POST", "/api/v1/deals", body, Idempotency_Key="k")
    assert first[1] == second[1]


# --- lists


async def test_lists_filter_sort_and_page(shop: Any) -> None:
    ask, others = shop
    deals = Deals(ask)
    (acme, _), token = await others.companies("Acme 100 %", "Other")
    for one in token.split(","):
        deals.tokens |= dict([one.rsplit("@", 1)])
    made = []
    for number in range(7):
        made.append(
            await deals.open(
                f"Deal {number}",
                value={"amount_minor": number % 3, "currency": "EUR"},
                opened_at=f"2026-01-0{number + 1}",
                company_id=str(acme) if number == 2 else None,
                expected_close="2026-12-01" if number == 3 else None,
            )
        )
    await deals.write("POST", f"/deals/{made[4]}/lose", {"reason": "price"})

    async def titles(query: str) -> list[str]:
        found, cursor = [], ""
        while True:
            page = await deals.read(f"/deals?limit=2{query}{cursor}")
            found += [item["title"].removeprefix("Deal ") for item in page["items"]]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    assert await titles("") == list("6543210")
    assert await titles("&sort=title") == list("0123456")
    assert await titles("&sort=-value") == sorted("0123456", key=lambda n: (-(int(n) % 3), -int(n)))
    assert await titles("&sort=expected_close") == list("3012456")
    assert await titles("&sort=closed") == list("4012356")
    assert await titles("&status=open&sort=opened") == list("012356")
    assert await titles("&status=lost") == ["4"]
    assert await titles("&q=aCMe 100 %25") == ["2"]
    assert await titles("&q=deal 5") == ["5"]
    assert await titles(f"&company={acme}") == ["2"]
    assert await titles(f"&owner={new_id()}") == []
    assert await titles("&pipeline=sales&stage=prospecting&status=open") == list("653210")


async def test_a_cursor_of_another_sort_is_refused(shop: Any) -> None:
    deals = Deals(shop[0])
    await deals.open()
    await deals.open()
    cursor = (await deals.read("/deals?limit=1&sort=title"))["next"]
    assert (await deals.refused(f"/deals?limit=1&sort=value&cursor={cursor}"))[0] == 422


# --- pipelines and products


async def test_a_redesigned_pipeline_shows_the_deals_of_a_retired_stage(shop: Any) -> None:
    ask, _ = shop
    deals = Deals(ask)
    made = await deals.write("POST", "/pipelines", {"template": "pre-orders"})
    path = f"/pipelines/{made['id']}"
    await deals.read(path)
    deal = await deals.open(pipeline="Pre-orders", stage="reserved")
    stages = [{"name": "Interested", "probability": 25}, {"name": "Paid", "probability": 95}]
    body = {"name": "Orders", "stages": stages}
    assert (await ask("PUT", f"/api/v1{path}", body))[0] == 428
    await deals.write("PUT", path, body, If_Match='"1"')
    board = await deals.read("/board?pipeline=orders")
    shown = {s["key"]: (s["count"], s["retired"]) for s in board["stages"]}
    assert shown == {"interested": (0, False), "paid": (0, False), "reserved": (1, True)}
    assert (await ask("POST", f"/api/v1/deals/{deal}/moves", {"stage": "deposit-paid"}))[0] == 409
    await deals.write("POST", f"/deals/{deal}/moves", {"stage": "paid"})
    board = await deals.read("/board?pipeline=orders")
    assert [(s["key"], s["count"]) for s in board["stages"]] == [("interested", 0), ("paid", 1)]
    templates = await deals.read("/pipelines/templates")
    assert {t["template"] for t in templates["items"]} >= {"sales", "renewals"}


async def test_products_are_listed_by_name_and_altered(shop: Any) -> None:
    ask, _ = shop
    deals = Deals(ask)
    price = {"amount_minor": 482_100, "currency": "USD"}
    made = await deals.write("POST", "/products", {"name": "GTX Pro", "price": price})
    await deals.write("POST", "/products", {"name": "Atlas"})
    listed = await deals.read("/products?limit=1")
    rest = await deals.read(f"/products?limit=1&cursor={listed['next']}")
    assert [p["name"] for p in listed["items"] + rest["items"]] == ["Atlas", "GTX Pro"]
    assert (await ask("POST", "/api/v1/products", {"name": "gtxpro"}))[0] == 409
    body = {"series": "GTX", "price": None}
    await deals.write("PATCH", f"/products/{made['id']}", body, If_Match='"1"')
    product = await deals.read(f"/products/{made['id']}")
    assert (product["name"], product["series"], product["price"]) == ("GTX Pro", "GTX", None)
    await deals.write("PATCH", f"/products/{made['id']}", {"name": "GTX Max"}, If_Match='"3"')
    await deals.write("POST", "/products", {"name": "GTXPro"})


# --- history


async def test_the_history_tells_what_changed_and_who_did_it(shop: Any) -> None:
    ask, others = shop
    deals = Deals(ask)
    (acme,), token = await others.companies("Acme")
    deals.tokens |= dict([token.rsplit("@", 1)])
    deal = await deals.open(opened_at="2026-01-05", owner_id=None)
    body = {"stage": "engaging", "at": "2026-01-07T09:00:00Z"}
    await deals.write("POST", f"/deals/{deal}/moves", body)
    await deals.write("PATCH", f"/deals/{deal}", {"company_id": str(acme)}, If_Match='"2"')
    history = await deals.read(f"/deals/{deal}/history")
    linked, moved, opened = history["items"]
    assert linked["changes"] == [
        {"field": "company", "from": None, "to": {"id": str(acme), "name": "Acme"}}
    ]
    assert moved["occurred_at"] == "2026-01-07T09:00:00Z"
    assert moved["recorded_at"] > moved["occurred_at"]
    assert {c["field"]: (c["from"], c["to"]) for c in moved["changes"]} == {
        "stage": ("prospecting", "engaging"),
        "probability": (10, 40),
    }
    assert opened["type"] == "pipeline.deal-opened.v1"
    assert {c["field"] for c in opened["changes"]} >= {"title", "value", "status", "stage"}
    assert opened["actor"] == str(ask.principal.user_id)
    first = await deals.read(f"/deals/{deal}/history?limit=2")
    rest = await deals.read(f"/deals/{deal}/history?cursor={first['next']}")
    assert [one["version"] for one in first["items"] + rest["items"]] == [3, 2, 1]


async def test_two_people_moving_a_card_at_once(shop: Any) -> None:
    ask, _ = shop
    deal = await Deals(ask).open()
    path = f"/api/v1/deals/{deal}/moves"
    one, other = await asyncio.gather(
        ask("POST", path, {"stage": "engaging"}, If_Match='"1"'),
        ask("POST", path, {"stage": "proposal"}, If_Match='"1"'),
    )
    assert sorted([one[0], other[0]]) == [200, 412]
