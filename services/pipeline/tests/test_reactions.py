"""When something happens elsewhere, the pipeline service does this."""

from __future__ import annotations

from chassis.reaction import Ask
from chassis.testing.projections import WORKSPACE, History
from pipeline.domain.pipeline import PIPELINE, DesignPipeline, default_pipeline_id
from pipeline.domain.templates import SALES
from pipeline.reactions import design_first_pipeline
from pipeline.received import WorkspaceOpened
from pipeline.testing.lives import on


def test_an_opened_workspace_gets_its_first_pipeline() -> None:
    event = WorkspaceOpened(
        workspace_id=WORKSPACE, currency="EUR", time_zone="UTC", occurred_at=on(1)
    )
    (order,) = design_first_pipeline(History().add("workspace", WORKSPACE, event))
    id_ = default_pipeline_id(WORKSPACE)
    assert order == Ask(PIPELINE, id_, DesignPipeline(id_, "Sales", SALES.stages, on(1)))
