"""Weighted pipeline: open values times the probability of their stages."""

from __future__ import annotations

import pytest

from analytics.kpis.weighted_pipeline import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_each_value_counts_by_the_chance_of_its_stage(bench: Bench, story: Story) -> None:
    """100.00 at 10 %, then 60 %; 50.50 at 50 %."""
    deal = story.deal(100_00, "2017-01-10", stage="lead", probability=10)
    story.deal(50_50, "2017-01-10", stage="offer", probability=50)
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 35.25
    deal.move("offer", 60, "2017-02-01")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 85.25
    assert await bench.value(KPI.name, story, as_of="2017-01-31") == 35.25


async def test_what_is_closed_is_expected_no_more(bench: Bench, story: Story) -> None:
    story.deal(100_00, "2017-01-10", probability=33).win("2017-02-01")
    story.deal(99, "2017-01-10", probability=33)
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 0.33
