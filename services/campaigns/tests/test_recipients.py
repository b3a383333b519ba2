"""People as campaigns know them: folded from what the address book tells."""

from __future__ import annotations

from datetime import UTC, datetime

from campaigns.read_models.recipients import (
    COMPANIES,
    JOBS,
    PROJECTION,
    RECIPIENTS,
    SEGMENTS,
    TAGS,
    folded,
    values_of,
)
from campaigns.received import (
    CompanyAdded,
    CompanyRenamed,
    EmailAddress,
    MembershipsErased,
    PersonAdded,
    PersonAssigned,
    PersonEmailsChanged,
    PersonErased,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonProfileChanged,
    PersonRenamed,
    PersonTagged,
    PersonUntagged,
    SegmentEntered,
    SegmentLeft,
)
from chassis.ids import new_id
from chassis.testing.projections import History, project

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
ADA, OWNER, ACME = new_id(), new_id(), new_id()
ADDED = PersonAdded(
    ADA,
    "Ada",
    "Lovelace",
    [EmailAddress("old@example.org"), EmailAddress(" Ada@Example.org ", primary=True)],
    tags=["VIP", "reader"],
    language="en",
    city=" London",
    country="GB",
    source="Fair",
    occurred_at=NOON,
)


def test_a_person_is_known_by_primary_address_tags_and_folded_fields() -> None:
    book = History()
    rows = project(PROJECTION, book.add("person", ADA, ADDED))
    [row] = rows[RECIPIENTS]
    assert (row["email"], row["email_key"]) == ("Ada@Example.org", "ada@example.org")
    assert (row["city"], row["city_key"]) == (" London", "london")
    assert (row["country_key"], row["language_key"], row["source_key"]) == ("gb", "en", "fair")
    assert [tag["tag_key"] for tag in rows[TAGS]] == ["reader", "vip"]


def test_changes_are_followed() -> None:
    book = History()
    rows = project(
        PROJECTION,
        book.add("person", ADA, ADDED),
        book.add("person", ADA, PersonRenamed(ADA, "Augusta", "King", occurred_at=NOON)),
        book.add(
            "person",
            ADA,
            PersonEmailsChanged(ADA, [EmailAddress("ada@king.example")], occurred_at=NOON),
        ),
        book.add("person", ADA, PersonProfileChanged(ADA, city="Paris", occurred_at=NOON)),
        book.add("person", ADA, PersonAssigned(ADA, OWNER, occurred_at=NOON)),
        book.add("person", ADA, PersonUntagged(ADA, "vip", occurred_at=NOON)),
        book.add("person", ADA, PersonTagged(ADA, "Author", occurred_at=NOON)),
        book.add("person", ADA, PersonJoinedCompany(ADA, ACME, occurred_at=NOON)),
    )
    [row] = rows[RECIPIENTS]
    assert (row["first_name"], row["last_name"], row["email"]) == (
        "Augusta",
        "King",
        "ada@king.example",
    )
    assert (row["city"], row["language"]) == ("Paris", None)
    assert (row["owner_id"], row["company_id"]) == (OWNER, ACME)
    assert [tag["tag_key"] for tag in rows[TAGS]] == ["author", "reader"]


def test_somebody_with_two_companies_is_found_by_either_and_named_by_the_main_one() -> None:
    book, other = History(), new_id()
    past = [
        book.add("person", ADA, ADDED),
        book.add("person", ADA, PersonJoinedCompany(ADA, ACME, ACME, occurred_at=NOON)),
        book.add("person", ADA, PersonJoinedCompany(ADA, other, ACME, occurred_at=NOON)),
    ]
    rows = project(PROJECTION, *past)
    assert rows[RECIPIENTS][0]["company_id"] == ACME
    assert {row["company_id"] for row in rows[JOBS]} == {ACME, other}
    left = PersonLeftCompany(ADA, ACME, other, occurred_at=NOON)
    rows = project(PROJECTION, *past, book.add("person", ADA, left))
    assert rows[RECIPIENTS][0]["company_id"] == other
    assert [row["company_id"] for row in rows[JOBS]] == [other]


def test_an_erased_person_leaves_nothing() -> None:
    book = History()
    rows = project(
        PROJECTION,
        book.add("person", ADA, ADDED),
        book.add("person", ADA, PersonErased(ADA, occurred_at=NOON)),
    )
    assert (rows[RECIPIENTS], rows[TAGS], rows[JOBS]) == ([], [], [])


def test_people_come_into_segments_and_leave_them() -> None:
    book, one, two = History(), new_id(), new_id()
    past = [
        book.add("membership", ADA, SegmentEntered(ADA, one, occurred_at=NOON)),
        book.add("membership", ADA, SegmentEntered(ADA, two, occurred_at=NOON)),
        book.add("membership", ADA, SegmentLeft(ADA, one, occurred_at=NOON)),
    ]
    assert project(PROJECTION, *past)[SEGMENTS] == [{"person_id": ADA, "segment_id": two}]
    erased = book.add("membership", ADA, MembershipsErased(ADA, occurred_at=NOON))
    assert project(PROJECTION, *past, erased)[SEGMENTS] == []


def test_somebody_whose_addresses_are_gone_cannot_be_written_to() -> None:
    book = History()
    emptied = PersonEmailsChanged(ADA, [], occurred_at=NOON)
    rows = project(PROJECTION, book.add("person", ADA, ADDED), book.add("person", ADA, emptied))
    assert (rows[RECIPIENTS][0]["email"], rows[RECIPIENTS][0]["email_key"]) == (None, None)


def test_a_company_has_its_latest_name() -> None:
    book = History()
    rows = project(
        PROJECTION,
        book.add("company", ACME, CompanyAdded(ACME, "Acme", occurred_at=NOON)),
        book.add("company", ACME, CompanyRenamed(ACME, "Acme Ltd", occurred_at=NOON)),
    )
    assert rows[COMPANIES] == [{"company_id": ACME, "name": "Acme Ltd"}]


def test_what_is_compared_is_without_case_and_never_too_long_for_an_index() -> None:
    assert folded("  Straße ") == "strasse"
    assert folded("   ") is None
    assert len(folded("x" * 5000) or "") == 300


def test_nobody_known_has_no_merge_fields() -> None:
    assert values_of(None) == {}
