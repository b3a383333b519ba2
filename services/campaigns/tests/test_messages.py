"""What became of each message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.domain.message import (
    LinkClicked,
    MessageDeferred,
    MessageOpened,
    MessagePlanned,
    MessageRefused,
    MessageSent,
    MessageUncertain,
)
from campaigns.read_models.messages import MESSAGES, PROJECTION
from chassis.ids import new_id
from chassis.testing.projections import History, project

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
IDS = (new_id(), new_id(), new_id())
PLANNED = MessagePlanned(*IDS, occurred_at=NOON)


def row_after(*events: Any) -> dict[str, Any]:
    book = History()
    [row] = project(PROJECTION, *(book.add("message", IDS[0], e) for e in events))[MESSAGES]
    return row


def test_a_message_waits_to_be_sent() -> None:
    row = row_after(PLANNED, MessageDeferred(*IDS, "smtp-451", 1, LATER, occurred_at=NOON))
    assert (row["status"], row["attempts"], row["retry_at"], row["reason"]) == (
        "planned",
        1,
        LATER,
        "smtp-451",
    )


def test_its_result_stands_with_the_reason() -> None:
    deferred = MessageDeferred(*IDS, "smtp-451", 1, LATER, occurred_at=NOON)
    sent = row_after(PLANNED, deferred, MessageSent(*IDS, LATER, occurred_at=LATER))
    assert (sent["status"], sent["settled_at"], sent["reason"], sent["retry_at"]) == (
        "sent",
        LATER,
        None,
        None,
    )
    refused = row_after(PLANNED, MessageRefused(*IDS, "smtp-550", "5.1.1", occurred_at=LATER))
    assert (refused["status"], refused["reason"], refused["smtp_status"]) == (
        "refused",
        "smtp-550",
        "5.1.1",
    )
    assert row_after(PLANNED, MessageUncertain(*IDS, occurred_at=LATER))["status"] == "uncertain"


def test_looks_at_it_are_counted_and_the_first_of_a_person_is_dated() -> None:
    row = row_after(
        PLANNED,
        MessageSent(*IDS, NOON, occurred_at=NOON),
        MessageOpened(*IDS, True, True, occurred_at=NOON),
        MessageOpened(*IDS, False, True, occurred_at=LATER),
        MessageOpened(*IDS, False, False, occurred_at=LATER + timedelta(hours=1)),
        LinkClicked(*IDS, "https://a", False, True, True, occurred_at=LATER),
        LinkClicked(*IDS, "https://a", True, True, True, occurred_at=LATER),
    )
    assert (row["opens"], row["machine_opens"], row["opened_at"]) == (2, 1, LATER)
    assert (row["clicks"], row["machine_clicks"], row["clicked_at"]) == (1, 1, LATER)
