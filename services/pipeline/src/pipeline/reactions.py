"""When a workspace is opened, it gets a pipeline to begin with. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chassis.events import Recorded
from chassis.reaction import Ask, Order, Reaction
from pipeline.domain.pipeline import PIPELINE, DesignPipeline, default_pipeline_id
from pipeline.domain.templates import SALES
from pipeline.received import WorkspaceOpened


def design_first_pipeline(recorded: Recorded[WorkspaceOpened]) -> Iterable[Order]:
    """The sales template, under the one id that belongs to this workspace."""
    pipeline_id = default_pipeline_id(recorded.workspace)
    command = DesignPipeline(pipeline_id, SALES.name, SALES.stages, recorded.occurred_at)
    yield Ask(PIPELINE, pipeline_id, command)


DESIGN_FIRST_PIPELINE = Reaction("design_first_pipeline", (WorkspaceOpened,), design_first_pipeline)
