"""A pipeline: the stages a deal goes through, in order, each with the chance that it will be won.

Pure: no I/O, no clock, no random. A stage that a redesign drops is retired, not forgotten: deals
that stand in it stay visible until they are moved on, and no deal can be moved into it any more.
A redesign's probabilities count for deals from the time on at which they enter a stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID, uuid5

import msgspec

from chassis.decider import Decider
from chassis.errors import BadInput, Conflict, NotFound
from chassis.events import Event
from chassis.ports import Claim
from pipeline.domain.naming import folded, key_of, tidy

STAGES_MOST = 30
CLOSINGS = ("won", "lost")
"""Not stages: a deal leaves the pipeline through one of these."""


class Stage(msgspec.Struct, frozen=True):
    """A step of a pipeline. `probability`: percent of the deals in it that will be won."""

    key: str
    name: str
    probability: int
    rotten_after_days: int | None = None


class PipelineDesigned(Event, frozen=True, tag="pipeline.pipeline-designed.v1"):
    """There is a new pipeline."""

    pipeline_id: UUID
    name: str
    stages: tuple[Stage, ...]
    external_id: str | None = None


class PipelineRedesigned(Event, frozen=True, tag="pipeline.pipeline-redesigned.v1"):
    """A pipeline has another name or other stages; `retired`: all that were dropped so far."""

    pipeline_id: UUID
    name: str
    stages: tuple[Stage, ...]
    external_id: str | None = None
    former_name: str | None = None
    retired: tuple[Stage, ...] = ()


PipelineEvent = PipelineDesigned | PipelineRedesigned


@dataclass(frozen=True, slots=True)
class StageDraft:
    """A stage as it is asked for; without a key it keeps that of the stage with its name."""

    name: str
    probability: int
    rotten_after_days: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DesignPipeline:
    """Make a pipeline. Asking again with the same id changes nothing."""

    pipeline_id: UUID
    name: str
    stages: tuple[StageDraft, ...]
    at: datetime
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class RedesignPipeline:
    """Give a pipeline this name and these stages."""

    name: str
    stages: tuple[StageDraft, ...]
    at: datetime


PipelineCommand = DesignPipeline | RedesignPipeline


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline as it stands."""

    pipeline_id: UUID
    name: str
    stages: tuple[Stage, ...]
    retired: tuple[Stage, ...] = ()
    external_id: str | None = None

    def find(self, wanted: str) -> Stage | None:
        """The stage with this key or name."""
        by_key = {stage.key: stage for stage in self.stages}
        by_name = {folded(stage.name): stage for stage in self.stages}
        return by_key.get(wanted) or by_name.get(folded(wanted))

    def stage(self, wanted: str | None) -> Stage:
        """The stage with this key or name; None: the first. Raises BadInput, Conflict."""
        if wanted is None:
            return self.stages[0]
        found = self.find(wanted)
        if found is not None:
            return found
        there = ", ".join(stage.key for stage in self.stages)
        if wanted in {stage.key for stage in self.retired}:
            raise Conflict(f"The stage {wanted} of {self.name} was retired; there are {there}.")
        if folded(wanted) in CLOSINGS:
            raise BadInput(f"{wanted} is no stage: use …/win or …/lose to close a deal.")
        raise BadInput(f"The pipeline {self.name} has no stage {wanted}; there are {there}.")


def evolve(pipeline: Pipeline | None, event: PipelineEvent) -> Pipeline | None:
    """The pipeline after an event."""
    match event:
        case PipelineDesigned():
            return Pipeline(
                event.pipeline_id, event.name, event.stages, external_id=event.external_id
            )
        case PipelineRedesigned():
            return replace(
                _there(pipeline), name=event.name, stages=event.stages, retired=event.retired
            )
        case _:
            assert_never(event)


def decide(command: PipelineCommand, pipeline: Pipeline | None) -> list[PipelineEvent]:
    """What a command leads to."""
    match command:
        case DesignPipeline():
            return _design(command, pipeline)
        case RedesignPipeline():
            return _redesign(command, pipeline)
        case _:
            assert_never(command)


def _there(pipeline: Pipeline | None) -> Pipeline:
    if pipeline is None:
        raise NotFound("There is no such pipeline.")
    return pipeline


def _design(command: DesignPipeline, pipeline: Pipeline | None) -> list[PipelineEvent]:
    if pipeline is not None:
        return []
    return [
        PipelineDesigned(
            pipeline_id=command.pipeline_id,
            name=tidy(command.name, "A pipeline"),
            stages=_stages(command.stages, ()),
            external_id=command.external_id,
            occurred_at=command.at,
        )
    ]


def _redesign(command: RedesignPipeline, pipeline: Pipeline | None) -> list[PipelineEvent]:
    old = _there(pipeline)
    name = tidy(command.name, "A pipeline")
    known = (*old.stages, *old.retired)
    stages = _stages(command.stages, known)
    if (name, stages) == (old.name, old.stages):
        return []
    kept = {stage.key for stage in stages}
    return [
        PipelineRedesigned(
            pipeline_id=old.pipeline_id,
            name=name,
            stages=stages,
            external_id=old.external_id,
            former_name=old.name,
            retired=tuple(stage for stage in known if stage.key not in kept),
            occurred_at=command.at,
        )
    ]


def _stages(drafts: Sequence[StageDraft], known: Sequence[Stage]) -> tuple[Stage, ...]:
    """Stages with keys. Raises BadInput for what is no pipeline."""
    if not 1 <= len(drafts) <= STAGES_MOST:
        raise BadInput(f"A pipeline needs 1 to {STAGES_MOST} stages.")
    keys = {folded(stage.name): stage.key for stage in reversed(known)}
    taken = {stage.key for stage in known} | {draft.key for draft in drafts if draft.key}
    stages: list[Stage] = []
    for draft in drafts:
        name = tidy(draft.name, "A stage")
        key = draft.key or keys.get(folded(name)) or key_of(name, (*taken, *CLOSINGS))
        taken.add(key)
        stages.append(Stage(key, name, draft.probability, draft.rotten_after_days))
    _check(stages)
    return tuple(stages)


def _check(stages: Sequence[Stage]) -> None:
    for stage in stages:
        if stage.key in CLOSINGS or folded(stage.name) in CLOSINGS:
            raise BadInput(f"{stage.name} is no stage: every deal can be won or lost anyway.")
        if not 0 <= stage.probability <= 100:
            raise BadInput(f"{stage.name}: the probability is a percentage from 0 to 100.")
        if stage.rotten_after_days is not None and stage.rotten_after_days < 1:
            raise BadInput(f"{stage.name}: rotten_after_days must be at least 1, or left out.")
    for values in ([s.key for s in stages], [folded(s.name) for s in stages]):
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise BadInput(f"There is more than one stage {', '.join(twice)}.")


def claims(event: PipelineEvent) -> Iterable[Claim]:
    """A name, and an external id, belongs to one pipeline of a workspace."""
    match event:
        case PipelineDesigned():
            yield Claim("pipeline_name", folded(event.name))
            if event.external_id is not None:
                yield Claim("pipeline_external_id", event.external_id)
        case PipelineRedesigned():
            if event.former_name is not None:
                yield Claim("pipeline_name", folded(event.former_name), release=True)
            yield Claim("pipeline_name", folded(event.name))


PIPELINE: Decider[PipelineCommand, Pipeline | None, PipelineEvent] = Decider(
    "pipeline", None, decide, evolve, (PipelineDesigned, PipelineRedesigned), claims
)


def default_pipeline_id(workspace: UUID) -> UUID:
    """The pipeline every workspace starts with: whoever makes it first, it is the same one."""
    return uuid5(workspace, "pipeline:sales")
