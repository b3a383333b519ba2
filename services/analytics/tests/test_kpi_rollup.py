"""Sums by day in all, and by month for each dimension."""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics.read_models.kpi_rollup import ALL, KPI_CHANGES, KPI_ROLLUP, PROJECTION
from analytics.testing import Story
from chassis.testing.projections import project


def rolled_up(story: Story, fact: str, dimension: str) -> dict[tuple[date, str], Any]:
    rows = project(PROJECTION, *story.events, workspace=story.workspace)[KPI_ROLLUP]
    wanted = [r for r in rows if (r["fact"], r["dimension"]) == (fact, dimension)]
    return {(row["begin"], row["value"]): row for row in wanted}


def test_the_whole_is_summed_by_day(story: Story) -> None:
    story.deal(100_00, "2017-01-05").win("2017-02-01")
    story.deal(50_00, "2017-01-05").win("2017-02-01")
    story.deal(50_00, "2017-01-05").lose("2017-02-09")
    sums = rolled_up(story, "deal_closed", ALL)
    assert {key: (row["won"], row["lost"], row["won_minor"]) for key, row in sums.items()} == {
        (date(2017, 2, 1), ""): (2, 0, 150_00),
        (date(2017, 2, 9), ""): (0, 1, 0),
    }


def test_each_dimension_is_summed_by_month(story: Story) -> None:
    ada = story.user("Ada")
    story.deal(100_00, "2017-01-05", owner=ada).win("2017-02-01")
    story.deal(50_00, "2017-01-05").win("2017-02-20")
    sums = rolled_up(story, "deal_closed", "owner_id")
    assert {key: row["won_minor"] for key, row in sums.items()} == {
        (date(2017, 2, 1), str(ada)): 100_00,
        (date(2017, 2, 1), ""): 50_00,
    }


def test_currencies_are_not_added_up(story: Story) -> None:
    story.deal(100_00, "2017-01-05", currency="EUR").win("2017-02-01")
    story.deal(50_00, "2017-01-05", currency="USD").win("2017-02-01")
    rows = project(PROJECTION, *story.events, workspace=story.workspace)[KPI_ROLLUP]
    won = {r["currency"]: r["won_minor"] for r in rows if r["dimension"] == ALL and r["won"]}
    assert won == {"EUR": 100_00, "USD": 50_00}


def test_every_event_that_may_change_a_figure_is_counted(story: Story) -> None:
    story.deal(100_00, "2017-01-05").win("2017-02-01").reopen("2017-02-02")
    story.message(story.broadcast("Spring"), "2017-01-31").open("2017-02-01")
    [row] = project(PROJECTION, *story.events, workspace=story.workspace)[KPI_CHANGES]
    assert row["changes"] == 5
