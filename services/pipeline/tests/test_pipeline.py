"""Pipelines: stages in order, and what becomes of them when the pipeline is redesigned."""

from __future__ import annotations

import pytest

from chassis.errors import BadInput, NotFound
from chassis.ids import new_id
from chassis.ports import Claim
from chassis.testing.deciders import given
from pipeline.domain.pipeline import (
    PIPELINE,
    DesignPipeline,
    Pipeline,
    PipelineDesigned,
    PipelineRedesigned,
    RedesignPipeline,
    Stage,
    StageDraft,
    default_pipeline_id,
)
from pipeline.domain.templates import TEMPLATES
from pipeline.testing.lives import PIPELINE_ID, on

DRAFTS = (StageDraft("First call", 10, 14), StageDraft("Offer", 40))
STAGES = (Stage("first-call", "First call", 10, 14), Stage("offer", "Offer", 40))
NOW = on(1)

designed = PipelineDesigned(pipeline_id=PIPELINE_ID, name="Sales", stages=STAGES, occurred_at=NOW)


def redesign(*stages: StageDraft, name: str = "Sales") -> RedesignPipeline:
    return RedesignPipeline(name, stages, NOW)


def redesigned(
    *stages: Stage, name: str = "Sales", retired: tuple[Stage, ...] = ()
) -> PipelineRedesigned:
    return PipelineRedesigned(
        pipeline_id=PIPELINE_ID,
        name=name,
        stages=stages,
        former_name="Sales",
        retired=retired,
        occurred_at=NOW,
    )


def test_stages_get_their_keys_from_their_names() -> None:
    given(PIPELINE).when(DesignPipeline(PIPELINE_ID, " Sales ", DRAFTS, NOW)).then(designed)


def test_names_that_differ_only_in_signs_get_different_keys() -> None:
    drafts = (StageDraft("Offer!", 10), StageDraft("Offer?", 20), StageDraft("???", 30))
    (event,) = PIPELINE.decide(DesignPipeline(PIPELINE_ID, "Sales", drafts, NOW), None)
    assert [stage.key for stage in event.stages] == ["offer", "offer-2", "stage"]


def test_designing_the_same_pipeline_again_changes_nothing() -> None:
    given(PIPELINE, designed).when(DesignPipeline(PIPELINE_ID, "Other", DRAFTS, NOW)).then_nothing()


@pytest.mark.parametrize(
    ("drafts", "saying"),
    [
        ((), "1 to 30 stages"),
        ((StageDraft("A", 10),) * 31, "1 to 30 stages"),
        ((StageDraft(" ", 10),), "needs a name"),
        ((StageDraft("A", 101),), "percentage"),
        ((StageDraft("A", 10, 0),), "rotten_after_days"),
        ((StageDraft("A", 10), StageDraft("a ", 20)), "more than one stage a"),
        ((StageDraft("A", 1, key="x"), StageDraft("B", 2, key="x")), "more than one stage x"),
        ((StageDraft("Won", 100),), "is no stage"),
        ((StageDraft("Yes", 100, key="lost"),), "is no stage"),
    ],
)
def test_what_is_no_pipeline_is_refused(drafts: tuple[StageDraft, ...], saying: str) -> None:
    asked = DesignPipeline(PIPELINE_ID, "Sales", drafts, NOW)
    given(PIPELINE).when(asked).then_refused(BadInput, saying)


def test_a_pipeline_has_a_name() -> None:
    given(PIPELINE).when(DesignPipeline(PIPELINE_ID, "", DRAFTS, NOW)).then_refused(BadInput)


def test_a_dropped_stage_is_retired_and_comes_back_under_its_key() -> None:
    offer = StageDraft("offer", 50)
    smaller = redesigned(Stage("offer", "offer", 50), retired=(STAGES[0],))
    given(PIPELINE, designed).when(redesign(offer)).then(smaller)
    back = redesigned(Stage("first-call", "FIRST call", 15), Stage("offer", "offer", 50))
    given(PIPELINE, designed, smaller).when(redesign(StageDraft("FIRST call", 15), offer)).then(
        back
    )


def test_a_stage_keeps_its_key_when_it_gets_another_name() -> None:
    drafts = (StageDraft("Hello", 10, 14, key="first-call"), StageDraft("Offer", 40))
    renamed = redesigned(Stage("first-call", "Hello", 10, 14), STAGES[1])
    given(PIPELINE, designed).when(redesign(*drafts)).then(renamed)


def test_a_redesign_that_changes_nothing_is_no_event() -> None:
    given(PIPELINE, designed).when(redesign(*DRAFTS)).then_nothing()


def test_only_a_pipeline_that_is_there_can_be_redesigned() -> None:
    given(PIPELINE).when(redesign(*DRAFTS)).then_refused(NotFound)


def test_a_name_belongs_to_one_pipeline_and_is_given_back_when_it_changes() -> None:
    assert list(PIPELINE.claims(designed)) == [Claim("pipeline_name", "sales")]
    renamed = redesigned(*STAGES, name="Renewals")
    assert list(PIPELINE.claims(renamed)) == [
        Claim("pipeline_name", "sales", release=True),
        Claim("pipeline_name", "renewals"),
    ]


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_a_pipeline(name: str) -> None:
    template = TEMPLATES[name]
    asked = DesignPipeline(PIPELINE_ID, template.name, template.stages, NOW)
    (event,) = PIPELINE.decide(asked, None)
    assert PIPELINE.fold([event]) == Pipeline(PIPELINE_ID, template.name, event.stages)


def test_a_workspace_has_one_default_pipeline_of_its_own() -> None:
    one, other = new_id(), new_id()
    assert default_pipeline_id(one) == default_pipeline_id(one)
    assert default_pipeline_id(one) != default_pipeline_id(other)
