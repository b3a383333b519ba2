"""Win rate: won / (won + lost), by the day of closing."""

from __future__ import annotations

import pytest

from analytics.kpis.win_rate import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


def test_it_is_won_over_all_decided() -> None:
    assert KPI.value({"won": 3, "lost": 1}) == 0.75
    assert KPI.value({"won": 0, "lost": 2}) == 0
    assert KPI.value({}) is None


async def test_open_deals_do_not_count(bench: Bench, story: Story) -> None:
    for _ in range(3):
        story.deal(100_00, "2017-01-02").win("2017-02-01")
    story.deal(100_00, "2017-01-02").lose("2017-03-01")
    story.deal(100_00, "2017-01-02")
    await bench.load(story)
    assert await bench.value("win_rate", story) == 0.75


async def test_it_can_be_taken_by_month_and_by_team(bench: Bench, story: Story) -> None:
    north = story.team("North", "Europe")
    ada, bob = story.user("Ada", north), story.user("Bob")
    story.deal(1, "2017-01-02", owner=ada).win("2017-02-01")
    story.deal(1, "2017-01-02", owner=ada).lose("2017-02-28")
    story.deal(1, "2017-01-02", owner=bob).win("2017-04-30")
    await bench.load(story)
    by_month = await bench.series("win_rate", story, "month")
    assert by_month == {"2017-02": 0.5, "2017-03": None, "2017-04": 1.0}
    assert await bench.series("win_rate", story, "team") == {"No team": 1.0, "North": 0.5}
    assert await bench.series("win_rate", story, "owner") == {"Bob": 1.0, "Ada": 0.5}
    assert await bench.series("win_rate", story, "region") == {"No region": 1.0, "Europe": 0.5}


async def test_a_reopened_deal_is_not_decided_any_more(bench: Bench, story: Story) -> None:
    story.deal(1, "2017-01-02").win("2017-02-01").reopen("2017-02-10")
    story.deal(1, "2017-01-02").lose("2017-02-05")
    await bench.load(story)
    assert await bench.value("win_rate", story) == 0.0
    assert await bench.value("win_rate", story, as_of="2017-02-09") == 0.5
    assert await bench.value("win_rate", story, known_at="2017-02-09") == 0.5
    assert await bench.value("win_rate", story, as_of="2017-02-02") == 1.0


async def test_a_closing_entered_late_restates_the_past(bench: Bench, story: Story) -> None:
    story.deal(1, "2017-01-02").lose("2017-03-10")
    story.deal(1, "2017-01-02").win("2017-03-30", known="2017-04-03")
    await bench.load(story)
    march = {"from_": "2017-03-01", "to": "2017-03-31"}
    assert await bench.value("win_rate", story, **march) == 0.5
    assert await bench.value("win_rate", story, known_at="2017-04-01", **march) == 0.0
    assert await bench.value("win_rate", story, as_of="2017-03-29", **march) == 0.0
