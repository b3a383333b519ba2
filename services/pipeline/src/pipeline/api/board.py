"""The board over HTTP: a pipeline's open deals by stage, now or as they were."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.errors import Forbidden
from chassis.http.principal import AGGREGATE, Principal, principal_of, require
from chassis.http.reading import Reading
from pipeline.api import board_shapes
from pipeline.api.deal_reads import pipeline_row, point_of
from pipeline.api.points import AsOf, KnownAt
from pipeline.as_of import fetch_board_at, fetch_sums_at
from pipeline.read_models.deal_board import BoardQuery, fetch_board, fetch_sums
from pipeline.read_models.pipelines import fetch_pipelines, pipeline_of

router = APIRouter(prefix="/board", tags=["board"])

PipelineParameter = Annotated[
    str | None, Query(description="Id or name; else the workspace's first pipeline.")
]
_LOOKS = ("deals.read", "analytics.read")


@router.get("", dependencies=[Depends(require("deals.read"))])
async def board(
    request: Request,
    read: Reading,
    pipeline: PipelineParameter = None,
    owner: Annotated[UUID | None, Query(description="Only this user's deals.")] = None,
    limit_per_stage: Annotated[int, Query(ge=1, le=200)] = 50,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Open deals stage by stage: sums, weighted sums, and the latest comers as cards."""
    visible = read.principal.visible_owners()
    now: datetime = request.app.state.service.clock.now()
    then = point_of(as_of, known_at, now)
    workspace = read.principal.workspace
    async with read.connection() as connection:
        chosen = pipeline_of(pipeline_row(await fetch_pipelines(connection, workspace), pipeline))
        query = BoardQuery(chosen.pipeline_id, visible, owner, limit_per_stage)
        if then is None:
            stages = [stage.key for stage in (*chosen.stages, *chosen.retired)]
            rows = await fetch_board(connection, workspace, query, stages)
        else:
            rows = await fetch_board_at(connection, workspace, query, then)
    body = board_shapes.board(chosen, rows, limit_per_stage, then.as_of if then else now)
    return read.json(body | {"known_at": then.known_at if then is not None else None})


async def looking(principal: Annotated[Principal, Depends(principal_of)]) -> Principal:
    """A dependency: whoever may see deals, or figures about them."""
    if not any(principal.may(permission) for permission in _LOOKS):
        raise Forbidden(f"The role {principal.role} lacks one of the permissions {_LOOKS}.")
    return principal


@router.get("/summary")
async def summary(
    request: Request,
    read: Reading,
    principal: Annotated[Principal, Depends(looking)],
    pipeline: PipelineParameter = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Counts and sums per stage without any deal; groups that are too small are left out."""
    now: datetime = request.app.state.service.clock.now()
    then = point_of(as_of, known_at, now)
    visible = None if principal.sees == AGGREGATE else principal.visible_owners()
    workspace = principal.workspace
    async with read.connection() as connection:
        chosen = pipeline_of(pipeline_row(await fetch_pipelines(connection, workspace), pipeline))
        query = BoardQuery(chosen.pipeline_id, visible)
        if then is None:
            sums = await fetch_sums(connection, workspace, query)
        else:
            sums = await fetch_sums_at(connection, workspace, query, then)
    body = board_shapes.summary(chosen, sums, then.as_of if then is not None else now)
    return read.json(body | {"known_at": then.known_at if then is not None else None})
