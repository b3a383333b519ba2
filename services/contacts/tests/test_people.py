"""The list of people: its rows, and how a page of them is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.events import Recorded
from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.email_address import EmailAddress
from contacts.domain.person.events import (
    ConsentGiven,
    InteractionLogged,
    PersonAdded,
    PersonAssigned,
    PersonEmailsChanged,
    PersonErased,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonRenamed,
    PersonRoleChanged,
    PersonTagged,
    PersonUntagged,
)
from contacts.read_models.people import JOBS, PEOPLE, PEOPLE_PROJECTION, PERSON_TAGS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA, ACME, BETA, BOB = new_id(), new_id(), new_id(), new_id()
MAIL = EmailAddress("Ada@x.de", "work", True, "ada@x.de")

added = PersonAdded(
    ADA,
    "Zoë",
    "Östergård",
    emails=(MAIL,),
    phones=(),
    tags=("VIP",),
    custom={},
    company_id=ACME,
    company_role="Boss",
    owner_id=BOB,
    country="Deutschland",
    occurred_at=NOON,
)


def after(*events: Any) -> tuple[Recorded[Any], ...]:
    book = History()
    return tuple(book.add("person", ADA, event) for event in (added, *events))


def test_a_person_is_a_row_with_what_lists_show() -> None:
    rows = project(PEOPLE_PROJECTION, *after())
    assert rows[PEOPLE] == [
        {
            "person_id": ADA,
            "version": 1,
            "first_name": "Zoë",
            "last_name": "Östergård",
            "sort_name": "ostergard zoe",
            "email": "Ada@x.de",
            "phone": None,
            "company_id": ACME,
            "owner_id": BOB,
            "city": None,
            "country": "Deutschland",
            "country_key": "DE",
            "created_at": NOON,
            "last_activity_at": NOON,
            "merged_into": None,
        }
    ]
    assert rows[PERSON_TAGS] == [{"person_id": ADA, "folded": "vip", "tag": "VIP"}]
    assert rows[JOBS] == [
        {"person_id": ADA, "company_id": ACME, "role": "Boss", "joined_at_version": 1}
    ]


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (PersonRenamed(ADA, "Zoe", "King", occurred_at=LATER), {"sort_name": "king zoe"}),
        (PersonEmailsChanged(ADA, (), occurred_at=LATER), {"email": None}),
        (PersonPhonesChanged(ADA, (), occurred_at=LATER), {"phone": None}),
        (PersonProfileChanged(ADA, ("city",), city="Rome", occurred_at=LATER), {"city": "Rome"}),
        (PersonAssigned(ADA, None, BOB, occurred_at=LATER), {"owner_id": None}),
        (PersonJoinedCompany(ADA, BETA, None, ACME, occurred_at=LATER), {"company_id": ACME}),
        (PersonLeftCompany(ADA, ACME, None, occurred_at=LATER), {"company_id": None}),
        (ConsentGiven(ADA, "email", "news", occurred_at=LATER), {}),
    ],
)
def test_every_event_moves_the_version_and_what_it_says(event: Any, changed: Any) -> None:
    [row] = project(PEOPLE_PROJECTION, *after(event))[PEOPLE]
    assert row["version"] == 2
    assert {name: row[name] for name in changed} == changed


def test_only_the_latest_interaction_moves_the_last_activity() -> None:
    call = InteractionLogged(new_id(), ADA, "call", "x", LATER, latest=True, occurred_at=LATER)
    old = InteractionLogged(new_id(), ADA, "call", "x", NOON, latest=False, occurred_at=NOON)
    [row] = project(PEOPLE_PROJECTION, *after(call, old))[PEOPLE]
    assert (row["last_activity_at"], row["version"]) == (LATER, 3)


def test_tags_and_jobs_come_and_go() -> None:
    rows = project(
        PEOPLE_PROJECTION,
        *after(
            PersonTagged(ADA, "Neu", occurred_at=LATER),
            PersonUntagged(ADA, "VIP", occurred_at=LATER),
            PersonJoinedCompany(ADA, BETA, None, ACME, occurred_at=LATER),
            PersonRoleChanged(ADA, BETA, "Owner", occurred_at=LATER),
            PersonLeftCompany(ADA, ACME, BETA, occurred_at=LATER),
        ),
    )
    assert [row["tag"] for row in rows[PERSON_TAGS]] == ["Neu"]
    [job] = rows[JOBS]
    assert (job["company_id"], job["role"], job["joined_at_version"]) == (BETA, "Owner", 4)
    assert rows[PEOPLE][0]["company_id"] == BETA


def test_nothing_is_left_of_an_erased_person() -> None:
    rows = project(PEOPLE_PROJECTION, *after(PersonErased(ADA, occurred_at=LATER)))
    assert all(found == [] for found in rows.values())
