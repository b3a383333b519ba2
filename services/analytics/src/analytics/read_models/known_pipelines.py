"""Which pipelines and stages are there, and what are they called?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column, Integer, Text, Uuid

from analytics.received import PipelineDesigned, PipelineRedesigned
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

KNOWN_PIPELINES = read_table(
    "known_pipelines",
    Column("pipeline_id", Uuid),
    Column("name", Text),
    key=("pipeline_id",),
)
KNOWN_STAGES = read_table(
    "known_stages",
    Column("pipeline_id", Uuid),
    Column("stage", Text),
    Column("name", Text),
    Column("place", Integer),
    key=("pipeline_id", "stage"),
)


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event; stages that a redesign leaves out keep their last name."""
    match recorded.event:
        case PipelineDesigned() | PipelineRedesigned() as e:
            yield Put(KNOWN_PIPELINES, (e.pipeline_id,), {"name": e.name})
            for place, stage in enumerate(e.stages):
                columns = {"name": stage.name, "place": place}
                yield Put(KNOWN_STAGES, (e.pipeline_id, stage.key), columns)


PROJECTION = Projection(
    "known_pipelines",
    1,
    (PipelineDesigned, PipelineRedesigned),
    (KNOWN_PIPELINES, KNOWN_STAGES),
    project,
)
