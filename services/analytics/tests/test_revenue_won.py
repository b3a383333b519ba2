"""Revenue won: the final values of the deals won."""

from __future__ import annotations

import pytest

from analytics.kpis.revenue_won import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_it_is_the_sum_of_the_final_values(bench: Bench, story: Story) -> None:
    acme = story.company("Acme", "toys")
    story.deal(100_00, "2017-01-02", company=acme).win("2017-02-01", value=90_50)
    story.deal(200_00, "2017-01-02", company=acme).win("2017-02-15")
    story.deal(400_00, "2017-01-02").lose("2017-02-15")
    await bench.load(story)
    body = await bench.ask(KPI.name, story, group_by="sector")
    assert (body["value"], body["currency"]) == (290.5, "EUR")
    assert [(item["label"], item["value"]) for item in body["series"]] == [("toys", 290.5)]


async def test_currencies_are_told_apart_and_one_can_be_picked(bench: Bench, story: Story) -> None:
    story.deal(100_00, "2017-01-02", currency="EUR").win("2017-02-01")
    story.deal(70_00, "2017-01-02", currency="USD").win("2017-02-01")
    story.deal(5_000, "2017-01-02", currency="JPY").win("2017-03-01")
    await bench.load(story)
    body = await bench.ask(KPI.name, story, group_by="month")
    assert (body["value"], body["currency"], body["events_url"]) == (None, None, None)
    told = {each["currency"]: each["value"] for each in body["values"]}
    assert told == {"EUR": 100.0, "JPY": 5000.0, "USD": 70.0}
    assert "currenc" in body["notes"][0]
    points = [(p["currency"], p["key"], p["value"]) for p in body["series"]]
    assert points[:2] == [("EUR", "2017-02", 100.0), ("EUR", "2017-03", 0.0)]
    assert ("JPY", "2017-03", 5000.0) in points
    euros = await bench.ask(KPI.name, story, currency="EUR")
    assert (euros["value"], euros["currency"]) == (100.0, "EUR")


async def test_it_counts_for_who_owned_the_deal_at_closing(bench: Bench, story: Story) -> None:
    ada, bob = story.user("Ada"), story.user("Bob")
    deal = story.deal(100_00, "2017-01-02", owner=ada).assign(bob, "2017-01-15")
    deal.win("2017-02-01").assign(ada, "2017-02-05")
    await bench.load(story)
    assert await bench.series(KPI.name, story, "owner") == {"Bob": 100.0}


async def test_nothing_won_is_nothing(bench: Bench, story: Story) -> None:
    body = await bench.ask(KPI.name, story, group_by="month")
    assert (body["value"], body["currency"], body["series"]) == (0.0, None, [])
