"""The list of companies and their records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chassis.ids import new_id
from chassis.testing.projections import History, project
from contacts.domain.company import (
    CompanyAdded,
    CompanyAssigned,
    CompanyIdentified,
    CompanyProfileChanged,
    CompanyRenamed,
)
from contacts.read_models.companies import COMPANIES, COMPANIES_PROJECTION, COMPANY_IDS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ACME, BOB = new_id(), new_id()
added = CompanyAdded(
    ACME, "Ácme Inc", sector="Retail", country="UK", external_id="1", occurred_at=NOON
)


def test_a_company_is_a_row_with_normalised_columns_to_compare() -> None:
    rows = project(COMPANIES_PROJECTION, History().add("company", ACME, added))
    [row] = rows[COMPANIES]
    assert (row["name"], row["folded"]) == ("Ácme Inc", "acme inc")
    assert (row["sector_key"], row["country_key"], row["tags"]) == ("retail", "GB", [])
    assert (row["version"], row["created_at"], row["by_name"]) == (1, NOON, False)
    assert rows[COMPANY_IDS][0]["external_id"] == "1"


def test_later_events_replace_what_they_speak_of() -> None:
    book = History()
    rows = project(
        COMPANIES_PROJECTION,
        book.add("company", ACME, added),
        book.add("company", ACME, CompanyRenamed(ACME, "Beta", occurred_at=LATER)),
        book.add(
            "company",
            ACME,
            CompanyProfileChanged(ACME, ("tags",), tags=("a",), employees=3, occurred_at=LATER),
        ),
        book.add("company", ACME, CompanyAssigned(ACME, BOB, None, occurred_at=LATER)),
        book.add("company", ACME, CompanyIdentified(ACME, "2", "zoho", occurred_at=LATER)),
    )
    [row] = rows[COMPANIES]
    assert (row["name"], row["folded"], row["owner_id"], row["version"]) == ("Beta", "beta", BOB, 5)
    assert (row["tags"], row["employees"], row["sector"]) == (["a"], 3, None)
    assert {row["source"]: row["external_id"] for row in rows[COMPANY_IDS]} == {
        "": "1",
        "zoho": "2",
    }
