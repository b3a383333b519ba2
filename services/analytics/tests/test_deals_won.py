"""Deals won: how many."""

from __future__ import annotations

import pytest

from analytics.kpis.deals_won import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_won_ones_count_by_the_day_of_closing(bench: Bench, story: Story) -> None:
    story.deal(1, "2017-01-02").win("2017-01-31")
    story.deal(1, "2017-01-02").win("2017-02-01")
    story.deal(1, "2017-01-02").win("2017-02-28")
    story.deal(1, "2017-01-02").lose("2017-02-28")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 3
    february = {"from_": "2017-02-01", "to": "2017-02-28"}
    assert await bench.value(KPI.name, story, **february) == 2
    by_week = await bench.series(KPI.name, story, "week", **february)
    assert by_week == {"2017-W05": 1, "2017-W06": 0, "2017-W07": 0, "2017-W08": 0, "2017-W09": 1}


async def test_a_deal_won_twice_counts_once(bench: Bench, story: Story) -> None:
    """Won on 1 February, reopened on the 10th, won on 1 March."""
    story.deal(1, "2017-01-02").win("2017-02-01").reopen("2017-02-10").win("2017-03-01")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 1
    assert await bench.series(KPI.name, story, "month") == {"2017-03": 1}
    assert await bench.value(KPI.name, story, as_of="2017-02-05") == 1
    assert await bench.value(KPI.name, story, as_of="2017-02-15") == 0
    assert await bench.value(KPI.name, story, as_of="2017-03-02") == 1


async def test_a_corrected_day_of_closing_counts_once_at_any_time(
    bench: Bench, story: Story
) -> None:
    """Entered as won on 20 February; corrected on the 25th: it was the 10th."""
    deal = story.deal(1, "2017-01-02").win("2017-02-20").reopen("2017-02-25")
    deal.win("2017-02-10", known="2017-02-25T13:00:00Z", overtaken_closings=(1,))
    await bench.load(story)
    for day, won in (("09", 0), ("15", 1), ("22", 1), ("26", 1)):
        assert await bench.value(KPI.name, story, as_of=f"2017-02-{day}") == won
    known_then = {"known_at": "2017-02-24"}
    for day, won in (("15", 0), ("22", 1)):
        assert await bench.value(KPI.name, story, as_of=f"2017-02-{day}", **known_then) == won
