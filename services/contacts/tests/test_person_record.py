"""What we know of a person beside tags and jobs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.email_address import EmailAddress
from contacts.domain.person.events import (
    ConsentGiven,
    ConsentWithdrawn,
    PersonAdded,
    PersonEmailsChanged,
    PersonErased,
    PersonIdentified,
    PersonPhonesChanged,
    PersonProfileChanged,
)
from contacts.domain.phone_number import PhoneNumber
from contacts.read_models.person_record import (
    CONSENTS,
    PERSON_IDS,
    PERSON_RECORD_PROJECTION,
    PERSON_RECORDS,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA = new_id()
added = PersonAdded(
    ADA,
    "Ada",
    "Lovelace",
    emails=(EmailAddress("a@x.de", "work", True, "a@x.de"),),
    phones=(),
    tags=(),
    custom={"likes": ["tea"]},
    birthday=date(1985, 12, 10),
    external_id="7",
    occurred_at=NOON,
)


def rows_after(*events: Any) -> Any:
    book = History()
    recorded = [book.add("person", ADA, event) for event in (added, *events)]
    return project(PERSON_RECORD_PROJECTION, *recorded)


def test_a_record_holds_every_way_to_reach_a_person_and_the_profile() -> None:
    rows = rows_after()
    [record] = rows[PERSON_RECORDS]
    assert record["emails"] == [
        {"address": "a@x.de", "kind": "work", "primary": True, "folded": "a@x.de"}
    ]
    assert (record["birthday"], record["custom"]) == (date(1985, 12, 10), {"likes": ["tea"]})
    assert rows[PERSON_IDS] == [
        {"person_id": ADA, "source": "", "external_id": "7", "learned_at_version": 1}
    ]


def test_later_events_replace_what_they_speak_of() -> None:
    phone = PhoneNumber("+49 30 1", "work", True, "+49301")
    rows = rows_after(
        PersonEmailsChanged(ADA, (), occurred_at=LATER),
        PersonPhonesChanged(ADA, (phone,), occurred_at=LATER),
        PersonProfileChanged(ADA, ("city",), city="Rome", custom={}, occurred_at=LATER),
        PersonIdentified(ADA, "9", "zoho", occurred_at=LATER),
    )
    [record] = rows[PERSON_RECORDS]
    assert (record["emails"], record["city"], record["birthday"]) == ([], "Rome", None)
    assert record["phones"][0]["e164"] == "+49301"
    assert [(row["source"], row["learned_at_version"]) for row in rows[PERSON_IDS]] == [
        ("", 1),
        ("zoho", 5),
    ]


def test_the_last_word_on_a_consent_counts() -> None:
    rows = rows_after(
        ConsentGiven(ADA, "email", "news", "form", "v2", occurred_at=NOON),
        ConsentGiven(ADA, "phone", "news", occurred_at=NOON),
        ConsentWithdrawn(ADA, "email", "news", "call", occurred_at=LATER),
    )
    assert [(r["channel"], r["given"], r["source"], r["at"]) for r in rows[CONSENTS]] == [
        ("email", False, "call", LATER),
        ("phone", True, None, NOON),
    ]


def test_nothing_is_left_of_an_erased_person() -> None:
    consent = ConsentGiven(ADA, "email", "news", occurred_at=NOON)
    rows = rows_after(consent, PersonErased(ADA, occurred_at=LATER))
    assert all(found == [] for found in rows.values())
