"""Click rate: messages with a link followed by people / messages sent."""

from __future__ import annotations

import pytest

from analytics.kpis.campaign_click_rate import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_it_counts_messages_once_and_machines_never(bench: Bench, story: Story) -> None:
    """Four sent; one clicked twice, one clicked by a machine: one of four."""
    spring = story.broadcast("Spring")
    first, second, _, _ = (story.message(spring, "2017-01-31") for _ in range(4))
    first.click("2017-02-01").click("2017-02-01", first=False)
    second.click("2017-01-31T12:00:05Z", machine=True)
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 0.25
    assert await bench.value(KPI.name, story, to="2017-01-30") is None
