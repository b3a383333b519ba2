"""Pipelines and stages."""

from __future__ import annotations

from analytics.read_models.known_pipelines import KNOWN_PIPELINES, KNOWN_STAGES, PROJECTION
from analytics.received import PipelineRedesigned, Stage
from analytics.testing import Story, noon
from chassis.testing.projections import project


def test_a_stage_that_a_redesign_leaves_out_keeps_its_name(story: Story) -> None:
    sales = story.pipeline("Sales", Stage("lead", "Lead"), Stage("offer", "Offer"))
    redesigned = PipelineRedesigned(
        pipeline_id=sales,
        name="Selling",
        stages=(Stage("offer", "Proposal"),),
        occurred_at=noon("2017-01-01"),
    )
    story.tell("pipeline", sales, redesigned)
    rows = project(PROJECTION, *story.events, workspace=story.workspace)
    assert [row["name"] for row in rows[KNOWN_PIPELINES]] == ["Selling"]
    assert {row["stage"]: row["name"] for row in rows[KNOWN_STAGES]} == {
        "lead": "Lead",
        "offer": "Proposal",
    }
