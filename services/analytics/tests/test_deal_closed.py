"""Closings of deals as facts."""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics.facts.deal_closed import CLOSINGS_OVERTAKEN, DEALS_CLOSED, PROJECTION
from analytics.testing import Story, noon
from chassis.testing.projections import project


def rows(story: Story) -> Any:
    return project(PROJECTION, *story.events, workspace=story.workspace)


def test_a_deal_won_is_a_fact_with_its_value_its_days_and_whose_it_was(story: Story) -> None:
    owner = story.user("Ada")
    deal = story.deal(100_00, "2017-01-05", owner=owner, source="fair")
    deal.win("2017-02-01", value=90_00, known="2017-02-03")
    [row] = rows(story)[DEALS_CLOSED]
    assert row["event_id"] == story.events[-1].id
    assert (row["won"], row["lost"], row["won_minor"], row["cycle_days"]) == (1, 0, 90_00, 27)
    assert (row["day"], row["occurred_at"]) == (date(2017, 2, 1), noon("2017-02-01"))
    assert row["recorded_at"] == noon("2017-02-03")
    assert (row["owner_id"], row["source"], row["currency"]) == (owner, "fair", "EUR")
    assert row["known_until"] is None


def test_a_deal_lost_is_a_fact_without_revenue(story: Story) -> None:
    story.deal(100_00, "2017-01-05").lose("2017-02-01")
    [row] = rows(story)[DEALS_CLOSED]
    assert (row["won"], row["lost"], row["won_minor"], row["lost_minor"]) == (0, 1, 0, 100_00)
    assert row["cycle_days"] == 0


def test_a_reopening_ends_the_closing_it_undoes(story: Story) -> None:
    deal = story.deal(100_00, "2017-01-05").win("2017-02-01")
    deal.reopen("2017-02-10", known="2017-02-12").lose("2017-03-01")
    first, second = rows(story)[DEALS_CLOSED]
    assert (first["closing"], second["closing"]) == (1, 2)
    assert first["valid_until"] == noon("2017-02-10")
    assert first["known_until"] == noon("2017-02-12")
    assert second["known_until"] is None


def test_a_closing_dated_before_the_reopening_overtakes_the_earlier_one(story: Story) -> None:
    deal = story.deal(100_00, "2017-01-05").win("2017-02-01").reopen("2017-02-10")
    deal.win("2017-01-20", known="2017-02-11", was_open=True, overtaken_closings=(1,))
    found = rows(story)
    assert len(found[DEALS_CLOSED]) == 2
    [overtaken] = found[CLOSINGS_OVERTAKEN]
    assert overtaken["closing"] == 1
    assert overtaken["occurred_at"] == noon("2017-01-20")
    assert overtaken["recorded_at"] == noon("2017-02-11")
