"""Who may see and change which deals, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.ids import new_id
from pipeline.testing.desk import Deals

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_a_sales_representative_sees_only_own_and_ownerless_deals(shop: Any) -> None:
    ask, _ = shop
    boss = Deals(ask)
    rep = new_id()
    own = await boss.open("Own", owner_id=str(rep))
    nobodys = await boss.open("Nobody's", owner_id=None)
    foreign = await boss.open("Foreign")
    client = ask.other(
        user_id=rep,
        role="sales_representative",
        sees="own",
        owners=[rep],
        permissions={"deals.read", "deals.write"},
    )
    sees = Deals(client)
    sees.tokens = dict(boss.tokens)
    try:
        for path in ("/deals", "/deals?as_of=2999-01-01"):
            items = (await sees.read(path))["items"]
            assert {item["id"] for item in items} == {own, nobodys}
        for path in ("/board", "/board?as_of=2999-01-01"):
            board = await sees.read(path)
            assert board["totals"]["count"] == 2
            assert {d["id"] for d in board["stages"][0]["deals"]} == {own, nobodys}
        assert (await sees.read("/board/summary"))["totals"]["count"] == 0
        for path in ("", "/history", "?as_of=2999-01-01"):
            assert (await sees.refused(f"/deals/{foreign}{path}"))[0] == 404
            assert (await sees.refused(f"/deals/{own}{path}"))[0] == 200
        for verb, body in (
            ("moves", {"stage": "engaging"}),
            ("win", {}),
            ("lose", {}),
            ("reopen", {}),
            ("assign", {"owner_id": str(rep)}),
        ):
            assert (await client("POST", f"/api/v1/deals/{foreign}/{verb}", body))[0] == 404
        patch = await client("PATCH", f"/api/v1/deals/{foreign}", {"title": "X"}, If_Match='"1"')
        assert patch[0] == 404
        body = {"title": "X", "owner_id": str(new_id())}
        assert (await client("POST", "/api/v1/deals", body))[0] == 403
        await sees.write("POST", f"/deals/{nobodys}/assign", {"owner_id": str(rep)})
        await sees.write("POST", f"/deals/{own}/assign", {"owner_id": str(new_id())})
        assert (await sees.refused(f"/deals/{own}"))[0] == 404
        assert (await sees.refused(f"/deals/{own}?as_of=2999-01-01"))[0] == 404
        assert (await client("POST", "/api/v1/pipelines", {"template": "renewals"}))[0] == 403
    finally:
        await client.close()


async def test_a_marketing_manager_sees_sums_over_groups_and_nothing_else(shop: Any) -> None:
    ask, _ = shop
    deals = Deals(ask)
    for _ in range(5):
        await deals.open()
    for _ in range(4):
        await deals.open(stage="engaging")
    single = await deals.open(value={"amount_minor": 77, "currency": "USD"})
    client = ask.other(
        role="marketing_manager",
        sees="aggregate",
        permissions={"campaigns.read", "analytics.read"},
    )
    try:
        for path in ("/deals", "/board", f"/deals/{single}", f"/deals/{single}/history"):
            assert (await client("GET", f"/api/v1{path}"))[0] == 403
        reading = ask.other(role="marketing_manager", sees="aggregate")
        for path in ("/deals", "/board", f"/deals/{single}", f"/deals/{single}/history"):
            status, problem, _ = await reading("GET", f"/api/v1{path}")
            assert (status, problem["code"]) == (403, "aggregates-only")
        await reading.close()
        sees = Deals(client)
        sees.tokens = deals.tokens
        for path in ("/board/summary", "/board/summary?as_of=2999-01-01"):
            summary = await sees.read(path)
            assert [(s["count"], s["suppressed"]) for s in summary["stages"]] == [
                (5, True),
                (0, True),
                (0, False),
                (0, False),
            ]
            assert summary["totals"] == {
                "count": 5,
                "sum": [{"amount_minor": 500_000, "currency": "EUR"}],
                "weighted": [{"amount_minor": 50_000, "currency": "EUR"}],
            }
    finally:
        await client.close()
    nobody = ask.other(role="guest", permissions=set())
    assert (await nobody("GET", "/api/v1/board/summary"))[0] == 403
    await nobody.close()


async def test_another_workspace_sees_nothing(shop: Any) -> None:
    ask, _ = shop
    deals = Deals(ask)
    deal = await deals.open()
    await deals.read(f"/deals/{deal}")
    stranger = ask.other(workspace=new_id())
    for path in (f"/deals/{deal}", f"/deals/{deal}/history", f"/deals/{deal}?as_of=2999-01-01"):
        assert (await stranger("GET", f"/api/v1{path}"))[0] == 404
    assert (await stranger("POST", f"/api/v1/deals/{deal}/win"))[0] == 404
    for path in ("/deals", "/deals?as_of=2999-01-01", "/pipelines", "/products"):
        assert (await stranger("GET", f"/api/v1{path}"))[1]["items"] == []
    await stranger.close()
