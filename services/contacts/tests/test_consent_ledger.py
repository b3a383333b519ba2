"""Which changes of consents there were, what is known of each, and what an erasure leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chassis.events import Recorded
from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.person.events import ConsentGiven, ConsentWithdrawn, PersonErased
from contacts.read_models.consent_ledger import (
    ALL_MAILINGS,
    CONSENT_LEDGER,
    CONSENT_LEDGER_PROJECTION,
)
from contacts.received import PersonResubscribed, PersonUnsubscribed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 9, 12, tzinfo=UTC)
ADA, BOB, NEWS = new_id(), new_id(), new_id()


def a_story() -> list[Recorded[Any]]:
    book = History()
    form = ConsentGiven(ADA, "email", "news", "the form", "v3", occurred_at=NOON)
    return [
        book.add("person", ADA, form, recorded_at=LATER),
        book.add("person", ADA, ConsentWithdrawn(ADA, "email", "news", occurred_at=LATER)),
        book.add("person", BOB, ConsentGiven(BOB, "sms", "offers", occurred_at=NOON)),
        book.add("recipient", ADA, PersonUnsubscribed(ADA, "page", NEWS, "tea", occurred_at=NOON)),
        book.add("recipient", ADA, PersonResubscribed(ADA, "page", occurred_at=LATER)),
        book.add("recipient", BOB, PersonUnsubscribed(BOB, "one-click", occurred_at=NOON)),
    ]


def _brief(rows: list[dict[str, Any]], *names: str) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in names) for row in rows}


def test_every_change_has_a_row_of_its_own() -> None:
    rows = project(CONSENT_LEDGER_PROJECTION, *a_story())[CONSENT_LEDGER]
    assert _brief(rows, "person_id", "origin", "channel", "purpose", "given", "via") == {
        (ADA, "person", "email", "news", True, None),
        (ADA, "person", "email", "news", False, None),
        (BOB, "person", "sms", "offers", True, None),
        (ADA, "recipient", "email", "tea", False, "page"),
        (ADA, "recipient", "email", ALL_MAILINGS, True, "page"),
        (BOB, "recipient", "email", ALL_MAILINGS, False, "one-click"),
    }
    [form] = [row for row in rows if row["text_version"]]
    assert (form["source"], form["text_version"], form["actor"]) == ("the form", "v3", "user-1")
    assert (form["at"], form["recorded_at"]) == (NOON, LATER)


def test_of_whoever_is_erased_no_row_of_their_own_stays() -> None:
    story = a_story()
    gone = History().add("person", ADA, PersonErased(ADA, occurred_at=LATER))
    rows = project(CONSENT_LEDGER_PROJECTION, *story, gone)[CONSENT_LEDGER]
    left = _brief(rows, "person_id", "origin")
    assert left == {(BOB, "person"), (ADA, "recipient"), (BOB, "recipient")}
    # What campaigns wrote names nobody; topics are read in any order, so it may come later, too.
    assert all(row["source"] is None for row in rows if row["person_id"] == ADA)
