"""New deals: how many were opened."""

from __future__ import annotations

import pytest

from analytics.kpis.new_deals import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_openings_count_reopenings_do_not(bench: Bench, story: Story) -> None:
    lamp = story.product("Lamp", "Light")
    story.deal(1, "2017-01-10", product=lamp).lose("2017-01-20").reopen("2017-02-10")
    story.deal(1, "2017-02-10").move("offer", 60, "2017-02-11")
    await bench.load(story)
    assert await bench.series(KPI.name, story, "month") == {"2017-01": 1, "2017-02": 1}
    assert await bench.series(KPI.name, story, "series") == {"Light": 1, "No series": 1}
