"""What has to be known of a whole file of deals before its first row is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from itertools import chain, count
from uuid import UUID

from chassis.decider import handle, load_state
from chassis.errors import Conflict
from chassis.events import id_of
from chassis.ids import new_id
from chassis.imports import ImportRow, ImportRun
from pipeline.domain.naming import folded
from pipeline.domain.pipeline import (
    PIPELINE,
    DesignPipeline,
    Pipeline,
    StageDraft,
    default_pipeline_id,
)
from pipeline.domain.templates import SALES
from pipeline.imports.cells import BadCell
from pipeline.imports.deal_rows import DealRow, Reading, read_row
from pipeline.read_models.known_workspaces import fetch_ways
from pipeline.read_models.pipelines import fetch_pipelines, pipeline_of

_CHANCES = {
    "prospecting": 10,
    "lead": 10,
    "new": 10,
    "appointment scheduled": 20,
    "qualification": 20,
    "qualified": 20,
    "needs analysis": 20,
    "engaging": 40,
    "presentation scheduled": 40,
    "proposal": 60,
    "proposal/price quote": 60,
    "negotiation": 80,
    "negotiation/review": 80,
    "contract sent": 90,
}
"""Percent for stages of these names, where a pipeline has to be made for them."""


@dataclass(frozen=True, slots=True)
class Ground:
    """How to read the file; its pipelines by folded name (empty: of rows that name none); the last
    day it speaks of; in which stage its closed deals were before."""

    reading: Reading
    zone: tzinfo
    last_day: date
    pipelines: Mapping[str, Pipeline]
    closed_from: Mapping[UUID, str]

    def pipeline(self, row: DealRow) -> Pipeline:
        """The pipeline of a row."""
        return self.pipelines[folded(row.pipeline or "")]


@dataclass(slots=True)
class _Wanted:
    """A pipeline as rows of the file need it."""

    name: str | None
    stages: dict[str, str] = field(default_factory=dict)


async def lay_ground(run: ImportRun, rows: Iterable[ImportRow]) -> Ground:
    """Look at the whole file; design pipelines that it needs and that are missing."""
    async with run.service.work.connection(run.workspace) as connection:
        ways = await fetch_ways(connection, run.workspace)
        known = [pipeline_of(row) for row in await fetch_pipelines(connection, run.workspace)]
    reading = Reading.of(run.options, ways.currency)
    wanted: dict[str, _Wanted] = {}
    today = run.now.astimezone(ways.zone).date()
    days = []
    for row in _readable(rows, reading):
        days += [d for d in (row.opened_on, row.closed_on) if d is not None and d <= today]
        pipeline = wanted.setdefault(folded(row.pipeline or ""), _Wanted(row.pipeline))
        if row.stage is not None:
            pipeline.stages.setdefault(folded(row.stage), row.stage)
    pipelines = {name: await _pipeline(run, needs, known) for name, needs in wanted.items()}
    return Ground(
        reading,
        ways.zone,
        max(days, default=today),
        pipelines,
        {p.pipeline_id: _furthest(p, wanted[name].stages) for name, p in pipelines.items()},
    )


def _readable(rows: Iterable[ImportRow], reading: Reading) -> Iterable[DealRow]:
    for row in rows:
        try:
            yield read_row(row, reading)
        except BadCell:
            continue  # its turn to fail, with the reason, comes later


async def _pipeline(run: ImportRun, needs: _Wanted, known: Sequence[Pipeline]) -> Pipeline:
    """The pipeline of that name; without a name, the first that has all these stages."""
    for pipeline in known:
        if needs.name is None:
            fits = all(pipeline.find(stage) for stage in needs.stages.values())
        else:
            fits = needs.name == str(pipeline.pipeline_id) or same_name(pipeline.name, needs.name)
        if fits:
            return pipeline
    name = needs.name or _free_name({folded(pipeline.name) for pipeline in known})
    return await _design(run, name, list(needs.stages.values()))


def same_name(one: str, other: str) -> bool:
    """Whether two names are compared as equal."""
    return folded(one) == folded(other)


def _free_name(taken: set[str]) -> str:
    numbered = (f"Imported deals {number}" for number in count(2))
    names = chain((SALES.name, "Imported deals"), numbered)
    return next(name for name in names if folded(name) not in taken)


async def _design(run: ImportRun, name: str, stages: Sequence[str]) -> Pipeline:
    """A pipeline with these stages, the least promising first."""
    drafts = [StageDraft(stage, chance) for stage, chance in _chances(stages)]
    drafts.sort(key=lambda draft: draft.probability)
    id_ = default_pipeline_id(run.workspace) if same_name(name, SALES.name) else new_id()
    command = DesignPipeline(id_, name, tuple(drafts) or SALES.stages, run.now)
    if run.dry_run:
        designed = PIPELINE.fold(PIPELINE.decide(command, None))
    else:
        context = run.context(ImportRow(0, {}), f":pipeline:{folded(name)}")
        done = await handle(run.service.work_log, PIPELINE, id_, command, context)
        asking = replace(context, key=None)
        made = id_of(done.stream)
        designed, _ = await load_state(run.service.work_log, PIPELINE, made, asking)
    if designed is None:
        raise Conflict(f"The pipeline {name} could not be designed. Design it, then import.")
    return designed


def _chances(stages: Sequence[str]) -> Iterable[tuple[str, int]]:
    for number, stage in enumerate(stages, start=1):
        yield stage, _CHANCES.get(folded(stage), number * 100 // (len(stages) + 1))


def _furthest(pipeline: Pipeline, stages: Mapping[str, str]) -> str:
    """The last stage of the pipeline that the file knows; closed deals were open there."""
    found = {stage.key for text in stages.values() if (stage := pipeline.find(text))}
    there = [stage.key for stage in pipeline.stages if stage.key in found]
    return there[-1] if there else pipeline.stages[0].key
