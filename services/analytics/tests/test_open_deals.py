"""Open deals: how many, at a moment."""

from __future__ import annotations

import pytest

from analytics.kpis.open_deals import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_opened_and_reopened_deals_are_open_closed_ones_are_not(
    bench: Bench, story: Story
) -> None:
    story.deal(1, "2017-01-10")
    story.deal(1, "2017-01-10").win("2017-02-10")
    story.deal(1, "2017-01-10").lose("2017-02-10").reopen("2017-03-10")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 2
    by_month = await bench.series(KPI.name, story, "month", to="2017-03-31")
    assert by_month == {"2017-01": 3, "2017-02": 1, "2017-03": 2}


async def test_a_deal_entered_late_was_open_all_the_same(bench: Bench, story: Story) -> None:
    """Opened on 10 January, entered on 5 February."""
    story.deal(1, "2017-01-10", known="2017-02-05")
    await bench.load(story)
    assert await bench.value(KPI.name, story, as_of="2017-01-20") == 1
    assert await bench.value(KPI.name, story, as_of="2017-01-20", known_at="2017-01-20") == 0
