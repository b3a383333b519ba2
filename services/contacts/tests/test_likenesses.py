"""What is compared of each person, and since when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.email_address import EmailAddress
from contacts.domain.person.events import (
    PersonAdded,
    PersonEmailsChanged,
    PersonErased,
    PersonJoinedCompany,
    PersonMerged,
    PersonRenamed,
    PersonTagged,
    PersonUnmerged,
)
from contacts.read_models.likenesses import LIKENESSES, LIKENESSES_PROJECTION, traits_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA, ACME, OTHER = new_id(), new_id(), new_id()
added = PersonAdded(
    ADA,
    "Zoë",
    "Östergård",
    emails=(EmailAddress("Zoe@x.de", "work", True, "zoe@x.de"),),
    phones=(),
    tags=(),
    custom={"postcode": 2830, "vip": True},
    birthday=date(1990, 1, 2),
    city="Bonn",
    occurred_at=NOON,
)


def row_after(*events: Any) -> dict[str, Any]:
    book = History()
    recorded = [book.add("person", ADA, event) for event in (added, *events)]
    (row,) = project(LIKENESSES_PROJECTION, *recorded)[LIKENESSES]
    return row


def test_everything_that_tells_who_somebody_is_is_compared() -> None:
    row = row_after(
        PersonRenamed(ADA, "Zoë", "Berg", occurred_at=LATER),
        PersonJoinedCompany(ADA, ACME, None, ACME, occurred_at=LATER),
    )
    assert traits_of(row) == {
        "first_name": ("zoe",),
        "last_name": ("berg",),
        "email": ("zoe@x.de",),
        "birthday": ("19900102",),
        "city": ("bonn",),
        "company": (str(ACME),),
        "custom.postcode": ("2830",),
    }


def test_only_what_is_compared_moves_it() -> None:
    assert row_after(PersonTagged(ADA, "VIP", occurred_at=LATER))["version"] == 1
    changed = row_after(PersonEmailsChanged(ADA, (), occurred_at=LATER))
    assert (changed["version"], changed["recorded_at"]) == (2, LATER)


def test_a_merged_record_is_not_compared_until_it_is_unmerged() -> None:
    merged = PersonMerged(ADA, OTHER, occurred_at=LATER)
    assert row_after(merged)["gone"] is True
    assert row_after(merged, PersonUnmerged(ADA, OTHER, occurred_at=LATER))["gone"] is False


def test_nothing_is_left_of_an_erased_person() -> None:
    row = row_after(PersonErased(ADA, occurred_at=LATER))
    assert row["gone"] is True
    assert traits_of(row) == {}
