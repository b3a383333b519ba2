"""Open pipeline: what the open deals are worth, at a moment."""

from __future__ import annotations

import pytest

from analytics.kpis.open_pipeline import KPI
from analytics.testing import Bench, Story

pytestmark = pytest.mark.integration


async def test_it_is_how_things_stand_at_the_end(bench: Bench, story: Story) -> None:
    story.deal(100_00, "2017-01-10").revalue(150_00, "2017-02-10").win("2017-03-10")
    story.deal(30_00, "2017-02-20")
    await bench.load(story)
    assert await bench.value(KPI.name, story) == 30.0
    for moment, value in (("2017-01-31", 100.0), ("2017-02-15", 150.0), ("2017-02-28", 180.0)):
        assert await bench.value(KPI.name, story, to=moment) == value
        assert await bench.value(KPI.name, story, as_of=moment) == value


async def test_by_month_it_is_how_things_stood_at_each_months_end(
    bench: Bench, story: Story
) -> None:
    story.deal(100_00, "2016-11-10").win("2017-03-10")
    story.deal(30_00, "2017-02-20")
    await bench.load(story)
    by_month = await bench.series(KPI.name, story, "month", from_="2017-01-01", to="2017-04-30")
    assert by_month == {"2017-01": 100.0, "2017-02": 130.0, "2017-03": 30.0, "2017-04": 30.0}


async def test_without_an_end_a_series_goes_on_until_today(bench: Bench, story: Story) -> None:
    story.deal(30_00, "2017-11-20")
    await bench.load(story)
    by_month = await bench.series(KPI.name, story, "month")
    assert by_month == {"2017-11": 30.0, "2017-12": 30.0, "2018-01": 30.0}
    cut = await bench.series(KPI.name, story, "month", as_of="2017-12-05")
    assert cut == {"2017-11": 30.0, "2017-12": 30.0}


async def test_it_can_be_taken_by_stage_and_by_owner_of_that_time(
    bench: Bench, story: Story
) -> None:
    ada, bob = story.user("Ada"), story.user("Bob")
    deal = story.deal(100_00, "2017-01-10", stage="lead", owner=ada)
    deal.move("offer", 60, "2017-02-01").assign(bob, "2017-03-01")
    await bench.load(story)
    stages = {"lead": 0.0, "offer": 100.0}
    told = await bench.ask(KPI.name, story, group_by="stage")
    assert {i["key"]: i["value"] for i in told["series"]} == {"offer": stages["offer"]}
    assert await bench.series(KPI.name, story, "stage", as_of="2017-01-20") == {"lead": 100.0}
    assert await bench.series(KPI.name, story, "owner") == {"Bob": 100.0}
    assert await bench.series(KPI.name, story, "owner", as_of="2017-02-20") == {"Ada": 100.0}
    assert await bench.series(KPI.name, story, "owner", known_at="2017-02-20") == {"Ada": 100.0}


async def test_a_loss_entered_late_restates_the_past(bench: Bench, story: Story) -> None:
    """Lost on 10 March, entered on 3 April."""
    story.deal(100_00, "2017-01-10").lose("2017-03-10", known="2017-04-03")
    await bench.load(story)
    assert await bench.value(KPI.name, story, as_of="2017-03-31") == 0.0
    then = {"as_of": "2017-03-31", "known_at": "2017-03-31"}
    assert await bench.value(KPI.name, story, **then) == 100.0
