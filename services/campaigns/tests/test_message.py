"""Messages: one result each, opens and clicks counted once per person, machines apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.domain.message import (
    MESSAGE,
    SAME_LOOK,
    DeferMessage,
    LinkClicked,
    MarkSent,
    MarkUncertain,
    MessageDeferred,
    MessageOpened,
    MessagePlanned,
    MessageRefused,
    MessageSent,
    MessageUncertain,
    NoteClick,
    NoteOpen,
    PlanMessage,
    RefuseMessage,
    message_id_of,
)
from chassis.errors import Conflict, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
BROADCAST, PERSON = new_id(), new_id()
ID = message_id_of(BROADCAST, PERSON)
IDS = (ID, BROADCAST, PERSON)
PLANNED = MessagePlanned(*IDS, occurred_at=NOON)
SENT = MessageSent(*IDS, NOON, occurred_at=NOON)
REFUSED = MessageRefused(*IDS, "smtp-550", "5.1.1", occurred_at=NOON)
UNCERTAIN = MessageUncertain(*IDS, occurred_at=NOON)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def opened(agent: str, seconds: float, *, machine: bool = False, first: bool = True) -> Any:
    return MessageOpened(*IDS, machine, first, agent, seconds, occurred_at=after(seconds))


def clicked(
    url: str, agent: str, seconds: float, *, machine: bool, first: bool, of_link: bool
) -> LinkClicked:
    at = after(seconds)
    return LinkClicked(*IDS, url, machine, first, of_link, agent, seconds, occurred_at=at)


def test_a_person_has_one_message_of_a_broadcast_whoever_asks() -> None:
    assert message_id_of(BROADCAST, PERSON) == ID
    assert message_id_of(BROADCAST, new_id()) != ID
    plan = PlanMessage(*IDS, None, NOON)
    given(MESSAGE).when(plan).then(PLANNED)
    given(MESSAGE, PLANNED).when(plan).then_refused(Conflict)


def test_whoever_cannot_be_written_to_is_refused_with_the_reason_at_once() -> None:
    refused = MessageRefused(*IDS, "unsubscribed", occurred_at=NOON)
    given(MESSAGE).when(PlanMessage(*IDS, "unsubscribed", NOON)).then(PLANNED, refused)


def test_a_message_has_one_result_and_the_first_one_stays() -> None:
    results: list[tuple[Any, Any]] = [
        (MarkSent(NOON), SENT),
        (RefuseMessage("smtp-550", "5.1.1", NOON), REFUSED),
        (MarkUncertain(NOON), UNCERTAIN),
    ]
    for command, event in results:
        given(MESSAGE, PLANNED).when(command).then(event)
        for other, _ in results:
            given(MESSAGE, PLANNED, event).when(other).then_nothing()


def test_try_later_is_counted_and_leaves_it_planned() -> None:
    defer = DeferMessage("smtp-451", after(60), NOON)
    first = MessageDeferred(*IDS, "smtp-451", 1, after(60), occurred_at=NOON)
    second = MessageDeferred(*IDS, "smtp-451", 2, after(60), occurred_at=NOON)
    given(MESSAGE, PLANNED).when(defer).then(first)
    given(MESSAGE, PLANNED, first).when(defer).then(second)
    given(MESSAGE, PLANNED, first).when(MarkSent(NOON)).then(SENT)


def test_the_first_open_of_a_person_counts_even_after_a_machine() -> None:
    by_machine = opened("apple-privacy", 1, machine=True)
    given(MESSAGE, PLANNED, SENT).when(NoteOpen("apple-privacy", after(1))).then(by_machine)
    past = (PLANNED, SENT, by_machine)
    given(MESSAGE, *past).when(NoteOpen("browser", after(9))).then(opened("browser", 9))
    again = (*past, opened("browser", 9))
    given(MESSAGE, *again).when(NoteOpen("browser", after(20))).then_nothing()
    much_later = 9 + SAME_LOOK.total_seconds()
    given(MESSAGE, *again).when(NoteOpen("browser", after(much_later))).then(
        opened("browser", much_later, first=False)
    )


def test_a_refused_message_is_not_opened_but_an_uncertain_one_may_be() -> None:
    given(MESSAGE, PLANNED, REFUSED).when(NoteOpen("browser", after(1))).then_nothing()
    given(MESSAGE, PLANNED, REFUSED).when(NoteClick("u", "browser", after(1))).then_nothing()
    given(MESSAGE, PLANNED, UNCERTAIN).when(NoteOpen("browser", after(1))).then(
        opened("browser", 1)
    )
    given(MESSAGE).when(NoteOpen("browser", NOON)).then_refused(NotFound)


def test_clicks_count_once_per_person_and_once_per_link() -> None:
    one = clicked("https://a", "browser", 60, machine=False, first=True, of_link=True)
    given(MESSAGE, PLANNED, SENT).when(NoteClick("https://a", "browser", after(60))).then(one)
    past = (PLANNED, SENT, one)
    given(MESSAGE, *past).when(NoteClick("https://a", "browser", after(61))).then_nothing()
    other = clicked("https://b", "browser", 90, machine=False, first=False, of_link=True)
    given(MESSAGE, *past).when(NoteClick("https://b", "browser", after(90))).then(other)


def test_following_several_links_within_moments_is_what_a_machine_does() -> None:
    one = clicked("https://a", "browser", 1, machine=False, first=True, of_link=True)
    burst = clicked("https://b", "browser", 1.5, machine=True, first=True, of_link=True)
    given(MESSAGE, PLANNED, SENT, one).when(NoteClick("https://b", "browser", after(1.5))).then(
        burst
    )
    slow = clicked("https://b", "browser", 3.1, machine=False, first=False, of_link=True)
    given(MESSAGE, PLANNED, SENT, one).when(NoteClick("https://b", "browser", after(3.1))).then(
        slow
    )


@pytest.mark.parametrize("agent", ["scanner", "bot", "none", "prefetch", "apple-privacy"])
def test_a_scanner_never_counts_as_a_person(agent: str) -> None:
    by_machine = clicked("https://a", agent, 60, machine=True, first=True, of_link=True)
    given(MESSAGE, PLANNED, SENT).when(NoteClick("https://a", agent, after(60))).then(by_machine)


def test_a_flood_of_fetches_ends() -> None:
    past = [opened(f"agent-{n}", n, first=n == 0) for n in range(200)]
    given(MESSAGE, PLANNED, SENT, *past).when(NoteOpen("browser", after(900))).then_nothing()
