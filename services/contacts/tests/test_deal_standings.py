"""How deals stand, and whom they were with."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.read_models.deal_standings import (
    DEAL_PEOPLE,
    DEAL_STANDINGS,
    DEAL_STANDINGS_PROJECTION,
)
from contacts.received import DealLost, DealOpened, DealRelinked, DealReopened, DealWon

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DEAL, ADA, BOB = new_id(), new_id(), new_id()
DAY = date(2026, 3, 2)


def test_a_deal_stands_as_it_was_decided_last_and_knows_whom_it_was_with() -> None:
    book = History()
    steps: list[tuple[Any, str, Any]] = [
        (DealOpened(DEAL, "X", "s", 1, "EUR", contact_id=ADA, occurred_at=NOON), "open", ADA),
        (DealWon(DEAL, 1, "EUR", DAY, occurred_at=NOON), "won", ADA),
        (DealReopened(DEAL, "won", occurred_at=NOON), "open", ADA),
        (DealRelinked(DEAL, BOB, occurred_at=NOON), "open", BOB),
        (DealLost(DEAL, 1, "EUR", DAY, occurred_at=NOON), "lost", BOB),
        (DealRelinked(DEAL, occurred_at=NOON), "lost", None),
    ]
    events = []
    for event, status, contact in steps:
        events.append(book.add("deal", DEAL, event))
        [row] = project(DEAL_STANDINGS_PROJECTION, *events)[DEAL_STANDINGS]
        assert (row["status"], row["contact_id"]) == (status, contact)
    people = project(DEAL_STANDINGS_PROJECTION, *events)[DEAL_PEOPLE]
    assert {row["person_id"] for row in people} == {ADA, BOB}
