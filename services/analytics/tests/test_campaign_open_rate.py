"""Open rate: messages opened by people / messages sent."""

from __future__ import annotations

import pytest

from analytics.kpis.campaign_open_rate import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_it_counts_messages_once_and_machines_never(bench: Bench, story: Story) -> None:
    """Four sent; one opened twice, one opened by a machine, one by both: two of four."""
    spring = story.broadcast("Spring")
    first, second, third, _ = (story.message(spring, "2017-01-31") for _ in range(4))
    first.open("2017-02-01").open("2017-02-02", first=False)
    second.open("2017-01-31T12:00:05Z", machine=True)
    third.open("2017-01-31T12:00:05Z", machine=True).open("2017-02-03")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 0.5
    assert await bench.series(KPI.name, story, "broadcast") == {"Spring": 0.5}


async def test_an_opening_counts_for_the_month_its_message_was_sent_in(
    bench: Bench, story: Story
) -> None:
    spring = story.broadcast("Spring")
    story.message(spring, "2017-01-31").open("2017-02-01")
    story.message(spring, "2017-02-20")
    await bench.load(story)
    assert await bench.series(KPI.name, story, "month") == {"2017-01": 1.0, "2017-02": 0.0}


async def test_what_was_opened_later_or_learned_later_can_be_left_out(
    bench: Bench, story: Story
) -> None:
    spring = story.broadcast("Spring")
    story.message(spring, "2017-01-31").open("2017-02-05", known="2017-02-09")
    await bench.load(story)
    assert await bench.value(KPI.name, story, as_of="2017-02-04") == 0.0
    assert await bench.value(KPI.name, story, known_at="2017-02-08") == 0.0
    assert await bench.value(KPI.name, story, as_of="2017-02-06") == 1.0
    assert await bench.value(KPI.name, story, as_of="2017-01-30") is None
