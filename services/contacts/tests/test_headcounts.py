"""How many people are known at each company."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.person.events import (
    PersonAdded,
    PersonErased,
    PersonJoinedCompany,
    PersonLeftCompany,
)
from contacts.read_models.headcounts import HEADCOUNTS, HEADCOUNTS_PROJECTION

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_people_come_and_go_and_an_erased_one_goes_everywhere() -> None:
    book, acme, beta = History(), new_id(), new_id()
    ada, bob = new_id(), new_id()
    nothing: dict[str, Any] = {
        "emails": (),
        "phones": (),
        "tags": (),
        "custom": {},
        "occurred_at": NOON,
    }
    events = [
        book.add("person", ada, PersonAdded(ada, "Ada", "", company_id=acme, **nothing)),
        book.add("person", bob, PersonAdded(bob, "Bob", "", company_id=acme, **nothing)),
        book.add("person", ada, PersonJoinedCompany(ada, beta, occurred_at=NOON)),
        book.add("person", bob, PersonLeftCompany(bob, acme, occurred_at=NOON)),
    ]
    counted = {
        r["company_id"]: r["people"] for r in project(HEADCOUNTS_PROJECTION, *events)[HEADCOUNTS]
    }
    assert counted == {acme: 1, beta: 1}
    gone = PersonErased(ada, company_ids=(acme, beta), occurred_at=NOON)
    rows = project(HEADCOUNTS_PROJECTION, *events, book.add("person", ada, gone))[HEADCOUNTS]
    assert {row["people"] for row in rows} == {0}


def test_the_rows_are_added_to_only() -> None:
    assert HEADCOUNTS_PROJECTION.shared == (HEADCOUNTS,)
