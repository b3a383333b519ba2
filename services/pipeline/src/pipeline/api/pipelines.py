"""Pipelines over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from chassis.errors import BadInput, NotFound
from chassis.http.principal import require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from chassis.postgres.database import Record
from pipeline.api.bodies import DesignBody, PipelineBody, StageBody
from pipeline.domain.pipeline import PIPELINE, DesignPipeline, RedesignPipeline, StageDraft
from pipeline.domain.templates import TEMPLATES
from pipeline.read_models.pipelines import fetch_pipelines

router = APIRouter(prefix="/pipelines", tags=["pipelines"])


@router.get("")
async def list_pipelines(read: Reading) -> Response:
    """All pipelines of the workspace with their stages, the oldest first."""
    async with read.connection() as connection:
        rows = await fetch_pipelines(connection, read.principal.workspace)
    return read.json({"items": [_shown(row) for row in rows], "next": None})


@router.get("/templates")
async def list_templates(read: Reading) -> Response:
    """Pipelines to begin with."""
    items = [
        {
            "template": key,
            "name": template.name,
            "about": template.about,
            "stages": [
                {
                    "name": stage.name,
                    "probability": stage.probability,
                    "rotten_after_days": stage.rotten_after_days,
                }
                for stage in template.stages
            ],
        }
        for key, template in TEMPLATES.items()
    ]
    return read.json({"items": items, "next": None})


@router.get("/{pipeline_id}")
async def one_pipeline(pipeline_id: UUID, read: Reading) -> Response:
    """A pipeline with its stages."""
    async with read.connection() as connection:
        rows = await fetch_pipelines(connection, read.principal.workspace)
    for row in rows:
        if row["pipeline_id"] == pipeline_id:
            return read.json(_shown(row), version=row["version"])
    raise NotFound("There is no such pipeline.")


@router.post("", status_code=201, dependencies=[Depends(require("settings.write"))])
async def design_pipeline(body: PipelineBody, write: Writing) -> Response:
    """Design a pipeline, from a template or with stages of your own."""
    template = TEMPLATES.get(body.template) if body.template is not None else None
    if body.template is not None and template is None:
        raise BadInput(f"There is no template {body.template}; there are {', '.join(TEMPLATES)}.")
    name = body.name or (template.name if template is not None else None)
    stages = _drafts(body.stages) if body.stages is not None else None
    if stages is None and template is not None:
        stages = template.stages
    if name is None or stages is None:
        raise BadInput("Give a template, or a name and stages.")
    command = DesignPipeline(new_id(), name, stages, write.now, body.external_id)
    return await write.new(PIPELINE, command.pipeline_id, command, location="/api/v1/pipelines")


@router.put("/{pipeline_id}", dependencies=[Depends(require("settings.write"))])
async def redesign_pipeline(pipeline_id: UUID, body: DesignBody, write: Writing) -> Response:
    """Give a pipeline this name and these stages; send If-Match with the version you have seen.

    A stage that is left out is retired: its deals stay visible, no deal can be moved into it.
    """
    write.need_version()
    command = RedesignPipeline(body.name, _drafts(body.stages), write.now)
    return await write.change(PIPELINE, pipeline_id, command)


def _drafts(stages: Sequence[StageBody]) -> tuple[StageDraft, ...]:
    return tuple(
        StageDraft(stage.name, stage.probability, stage.rotten_after_days, stage.key)
        for stage in stages
    )


def _shown(row: Record) -> dict[str, Any]:
    return {
        "id": row["pipeline_id"],
        "version": row["version"],
        "name": row["name"],
        "stages": row["stages"],
        "retired": row["retired"],
        "external_id": row["external_id"],
    }
