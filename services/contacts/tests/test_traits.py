"""What is known of a person, as conditions compare it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.email_address import EmailAddress
from contacts.domain.person.events import (
    InteractionLogged,
    PersonAdded,
    PersonAssigned,
    PersonErased,
    PersonMerged,
    PersonRenamed,
    PersonUnmerged,
)
from contacts.read_models.traits import DEEDS, SUPPRESSIONS, TRAITS, TRAITS_PROJECTION
from contacts.received import (
    LinkClicked,
    MessageOpened,
    MessageSent,
    PersonResubscribed,
    PersonUnsubscribed,
    RecipientReleased,
    RecipientSuppressed,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA, OTHER, MAIL, NEWS = new_id(), new_id(), new_id(), new_id()
UNTOLD: dict[str, Any] = {"list": [1], "mixed": ["a", 1], "none": [], "map": {"a": "b"}}
added = PersonAdded(
    ADA,
    "Zoë",
    "Östergård",
    emails=(EmailAddress("Zoe@x.de", "work", True, "zoe@x.de"),),
    phones=(),
    tags=(),
    custom={"Shoe": "Größe 38", "age": 30, "vip": True, "likes": ["Tee", " "], **UNTOLD},
    birthday=date(1990, 1, 2),
    city=" Bonn ",
    country="Germany",
    occurred_at=NOON,
)


def test_texts_are_folded_and_days_begin_at_midnight() -> None:
    book = History()
    [row] = project(TRAITS_PROJECTION, book.add("person", ADA, added))[TRAITS]
    assert (row["first_name"], row["last_name"], row["email"]) == (
        "zoe",
        "ostergard",
        "zoe@x.de",
    )
    assert (row["city"], row["country"], row["phone"]) == ("bonn", "DE", None)
    assert row["birthday"] == datetime(1990, 1, 2, tzinfo=UTC)
    assert row["custom"] == {"Shoe": "grosse 38", "age": "30", "vip": "yes", "likes": ["tee"]}
    events: list[Any] = [
        book.add("person", ADA, PersonRenamed(ADA, "Ada", "", occurred_at=NOON)),
        book.add("person", ADA, PersonAssigned(ADA, OTHER, None, occurred_at=NOON)),
        book.add("person", ADA, PersonMerged(ADA, OTHER, occurred_at=NOON)),
    ]
    [row] = project(TRAITS_PROJECTION, *events)[TRAITS]
    assert (row["first_name"], row["last_name"], row["owner_id"]) == ("ada", None, OTHER)
    assert row["merged_into"] == OTHER
    back = book.add("person", ADA, PersonUnmerged(ADA, OTHER, occurred_at=NOON))
    [row] = project(TRAITS_PROJECTION, *events, back)[TRAITS]
    assert row["merged_into"] is None


def test_mails_count_once_and_machines_do_not() -> None:
    book = History()
    kept: dict[str, Any] = {"machine": False, "first": True, "occurred_at": LATER}
    events = [
        book.add("message", MAIL, MessageSent(MAIL, NEWS, ADA, occurred_at=NOON)),
        book.add("message", MAIL, MessageOpened(MAIL, NEWS, ADA, **kept)),
        book.add("message", MAIL, MessageOpened(MAIL, NEWS, ADA, **{**kept, "first": False})),
        book.add("message", MAIL, LinkClicked(MAIL, NEWS, ADA, "x", **{**kept, "machine": True})),
    ]
    rows = project(TRAITS_PROJECTION, *events)[DEEDS]
    assert {row["kind"]: row["at"] for row in rows} == {"sent": NOON, "opened": LATER}


def test_reasons_to_send_no_mail_come_and_go() -> None:
    book = History()
    events = [
        book.add("recipient", ADA, event)
        for event in (
            PersonUnsubscribed(ADA, "page", occurred_at=NOON),
            PersonUnsubscribed(ADA, "page", topic="news", occurred_at=NOON),
            RecipientSuppressed(ADA, "consent-withdrawn:x", occurred_at=NOON),
            PersonResubscribed(ADA, occurred_at=NOON),
        )
    ]
    rows = project(TRAITS_PROJECTION, *events)[SUPPRESSIONS]
    assert [(row["kind"], row["reason"]) for row in rows] == [("suppressed", "consent-withdrawn:x")]
    gone = RecipientReleased(ADA, "consent-withdrawn:x", occurred_at=NOON)
    events.append(book.add("recipient", ADA, gone))
    assert project(TRAITS_PROJECTION, *events)[SUPPRESSIONS] == []


def test_nothing_of_their_own_stays_of_who_was_erased() -> None:
    book, talk = History(), new_id()
    events = [
        book.add("person", ADA, added),
        book.add("person", ADA, InteractionLogged(talk, ADA, "note", "x", NOON, occurred_at=NOON)),
    ]
    [deed] = project(TRAITS_PROJECTION, *events)[DEEDS]
    assert (deed["kind"], deed["thing_id"], deed["at"]) == ("interaction", talk, NOON)
    events.append(book.add("person", ADA, PersonErased(ADA, occurred_at=LATER)))
    rows = project(TRAITS_PROJECTION, *events)
    assert (rows[TRAITS], rows[DEEDS]) == ([], [])


def test_numbers_of_own_fields_are_told_whole() -> None:
    book = History()
    numbers = {"big": 123_456_789.25, "small": 0.00001, "whole": 1100.0, "least": -3}
    event = msgspec.structs.replace(added, custom=numbers)
    [row] = project(TRAITS_PROJECTION, book.add("person", ADA, event))[TRAITS]
    assert row["custom"] == {
        "big": "123456789.25",
        "small": "0.00001",
        "whole": "1100",
        "least": "-3",
    }
