"""Sales cycle: mean days from opening to winning."""

from __future__ import annotations

import pytest

from analytics.kpis.sales_cycle_days import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_it_is_the_mean_over_deals_won(bench: Bench, story: Story) -> None:
    """30, 10 and 5 days; the lost one does not count."""
    ada, bob = story.user("Ada"), story.user("Bob")
    story.deal(1, "2017-01-02", owner=ada).win("2017-02-01")
    story.deal(1, "2017-01-02", owner=ada).win("2017-01-12")
    story.deal(1, "2017-01-02", owner=bob).win("2017-01-07")
    story.deal(1, "2017-01-02", owner=bob).lose("2017-06-01")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 15.0
    assert await bench.series(KPI.name, story, "owner") == {"Ada": 20.0, "Bob": 5.0}


async def test_a_reopened_deal_takes_its_days_with_it(bench: Bench, story: Story) -> None:
    story.deal(1, "2017-01-02").win("2017-02-01").reopen("2017-02-05")
    story.deal(1, "2017-01-02").win("2017-01-12")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 10.0
    assert await bench.value(KPI.name, story, known_at="2017-02-03") == 20.0
