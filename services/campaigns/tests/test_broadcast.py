"""Broadcasts: planned, launched, started with a frozen audience, paused, finished."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.domain.audience import Audience
from campaigns.domain.broadcast import (
    BROADCAST,
    BroadcastCancelled,
    BroadcastFinished,
    BroadcastLaunched,
    BroadcastPaused,
    BroadcastPlanned,
    BroadcastResumed,
    BroadcastScheduled,
    BroadcastStarted,
    CancelBroadcast,
    FinishBroadcast,
    LaunchBroadcast,
    LaunchWhenDue,
    PauseBroadcast,
    PlanBroadcast,
    ResumeBroadcast,
    ScheduleBroadcast,
    StartBroadcast,
)
from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=3)
ID, TEMPLATE_ID = new_id(), new_id()
ALL = Audience(everyone=True)
PLAN = PlanBroadcast(ID, "Spring", TEMPLATE_ID, "News", ALL, None, NOON)
PLANNED = BroadcastPlanned(ID, "Spring", TEMPLATE_ID, "News", ALL, occurred_at=NOON)
DATED = BroadcastPlanned(ID, "Spring", TEMPLATE_ID, "News", ALL, LATER, occurred_at=NOON)
LAUNCHED = BroadcastLaunched(ID, occurred_at=NOON)
STARTED = BroadcastStarted(ID, "Spring", TEMPLATE_ID, "Hi", 7, "News", 2, occurred_at=NOON)
PAUSED = BroadcastPaused(ID, occurred_at=NOON)
FINISHED = BroadcastFinished(ID, 5, 1, 1, occurred_at=NOON)


def test_a_broadcast_is_planned_for_an_audience_somebody_can_tell() -> None:
    given(BROADCAST).when(PLAN).then(PLANNED)
    given(BROADCAST, PLANNED).when(PLAN).then_refused(Conflict)


@pytest.mark.parametrize(
    ("audience", "saying"),
    [
        (Audience(), "Say whom it is for"),
        (Audience(everyone=True, tags=["vip"]), "Say whom it is for"),
        (Audience(filter={"shoe": ["9"]}), "filtered by shoe"),
        (Audience(filter={"city": []}), "needs a value"),
        (Audience(filter={"city": [" "]}), "is empty"),
        (Audience(filter={"company": ["Acme"]}), "by its id"),
        (Audience(tags=["a\0b"]), "U+0000"),
    ],
)
def test_an_audience_nobody_can_tell_is_refused(audience: Audience, saying: str) -> None:
    plan = PlanBroadcast(ID, "Spring", TEMPLATE_ID, "News", audience, None, NOON)
    given(BROADCAST).when(plan).then_refused(BadInput, saying)


def test_name_and_topic_are_needed_and_short() -> None:
    for name, topic in ((" ", "News"), ("Spring", ""), ("x" * 201, "News"), ("a\0b", "b")):
        plan = PlanBroadcast(ID, name, TEMPLATE_ID, topic, ALL, None, NOON)
        given(BROADCAST).when(plan).then_refused(BadInput)


def test_it_goes_from_launch_to_start_to_its_end() -> None:
    given(BROADCAST, PLANNED).when(LaunchBroadcast(NOON)).then(LAUNCHED)
    given(BROADCAST, PLANNED, LAUNCHED).when(StartBroadcast("Hi", 7, 2, NOON)).then(STARTED)
    past = (PLANNED, LAUNCHED, STARTED)
    given(BROADCAST, *past).when(FinishBroadcast(5, 1, 1, NOON)).then(FINISHED)
    given(BROADCAST, *past, FINISHED).when(FinishBroadcast(5, 1, 1, NOON)).then_nothing()


def test_asking_twice_to_launch_is_no_error_but_a_finished_one_stays_finished() -> None:
    for past in ((PLANNED, LAUNCHED), (PLANNED, LAUNCHED, STARTED)):
        given(BROADCAST, *past).when(LaunchBroadcast(NOON)).then_nothing()
    past3 = (PLANNED, LAUNCHED, STARTED, FINISHED)
    given(BROADCAST, *past3).when(LaunchBroadcast(NOON)).then_refused(Conflict, "new broadcast")
    given(BROADCAST, PLANNED).when(StartBroadcast("Hi", 7, 2, NOON)).then_refused(Conflict)


def test_it_is_paused_and_resumed() -> None:
    past = (PLANNED, LAUNCHED, STARTED)
    given(BROADCAST, *past).when(PauseBroadcast(NOON)).then(PAUSED)
    given(BROADCAST, *past, PAUSED).when(PauseBroadcast(NOON)).then_nothing()
    resumed = BroadcastResumed(ID, occurred_at=NOON)
    given(BROADCAST, *past, PAUSED).when(ResumeBroadcast(NOON)).then(resumed)
    given(BROADCAST, *past).when(ResumeBroadcast(NOON)).then_nothing()
    given(BROADCAST, *past, PAUSED).when(LaunchBroadcast(NOON)).then_refused(Conflict, "resume")
    given(BROADCAST, PLANNED, LAUNCHED).when(PauseBroadcast(NOON)).then_refused(Conflict, "moment")
    given(BROADCAST, PLANNED).when(PauseBroadcast(NOON)).then_refused(Conflict)
    given(BROADCAST, PLANNED).when(ResumeBroadcast(NOON)).then_refused(Conflict)


def test_the_clock_launches_it_only_at_the_time_that_still_holds() -> None:
    launched = BroadcastLaunched(ID, occurred_at=LATER)
    given(BROADCAST, DATED).when(LaunchWhenDue(LATER)).then(launched)
    moved = BroadcastScheduled(ID, LATER + timedelta(days=1), occurred_at=NOON)
    taken_back = BroadcastScheduled(ID, None, occurred_at=NOON)
    for change in (moved, taken_back, LAUNCHED, BroadcastCancelled(ID, occurred_at=NOON)):
        given(BROADCAST, DATED, change).when(LaunchWhenDue(LATER)).then_nothing()


def test_its_date_can_be_moved_until_it_is_launched() -> None:
    scheduled = BroadcastScheduled(ID, LATER, occurred_at=NOON)
    given(BROADCAST, PLANNED).when(ScheduleBroadcast(LATER, NOON)).then(scheduled)
    given(BROADCAST, DATED).when(ScheduleBroadcast(LATER, NOON)).then_nothing()
    given(BROADCAST, DATED, LAUNCHED).when(ScheduleBroadcast(None, NOON)).then_refused(Conflict)


def test_it_can_be_given_up_before_it_starts_and_not_after() -> None:
    cancelled = BroadcastCancelled(ID, occurred_at=NOON)
    given(BROADCAST, PLANNED).when(CancelBroadcast(NOON)).then(cancelled)
    given(BROADCAST, PLANNED, cancelled).when(CancelBroadcast(NOON)).then_nothing()
    past = (PLANNED, LAUNCHED, STARTED)
    given(BROADCAST, *past).when(CancelBroadcast(NOON)).then_refused(Conflict, "taken back")


@pytest.mark.parametrize(
    "command", [LaunchBroadcast(NOON), PauseBroadcast(NOON), CancelBroadcast(NOON)]
)
def test_what_is_not_there_cannot_be_sent(command: Any) -> None:
    given(BROADCAST).when(command).then_refused(NotFound)
