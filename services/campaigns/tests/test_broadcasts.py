"""What came of a broadcast, counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.domain.audience import Audience
from campaigns.domain.broadcast import (
    BroadcastCancelled,
    BroadcastFinished,
    BroadcastLaunched,
    BroadcastPaused,
    BroadcastPlanned,
    BroadcastResumed,
    BroadcastScheduled,
    BroadcastStarted,
)
from campaigns.domain.message import (
    LinkClicked,
    MessageOpened,
    MessageRefused,
    MessageSent,
    MessageUncertain,
)
from campaigns.domain.recipient import PersonUnsubscribed
from campaigns.read_models.broadcasts import BROADCASTS, COUNTS, LINKS, PROJECTION
from chassis.ids import new_id
from chassis.testing.projections import History, project

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
B, T = new_id(), new_id()
AUDIENCE = Audience(tags=["vip"], filter={"city": ["Rome"]})


def test_a_broadcast_is_followed_from_plan_to_end() -> None:
    book = History()
    steps: list[tuple[Any, str]] = [
        (BroadcastPlanned(B, "Spring", T, "News", AUDIENCE, occurred_at=NOON), "planned"),
        (BroadcastScheduled(B, LATER, occurred_at=NOON), "planned"),
        (BroadcastLaunched(B, occurred_at=NOON), "starting"),
        (BroadcastStarted(B, "Spring", T, "Hi", 7, "News", 3, occurred_at=LATER), "sending"),
        (BroadcastPaused(B, occurred_at=LATER), "paused"),
        (BroadcastResumed(B, occurred_at=LATER), "sending"),
        (BroadcastFinished(B, 5, 1, 1, occurred_at=LATER), "finished"),
    ]
    recorded = [book.add("broadcast", B, event) for event, _ in steps]
    for n, (_, status) in enumerate(steps, start=1):
        [row] = project(PROJECTION, *recorded[:n])[BROADCASTS]
        assert (row["status"], row["version"]) == (status, n)
    assert (row["audience_size"], row["template_version"], row["subject"]) == (7, 3, "Hi")
    assert (row["planned_at"], row["send_at"], row["started_at"], row["finished_at"]) == (
        NOON,
        LATER,
        LATER,
        LATER,
    )
    assert row["audience"]["tags"] == ["vip"]
    cancelled = BroadcastCancelled(B, occurred_at=NOON)
    again = History()
    [row] = project(
        PROJECTION, again.add("broadcast", B, steps[0][0]), again.add("broadcast", B, cancelled)
    )[BROADCASTS]
    assert row["status"] == "cancelled"


def test_every_person_counts_once_and_machines_by_themselves() -> None:
    book = History()
    people = [(new_id(), B, new_id()) for _ in range(6)]
    events: list[tuple[int, Any]] = [
        *((n, MessageSent(*people[n], NOON, occurred_at=NOON)) for n in range(4)),
        (4, MessageRefused(*people[4], "smtp-550", occurred_at=NOON)),
        (5, MessageUncertain(*people[5], occurred_at=NOON)),
        (0, MessageOpened(*people[0], True, True, occurred_at=NOON)),
        (0, MessageOpened(*people[0], False, True, occurred_at=NOON)),
        (0, MessageOpened(*people[0], False, False, occurred_at=NOON)),
        (1, MessageOpened(*people[1], False, True, occurred_at=NOON)),
        (0, LinkClicked(*people[0], "https://a", False, True, True, occurred_at=NOON)),
        (0, LinkClicked(*people[0], "https://a", False, False, False, occurred_at=NOON)),
        (0, LinkClicked(*people[0], "https://b", False, False, True, occurred_at=NOON)),
        (1, LinkClicked(*people[1], "https://a", False, True, True, occurred_at=NOON)),
        (2, LinkClicked(*people[2], "https://a", True, True, True, occurred_at=NOON)),
    ]
    recorded = [book.add("message", people[n][0], event) for n, event in events]
    for first in (True, False):
        recorded.append(
            book.add(
                "recipient",
                people[0][2],
                PersonUnsubscribed(people[0][2], B, None, None, "page", first, occurred_at=NOON),
            )
        )
    by_hand = PersonUnsubscribed(people[1][2], None, None, None, "by-hand", occurred_at=NOON)
    recorded.append(book.add("recipient", people[1][2], by_hand))
    rows = project(PROJECTION, *recorded)
    assert rows[COUNTS] == [
        {
            "broadcast_id": B,
            "sent": 4,
            "refused": 1,
            "uncertain": 1,
            "opened": 2,
            "machine_opened": 1,
            "clicked": 2,
            "machine_clicked": 1,
            "unsubscribed": 1,
        }
    ]
    links = {row["url"]: (row["clicked"], row["machine_clicked"]) for row in rows[LINKS]}
    assert links == {"https://a": (2, 1), "https://b": (1, 0)}
