"""Two time axes over HTTP: when things happened, and when they became known."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from pipeline.testing.desk import Deals

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def recorded(deals: Deals, deal: str) -> dict[str, str]:
    """When each kind of event was recorded, ready for a query."""
    history = await deals.read(f"/deals/{deal}/history")
    return {one["type"]: quote(one["recorded_at"]) for one in history["items"]}


async def test_a_record_of_the_past_is_what_had_happened_by_then(shop: Any) -> None:
    deals = Deals(shop[0])
    deal = await deals.open(opened_at="2026-01-05")
    await deals.write("POST", f"/deals/{deal}/moves", {"stage": "proposal", "at": "2026-01-10"})
    value = {"amount_minor": 120_000, "currency": "EUR"}
    await deals.write("POST", f"/deals/{deal}/win", {"closed_on": "2026-01-20", "value": value})
    shown = {}
    for day in ("05", "09", "10", "19", "20"):
        record = await deals.read(f"/deals/{deal}?as_of=2026-01-{day}")
        shown[day] = (record["status"], record["stage"], record["days_in_stage"])
    assert shown == {
        "05": ("open", "prospecting", 0),
        "09": ("open", "prospecting", 4),
        "10": ("open", "proposal", 0),
        "19": ("open", "proposal", 9),
        "20": ("won", "proposal", None),
    }
    status, problem, _ = await deals.refused(f"/deals/{deal}?as_of=2026-01-04")
    assert (status, "did not exist" in problem["detail"]) == (404, True)
    when = await recorded(deals, deal)
    before = f"as_of=2026-12-31&known_at={when['pipeline.deal-moved.v1']}"
    assert (await deals.read(f"/deals/{deal}?{before}"))["status"] == "open"
    assert (await deals.read(f"/board?{before}"))["totals"]["count"] == 1
    assert (await deals.read("/board?as_of=2026-12-31"))["totals"]["count"] == 0
    after = f"known_at={when['pipeline.deal-won.v1']}"
    assert (await deals.read(f"/deals/{deal}?{after}"))["status"] == "won"


async def test_the_past_as_it_is_now_is_the_present(shop: Any) -> None:
    deals = Deals(shop[0])
    deal = await deals.open(opened_at="2026-01-05", expected_close="2026-12-24")
    await deals.write("POST", f"/deals/{deal}/lose", {"closed_on": "2026-01-20", "reason": "price"})
    present = await deals.read(f"/deals/{deal}")
    past = await deals.read(f"/deals/{deal}?as_of=2999-01-01")
    assert {name: past[name] for name in present} == present


async def test_a_closing_entered_late_restates_the_past_but_not_what_was_known(shop: Any) -> None:
    deals = Deals(shop[0])
    deal = await deals.open(opened_at="2026-01-05")
    await deals.write("POST", f"/deals/{deal}/moves", {"stage": "proposal", "at": "2026-02-01"})
    when = await recorded(deals, deal)
    await deals.write("POST", f"/deals/{deal}/win", {"closed_on": "2026-01-20"})
    known = await deals.read("/board?as_of=2026-02-15")
    assert known["totals"]["count"] == 0
    then = when["pipeline.deal-moved.v1"]
    known = await deals.read(f"/board?as_of=2026-02-15&known_at={then}")
    assert [stage["count"] for stage in known["stages"]] == [0, 0, 1, 0]
    assert (await deals.read(f"/deals/{deal}"))["stage"] == "prospecting"
    await deals.write("POST", f"/deals/{deal}/reopen")
    assert (await deals.read(f"/deals/{deal}"))["stage"] == "proposal"


async def test_a_closing_undone_as_of_its_own_time_never_counted(shop: Any) -> None:
    deals = Deals(shop[0])
    deal = await deals.open(opened_at="2026-01-05")
    await deals.write("POST", f"/deals/{deal}/win", {"closed_on": "2026-01-20"})
    body = {"at": "2026-01-20T12:00:00Z"}
    await deals.write("POST", f"/deals/{deal}/reopen", body)
    for day in ("2026-01-19", "2026-01-20", "2026-01-21"):
        assert (await deals.read(f"/deals/{deal}?as_of={day}"))["status"] == "open"


async def test_days_are_those_of_the_workspace(office: Any) -> None:
    ask, others = office
    await others.workspace_opened("AUD", "Pacific/Kiritimati")
    deals = Deals(ask)
    async with asyncio.timeout(20):
        while not (await ask("GET", "/api/v1/pipelines"))[1]["items"]:
            await asyncio.sleep(0.02)
    assert (await deals.read("/board"))["totals"]["count"] == 0
    deal = await deals.open(value=None)
    there = (datetime.now(UTC) + timedelta(hours=14)).date()  # noqa: TID251 - as the service does
    late = {"closed_on": str(there + timedelta(days=1))}
    assert (await ask("POST", f"/api/v1/deals/{deal}/win", late))[0] == 422
    await deals.write("POST", f"/deals/{deal}/win")
    record = await deals.read(f"/deals/{deal}")
    assert (record["closed_on"], record["value"]["currency"]) == (str(there), "AUD")
