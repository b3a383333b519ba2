"""Purchases over HTTP: recorded, listed, summed up, cancelled; and who may know of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chassis.http.principal import AGGREGATE, OWN
from chassis.ids import new_id

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

Desk = Any
TEA = {"sku": "T1", "title": "Tea", "quantity": 2, "unit_price_minor": 250}
NOTHING: dict[str, Any] = {
    "count": 0,
    "returns": 0,
    "first_at": None,
    "last_at": None,
    "totals": [],
}


def order(number: str | None = None, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"currency": "EUR", "lines": [TEA], **changes}
    return {**body, "number": number} if number else body


async def buy(desk: Desk, contact: str | None, amount: int, at: str, **more: Any) -> str:
    quantity = 1 if amount >= 0 else -1
    line = {"title": "Thing", "quantity": quantity, "unit_price_minor": abs(amount)}
    body = order(contact_id=contact, lines=[line], bought_at=at, **more)
    return str((await desk.write("POST", "/purchases", body))["id"])


async def summary(desk: Desk, contact: str, query: str = "") -> Any:
    return (await desk.read(f"/contacts/{contact}{query}"))["purchases"]


async def test_a_purchase_is_recorded_once_and_seen_with_its_lines(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", last_name="King")
    screws = {"title": "Screws", "quantity": 1000, "unit_price_minor": 0.1}
    body = order(
        "17",
        contact_id=ada,
        source="till",
        channel="shop",
        bought_at="2026-02-01T10:00:00Z",
        lines=[TEA, screws],
    )
    status, made, headers = await desk.ask(
        "POST", "/api/v1/purchases", body, Idempotency_Key="a key"
    )
    assert (status, made["version"], headers["ETag"]) == (201, 1, '"1"')
    assert headers["Location"] == f"/api/v1/purchases/{made['id']}"
    desk.saw(headers["Everlog-Token"])
    again = await desk.write("POST", "/purchases", body, Idempotency_Key="a key")
    assert again == made
    seen = await desk.read(f"/purchases/{made['id']}")
    assert seen == {
        "id": made["id"],
        "version": 1,
        "contact_id": ada,
        "contact": {"id": ada, "name": "Ada King"},
        "number": "17",
        "source": "till",
        "channel": "shop",
        "bought_at": "2026-02-01T10:00:00Z",
        "recorded_at": seen["recorded_at"],
        "total": {"amount_minor": 600, "currency": "EUR"},
        "lines": [
            {**TEA, "amount_minor": 500, "exact_price_minor": None},
            {
                "sku": None,
                "title": "Screws",
                "quantity": 1000,
                "unit_price_minor": 0,
                "amount_minor": 100,
                "exact_price_minor": "0.1",
            },
        ],
        "cancelled_at": None,
        "reason": None,
    }
    assert (await desk.read(f"/contacts/{ada}/purchases"))["items"] == [seen]


async def test_a_number_is_used_once_within_its_source_even_by_a_cancelled_one(desk: Desk) -> None:
    first = await desk.write("POST", "/purchases", order("17", source="till"))
    for _ in range(2):
        status, problem = await desk.refused("POST", "/purchases", order("17", source="till"))
        assert (status, problem["code"]) == (409, "already-taken")
        assert problem["holder"] == f"purchase-{first['id']}"
        await desk.write("POST", f"/purchases/{first['id']}/cancel")
    await desk.write("POST", "/purchases", order("17", source="web"))
    await desk.write("POST", "/purchases", order("17"))
    await desk.write("POST", "/purchases", order())
    await desk.write("POST", "/purchases", order())


async def test_what_is_wrong_is_said_at_its_field(desk: Desk) -> None:
    for body, pointer in (
        (order(lines=[]), "#/lines"),
        (order(currency="euro"), "#/currency"),
        (order(bought_at="2199-01-01T00:00:00Z"), "#/bought_at"),
        (order(lines=[TEA, {**TEA, "quantity": 1.5}]), "#/lines/1/quantity"),
        (order(lines=[TEA, {**TEA, "quantity": 10**10}]), "#/lines/1/quantity"),
        (order(lines=[{**TEA, "unit_price_minor": "much"}]), "#/lines/0/unit_price_minor"),
        (order(lines=[{**TEA, "unit_price_minor": 10**15}]), "#/lines/0/unit_price_minor"),
        (order(lines=[{"unit_price_minor": 1}]), "#/lines/0/title"),
        (order(total=5), "#/total"),
    ):
        status, problem = await desk.refused("POST", "/purchases", body)
        assert status == 422, body
        assert pointer in [error["pointer"] for error in problem["errors"]], problem
    status, problem = await desk.refused("POST", "/purchases", order(contact_id=str(new_id())))
    assert (status, problem["detail"]) == (404, "There is no such person in this workspace.")
    assert (await desk.refused("GET", f"/purchases/{new_id()}"))[0] == 404
    assert (await desk.refused("POST", f"/purchases/{new_id()}/cancel"))[0] == 404
    assert (await desk.refused("GET", f"/contacts/{new_id()}/purchases"))[0] == 404


async def test_a_persons_purchases_are_paged_the_latest_first(desk: Desk) -> None:
    ada, bob = await desk.person(first_name="Ada"), await desk.person(first_name="Bob")
    await buy(desk, bob, 1, "2026-01-09T00:00:00Z")
    for day in (3, 1, 4, 2, 5):
        await buy(desk, ada, day, f"2026-01-0{day}T00:00:00Z")
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await desk.read(f"/contacts/{ada}/purchases?limit=2&cursor={cursor}")
        seen += [item["total"]["amount_minor"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [5, 4, 3, 2, 1]
    status, _ = await desk.refused("GET", f"/contacts/{ada}/purchases?cursor=nonsense")
    assert status == 422


async def test_a_record_sums_up_what_somebody_bought_now_and_at_any_moment(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", at="2026-01-01T00:00:00Z")
    assert await summary(desk, ada) == NOTHING
    await buy(desk, ada, 1000, "2026-02-01T00:00:00Z")
    wrong = await buy(desk, ada, 90_000, "2026-02-05T00:00:00Z")
    await buy(desk, ada, 501, "2026-02-03T00:00:00Z")
    await buy(desk, ada, -200, "2026-02-20T00:00:00Z")
    await buy(desk, ada, 700, "2026-02-10T00:00:00Z", currency="USD")
    known = (await desk.read(f"/purchases/{wrong}"))["recorded_at"]
    await desk.write("POST", f"/purchases/{wrong}/cancel", {"reason": "typed wrong"})

    def money(amount: int, currency: str = "EUR") -> dict[str, Any]:
        return {"amount_minor": amount, "currency": currency}

    now = {
        "count": 3,
        "returns": 1,
        "first_at": "2026-02-01T00:00:00Z",
        "last_at": "2026-02-10T00:00:00Z",
        "totals": [
            {
                "currency": "EUR",
                "count": 2,
                "returns": 1,
                "total": money(1301),
                "returned": money(-200),
                "average": money(751),
            },
            {
                "currency": "USD",
                "count": 1,
                "returns": 0,
                "total": money(700, "USD"),
                "returned": money(0, "USD"),
                "average": money(700, "USD"),
            },
        ],
    }
    assert await summary(desk, ada) == now
    assert await summary(desk, ada, "?as_of=2199-01-01") == now
    assert await summary(desk, ada, "?as_of=2026-01-31") == NOTHING
    then = await summary(desk, ada, "?as_of=2026-02-06")
    assert (then["count"], then["last_at"]) == (3, "2026-02-05T00:00:00Z")
    [figures] = then["totals"]
    assert (figures["total"], figures["average"]) == (money(91_501), money(30_500))
    before = await summary(desk, ada, f"?known_at={known}")
    assert (before["count"], before["totals"][0]["total"]) == (2, money(91_000))


async def test_only_what_came_back_has_no_average_and_no_last_purchase(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada")
    await buy(desk, ada, -200, "2026-02-20T00:00:00Z")
    for query in ("", "?as_of=2199-01-01"):
        seen = await summary(desk, ada, query)
        assert (seen["count"], seen["returns"], seen["last_at"]) == (0, 1, None)
        assert seen["totals"][0]["average"] is None


async def test_purchases_line_up_in_the_timeline_and_leave_the_last_activity_alone(
    desk: Desk,
) -> None:
    me = desk.ask.principal.user_id
    desk.saw(await desk.others.users(Grace_Hopper=me))
    ada = await desk.person(first_name="Ada", at="2026-01-01T00:00:00Z")
    call = {"kind": "call", "text": "about tea", "at": "2026-02-01T10:00:00Z"}
    await desk.write("POST", f"/contacts/{ada}/interactions", call)
    body = order("17", contact_id=ada, bought_at="2026-01-15T00:00:00Z", lines=[TEA, TEA, TEA])
    made = await desk.write("POST", "/purchases", body)
    await buy(desk, ada, -999, "2026-02-03T00:00:00Z")
    await desk.write("POST", f"/purchases/{made['id']}/cancel")
    rows = (await desk.read(f"/contacts/{ada}/timeline"))["items"]
    assert [(row["kind"], row["sentence"]) for row in rows] == [
        ("purchase", "cancelled the purchase 17 of 15.00 EUR"),
        ("purchase", "returned Thing for 9.99 EUR"),
        ("call", "called this person"),
        ("purchase", "bought 2 × Tea and 2 more for 15.00 EUR"),
        ("added", "added this person"),
    ]
    assert rows[0]["actor"]["name"] == "Grace Hopper"
    assert (rows[3]["purchase"]["id"], rows[3]["purchase"]["total_minor"]) == (made["id"], 1500)
    only = (await desk.read(f"/contacts/{ada}/timeline?kind=purchase"))["items"]
    assert len(only) == 3
    assert (await desk.read(f"/contacts/{ada}"))["last_activity_at"] == call["at"]


async def test_a_purchase_is_cancelled_once_and_says_why(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada")
    path = f"/purchases/{await buy(desk, ada, 100, '2026-02-01T00:00:00Z')}"
    assert (await desk.write("POST", f"{path}/cancel", {"reason": "twice"}))["version"] == 2
    assert (await desk.write("POST", f"{path}/cancel"))["version"] == 2
    seen = await desk.read(path)
    assert (seen["reason"], seen["cancelled_at"] is None) == ("twice", False)
    [item] = (await desk.read(f"/contacts/{ada}/purchases"))["items"]
    assert item == seen
    status, problem = await desk.refused("POST", f"{path}/cancel", If_Match='"1"')
    assert (status, problem["actual"]) == (412, 2)


async def test_an_erased_persons_purchases_stay_and_name_nobody(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada", external_id="7")
    one = await buy(desk, ada, 100, "2026-02-01T00:00:00Z")
    two = await buy(desk, ada, 200, "2026-02-02T00:00:00Z")
    await desk.write("POST", f"/contacts/{ada}/erase")
    status, problem = await desk.refused("GET", f"/contacts/{ada}/purchases")
    assert (status, problem["code"]) == (404, "erased")
    status, problem = await desk.refused("POST", "/purchases", order(contact_id=ada))
    assert (status, problem["code"]) == (404, "erased")
    for id_, amount in ((one, 100), (two, 200)):
        seen = await desk.read(f"/purchases/{id_}")
        assert (seen["contact_id"], seen["contact"]) == (ada, None)
        assert seen["total"]["amount_minor"] == amount
    await desk.write("POST", f"/purchases/{one}/cancel")
    rep = desk.other(user_id=new_id(), sees=OWN, owners=[], role="sales_representative")
    assert (await rep.refused("GET", f"/purchases/{two}"))[0] == 404
    assert (await rep.refused("POST", f"/purchases/{two}/cancel"))[0] == 404
    await rep.ask.close()


async def test_sales_representatives_see_the_purchases_of_their_customers_and_of_nobody(
    desk: Desk,
) -> None:
    me, stranger = new_id(), new_id()
    mine = await desk.person(first_name="Mine", owner_id=str(me))
    theirs = await desk.person(first_name="Theirs", owner_id=str(stranger))
    at = "2026-02-01T00:00:00Z"
    my, their, free = [await buy(desk, who, 100, at) for who in (mine, theirs, None)]
    rep = desk.other(user_id=me, sees=OWN, owners=[me], role="sales_representative")
    for id_ in (my, free):
        assert (await rep.read(f"/purchases/{id_}"))["id"] == id_
    assert len((await rep.read(f"/contacts/{mine}/purchases"))["items"]) == 1
    for method, path, body in (
        ("GET", f"/purchases/{their}", None),
        ("POST", f"/purchases/{their}/cancel", None),
        ("GET", f"/contacts/{theirs}/purchases", None),
        ("POST", "/purchases", order(contact_id=theirs)),
    ):
        status, problem = await rep.refused(method, path, body)
        assert (status, "There is no such" in problem["detail"]) == (404, True), path
    await rep.write("POST", "/purchases", order(contact_id=mine))
    await rep.write("POST", f"/purchases/{my}/cancel")
    await rep.write("POST", f"/purchases/{free}/cancel")
    await rep.ask.close()


async def test_roles_for_groups_and_other_workspaces_get_no_purchases(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada")
    made = await buy(desk, ada, 100, "2026-02-01T00:00:00Z")
    free = await buy(desk, None, 100, "2026-02-01T00:00:00Z")
    requests: tuple[tuple[str, str, Any], ...] = (
        ("GET", f"/purchases/{free}", None),
        ("GET", f"/contacts/{ada}/purchases", None),
        ("POST", "/purchases", order()),
        ("POST", f"/purchases/{free}/cancel", None),
    )
    group = desk.other(sees=AGGREGATE, role="marketing_manager")
    reader = desk.other(permissions={"contacts.read"}, role="auditor")
    nobody = desk.other(permissions=(), role="guest")
    for method, path, body in requests:
        assert (await group.refused(method, path, body))[0] == 403, path
        assert (await nobody.refused(method, path, body))[0] == 403, path
        if method == "POST":
            assert (await reader.refused(method, path, body))[0] == 403, path
    other = desk.ask.other(workspace=new_id())
    for path in (f"/purchases/{made}", f"/purchases/{free}", f"/contacts/{ada}/purchases"):
        assert (await other("GET", f"/api/v1{path}"))[0] == 404, path
    assert (await other("POST", f"/api/v1/purchases/{made}/cancel"))[0] == 404
    assert (await other("POST", "/api/v1/purchases", order(contact_id=ada)))[0] == 404
    assert (await other("POST", "/api/v1/purchases", order("17")))[0] == 201
    await desk.write("POST", "/purchases", order("17"))
    await asyncio.gather(*(each.close() for each in (group.ask, reader.ask, nobody.ask, other)))


async def test_a_record_is_sent_again_when_only_its_purchases_are_new(desk: Desk) -> None:
    ada = await desk.person(first_name="Ada")
    await desk.read(f"/contacts/{ada}")
    await buy(desk, ada, 100, "2026-02-01T00:00:00Z")
    await desk.read(f"/contacts/{ada}")
    status, record, headers = await desk.ask("GET", f"/api/v1/contacts/{ada}", If_None_Match='"1"')
    assert (status, headers["ETag"], record["purchases"]["count"]) == (200, '"1"', 1)
