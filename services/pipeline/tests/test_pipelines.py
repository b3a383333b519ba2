"""Which pipelines are there, with which stages, and which one comes first?"""

from __future__ import annotations

from typing import Any

from chassis.testing.projections import History, project
from pipeline.domain.pipeline import (
    PIPELINE,
    DesignPipeline,
    Pipeline,
    PipelineEvent,
    RedesignPipeline,
    StageDraft,
)
from pipeline.read_models.pipelines import PIPELINES, PIPELINES_TABLE, chosen, pipeline_of
from pipeline.testing.lives import PIPELINE_ID, on


def rows_after(*commands: Any) -> tuple[list[dict[str, Any]], Pipeline | None]:
    """Rows after these commands, and what the domain says."""
    book = History()
    events: list[PipelineEvent] = []
    recorded = []
    for command in commands:
        new = PIPELINE.decide(command, PIPELINE.fold(events))
        events += new
        recorded += [book.add("pipeline", PIPELINE_ID, event) for event in new]
    return project(PIPELINES, *recorded)[PIPELINES_TABLE], PIPELINE.fold(events)


design = DesignPipeline(
    PIPELINE_ID, "Sales", (StageDraft("Lead", 10, 14), StageDraft("Offer", 40)), on(1)
)
redesign = RedesignPipeline("Big  Sales", (StageDraft("Offer", 50),), on(2))


def test_a_row_is_the_pipeline_as_the_domain_knows_it() -> None:
    for commands in ((design,), (design, redesign)):
        (row,), pipeline = rows_after(*commands)
        assert pipeline_of(row) == pipeline
        assert row["version"] == len(commands)
    assert row["retired"] == [
        {"key": "lead", "name": "Lead", "probability": 10, "rotten_after_days": 14}
    ]


def test_a_pipeline_is_chosen_by_id_or_name_or_for_being_the_first() -> None:
    (row,), _ = rows_after(design, redesign)
    for wanted in (None, str(PIPELINE_ID), "BIG sales "):
        assert chosen([row], wanted) == row
    assert chosen([row], "Sales") is None
    assert chosen([], None) is None
