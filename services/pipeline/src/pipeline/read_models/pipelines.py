"""Which pipelines are there, with which stages, and which one comes first?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Column, DateTime, Index, Integer, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch
from chassis.projection import Change, Projection, Put, read_table
from pipeline.domain.naming import folded
from pipeline.domain.pipeline import Pipeline, PipelineDesigned, PipelineRedesigned, Stage

PIPELINES_TABLE: Table = read_table(
    "pipelines",
    Column("pipeline_id", Uuid),
    Column("version", Integer),
    Column("name", Text),
    Column("name_folded", Text),
    Column("stages", JSONB),
    Column("retired", JSONB),
    Column("external_id", Text),
    Column("designed_at", DateTime(timezone=True)),
    Index("pipelines_name", "workspace_id", "name_folded"),
    key=("pipeline_id",),
)


def project(recorded: Recorded[PipelineDesigned | PipelineRedesigned]) -> Iterable[Change]:
    """One row per pipeline."""
    event = recorded.event
    columns: dict[str, Any] = {
        "version": recorded.version,
        "name": event.name,
        "name_folded": folded(event.name),
        "stages": list(msgspec.to_builtins(event.stages)),
        "external_id": event.external_id,
    }
    if isinstance(event, PipelineDesigned):
        columns |= {"designed_at": recorded.recorded_at, "retired": []}
    else:
        columns |= {"retired": list(msgspec.to_builtins(event.retired))}
    yield Put(PIPELINES_TABLE, (event.pipeline_id,), columns)


PIPELINES = Projection(
    "pipelines", 1, (PipelineDesigned, PipelineRedesigned), (PIPELINES_TABLE,), project
)


async def fetch_pipelines(connection: Connection, workspace: UUID) -> list[Record]:
    """All pipelines of a workspace, the oldest first: a handful."""
    table = PIPELINES_TABLE
    statement = (
        select(table)
        .where(table.c.workspace_id == workspace)
        .order_by(table.c.designed_at, table.c.pipeline_id)
    )
    return await fetch(connection, statement)


def pipeline_of(row: Record) -> Pipeline:
    """A row as the domain knows it."""
    stages, retired = (msgspec.convert(row[n], tuple[Stage, ...]) for n in ("stages", "retired"))
    return Pipeline(row["pipeline_id"], row["name"], stages, retired, row["external_id"])


def chosen(rows: Iterable[Record], wanted: str | None) -> Record | None:
    """The row with this id or name; None wants the first one."""
    for row in rows:
        if wanted is None or wanted in (str(row["pipeline_id"]), row["name"]):
            return row
        if row["name_folded"] == folded(wanted):
            return row
    return None


def by_id(rows: Iterable[Record]) -> dict[UUID, Pipeline]:
    """Pipelines by id."""
    return {row["pipeline_id"]: pipeline_of(row) for row in rows}
