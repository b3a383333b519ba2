"""Stage entries: how often deals came into a stage."""

from __future__ import annotations

import pytest

from analytics.kpis.stage_entries import KPI
from analytics.received import Stage
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_every_entry_counts(bench: Bench, story: Story) -> None:
    sales = story.pipeline("Sales", Stage("lead", "Lead"), Stage("offer", "Offer"))
    for _ in range(2):
        story.deal(1, "2017-01-10", stage="lead", pipeline=sales).move("offer", 60, "2017-02-11")
    story.deal(1, "2017-01-10", stage="lead", pipeline=sales)
    await bench.load(story)
    assert await bench.series(KPI.name, story, "stage") == {"Lead": 3, "Offer": 2}
    assert await bench.series(KPI.name, story, "pipeline") == {"Sales": 5}
    assert await bench.value(KPI.name, story, as_of="2017-02-01") == 3
