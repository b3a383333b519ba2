"""What is a contact's name, and which contacts have a given name? After erasure there is none."""

from __future__ import annotations

from typing import Any

from chassis.events import Event
from chassis.ids import new_id
from chassis.testing.projections import History, project
from pipeline.read_models.known_people import KNOWN_PEOPLE, KNOWN_PEOPLE_TABLE
from pipeline.received import (
    PersonAdded,
    PersonErased,
    PersonMerged,
    PersonRenamed,
    PersonUnmerged,
)
from pipeline.testing.lives import PERSON, on


def row_after(*events: Event) -> dict[str, Any]:
    book = History()
    rows = project(KNOWN_PEOPLE, *(book.add("person", PERSON, event) for event in events))
    (row,) = rows[KNOWN_PEOPLE_TABLE]
    return row


added = PersonAdded(person_id=PERSON, first_name="Ada", last_name="Byron", occurred_at=on(1))


def test_a_contact_goes_by_the_latest_name() -> None:
    renamed = PersonRenamed(
        person_id=PERSON, first_name="Ada", last_name="Lovelace", occurred_at=on(2)
    )
    assert row_after(added)["name"] == "Ada Byron"
    assert row_after(added, renamed)["name"] == "Ada Lovelace"
    assert row_after(added, renamed)["name_folded"] == "ada lovelace"


def test_a_contact_may_have_one_name_only() -> None:
    one = PersonAdded(person_id=PERSON, first_name=None, last_name="Teller", occurred_at=on(1))
    assert row_after(one)["name"] == "Teller"


def test_nothing_is_left_of_an_erased_contacts_name() -> None:
    erased = PersonErased(person_id=PERSON, occurred_at=on(3))
    unreadable = PersonAdded(person_id=PERSON, occurred_at=on(1))
    live = row_after(added, erased)
    assert (live["name"], live["name_folded"]) == ("[erased]", "")
    assert row_after(unreadable, erased) == live


def test_a_merged_contact_is_answered_for_until_it_is_unmerged() -> None:
    other = new_id()
    merged = PersonMerged(person_id=PERSON, into_id=other, occurred_at=on(2))
    apart = PersonUnmerged(person_id=PERSON, occurred_at=on(3))
    assert row_after(added, merged)["survivor_id"] == other
    assert row_after(added, merged, apart)["survivor_id"] is None
    assert row_after(added, merged)["name"] == "Ada Byron"
