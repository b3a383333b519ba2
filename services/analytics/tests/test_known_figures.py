"""The figures that real sales data is known to contain, from its deals told as events."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration

DATA = Path(__file__).parents[4] / "shared" / "data" / "crm_sales_opportunities"
DOLLARS = 100
LATEST = "2017-12-27"
"""Deals without a day of engagement are told as opened then, after every one that has one."""


def rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open() as file:
        yield from csv.DictReader(file)


def tell(story: Story) -> dict[str, UUID]:
    """The whole data set as events; returns the ids of what has a name."""
    ids: dict[str, UUID] = {}
    for row in rows("sales_teams.csv"):
        manager = row["manager"]
        if manager not in ids:
            ids[manager] = story.team(manager, row["regional_office"])
        ids[row["sales_agent"]] = story.user(row["sales_agent"], ids[manager])
    for row in rows("accounts.csv"):
        sector = row["sector"].replace("technolgy", "technology")
        ids[row["account"]] = story.company(row["account"], sector)
    prices = {}
    for row in rows("products.csv"):
        ids[row["product"]] = story.product(row["product"], row["series"])
        prices[row["product"]] = int(row["sales_price"]) * DOLLARS
    for row in rows("sales_pipeline.csv"):
        product = row["product"].replace("GTXPro", "GTX Pro")
        deal = story.deal(
            prices[product],
            row["engage_date"] or LATEST,
            stage="engaging" if row["engage_date"] else "prospecting",
            probability=40 if row["engage_date"] else 10,
            owner=ids[row["sales_agent"]],
            company=ids.get(row["account"]),
            product=ids[product],
            currency="USD",
        )
        if row["deal_stage"] == "Won":
            deal.win(row["close_date"], int(row["close_value"]) * DOLLARS)
        elif row["deal_stage"] == "Lost":
            deal.lose(row["close_date"])
    return ids


@pytest.mark.skipif(not DATA.exists(), reason="the data set is not on this machine")
async def test_the_crm_sales_opportunities_say_what_they_are_known_to_say(
    bench: Bench, story: Story
) -> None:
    tell(story)
    await bench.load(story)
    assert await bench.value("deals_won", story) == 4_238
    assert await bench.value("deals_lost", story) == 2_473
    assert await bench.value("win_rate", story) == pytest.approx(0.6315, abs=0.00005)
    assert await bench.value("revenue_won", story) == 10_005_534
    assert await bench.value("average_deal", story) == pytest.approx(10_005_534 / 4_238, abs=0.01)
    assert await bench.value("sales_cycle_days", story) == pytest.approx(51.78, abs=0.005)
    assert await bench.value("open_deals", story) == 2_089
    assert await bench.value("new_deals", story) == 8_800
    await _by_groups(bench, story)
    await _as_of_the_middle_of_the_year(bench, story)


async def _by_groups(bench: Bench, story: Story) -> None:
    """Compared with sums taken straight from the file."""
    sector = {row["account"]: row["sector"] for row in rows("accounts.csv")}
    region = {row["sales_agent"]: row["regional_office"] for row in rows("sales_teams.csv")}
    by_sector: dict[str, float] = {}
    by_region: dict[str, float] = {}
    by_month: dict[str, float] = {}
    for row in rows("sales_pipeline.csv"):
        if row["deal_stage"] != "Won":
            continue
        value = float(row["close_value"])
        place = sector.get(row["account"], "No sector").replace("technolgy", "technology")
        by_sector[place] = by_sector.get(place, 0) + value
        office = region[row["sales_agent"]]
        by_region[office] = by_region.get(office, 0) + value
        by_month[row["close_date"][:7]] = by_month.get(row["close_date"][:7], 0) + value
    assert await bench.series("revenue_won", story, "sector") == by_sector
    assert await bench.series("revenue_won", story, "region") == by_region
    assert await bench.series("revenue_won", story, "month") == by_month


async def _as_of_the_middle_of_the_year(bench: Bench, story: Story) -> None:
    day, opened, open_value = date(2017, 6, 30), 0, 0
    prices = {row["product"]: int(row["sales_price"]) for row in rows("products.csv")}
    for row in rows("sales_pipeline.csv"):
        engaged, closed = row["engage_date"], row["close_date"]
        if engaged and engaged <= day.isoformat() and (not closed or closed > day.isoformat()):
            opened += 1
            open_value += prices[row["product"].replace("GTXPro", "GTX Pro")]
    assert opened > 0
    for parameters in ({"as_of": day.isoformat()}, {"to": day.isoformat()}):
        assert await bench.value("open_deals", story, **parameters) == opened
        assert await bench.value("open_pipeline", story, **parameters) == open_value
        weighted = await bench.value("weighted_pipeline", story, **parameters)
        assert weighted == pytest.approx(open_value * 0.4)
    before = (day - timedelta(days=30)).isoformat()
    body = await bench.ask("open_deals", story, group_by="month", from_=before, to="2017-06-30")
    assert body["series"][-1]["value"] == opened
