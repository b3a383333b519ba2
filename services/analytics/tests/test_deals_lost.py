"""Deals lost: how many."""

from __future__ import annotations

import pytest

from analytics.kpis.deals_lost import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_lost_ones_count(bench: Bench, story: Story) -> None:
    story.deal(1, "2017-01-02", source="web").lose("2017-02-01")
    story.deal(1, "2017-01-02", source="web").lose("2017-02-02").reopen("2017-02-03")
    story.deal(1, "2017-01-02").win("2017-02-01")
    story.deal(1, "2017-01-02").lose("2017-03-01")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 2
    assert await bench.series(KPI.name, story, "source") == {"web": 1, "No source": 1}
    assert await bench.value(KPI.name, story, as_of="2017-02-02") == 2
