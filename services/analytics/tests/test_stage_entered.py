"""Entries of deals into stages as facts."""

from __future__ import annotations

from analytics.facts.stage_entered import PROJECTION, STAGES_ENTERED
from analytics.testing import Story
from chassis.testing.projections import project


def test_a_deal_enters_stages_by_being_opened_moved_and_reopened(story: Story) -> None:
    deal = story.deal(100_00, "2017-01-05", stage="lead").move("offer", 60, "2017-01-09")
    deal.revalue(80_00, "2017-01-10").lose("2017-01-12").reopen("2017-01-15")
    rows = project(PROJECTION, *story.events, workspace=story.workspace)[STAGES_ENTERED]
    rows.sort(key=lambda row: row["version"])
    assert [(r["stage"], r["entered"], r["opened"], r["entered_minor"]) for r in rows] == [
        ("lead", 1, 1, 100_00),
        ("offer", 1, 0, 100_00),
        ("offer", 1, 0, 80_00),
    ]
