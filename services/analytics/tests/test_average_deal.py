"""Average deal: revenue won / deals won."""

from __future__ import annotations

import pytest

from analytics.kpis.average_deal import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_it_is_the_mean_of_the_final_values(bench: Bench, story: Story) -> None:
    story.deal(100_00, "2017-01-02").win("2017-02-01")
    story.deal(100_00, "2017-01-02").win("2017-02-01", value=50_00)
    story.deal(100_00, "2017-01-02").win("2017-03-01", value=200_00)
    story.deal(900_00, "2017-01-02").lose("2017-03-01")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == pytest.approx(116.67)
    by_month = await bench.series(KPI.name, story, "month")
    assert by_month == {"2017-02": 75.0, "2017-03": 200.0}


async def test_without_a_deal_won_there_is_none(bench: Bench, story: Story) -> None:
    story.deal(100_00, "2017-01-02").lose("2017-02-01")
    await bench.load(story)
    assert await bench.value(KPI.name, story) is None
