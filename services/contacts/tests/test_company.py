"""A company: added, renamed, described, assigned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.ports import Claim
from chassis.testing.deciders import given
from contacts.domain.company import (
    COMPANY,
    AddCompany,
    ChangeCompany,
    CompanyAdded,
    CompanyAssigned,
    CompanyIdentified,
    CompanyProfile,
    CompanyProfileChanged,
    CompanyRenamed,
    facts,
)
from contacts.domain.external_id import ExternalId

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ACME, MOTHER, BOB = new_id(), new_id(), new_id()

added = CompanyAdded(
    ACME,
    "Acme",
    sector="retail",
    revenue_minor=100,
    revenue_currency="USD",
    external_id="1",
    occurred_at=NOON,
)


def change(**changes: Any) -> ChangeCompany:
    return ChangeCompany(LATER, **changes)


def test_a_company_is_added_with_a_tidy_name() -> None:
    command = AddCompany(ACME, " Acme  Inc ", NOON, CompanyProfile(sector=" retail "))
    given(COMPANY).when(command).then(
        CompanyAdded(ACME, "Acme Inc", sector="retail", occurred_at=NOON)
    )
    given(COMPANY, added).when(command).then_refused(Conflict)
    given(COMPANY).when(AddCompany(ACME, " ", NOON)).then_refused(BadInput, "needs a name")


def test_what_cannot_be_true_of_a_company_is_refused() -> None:
    for profile in (
        CompanyProfile(employees=-1),
        CompanyProfile(founded=2030),
        CompanyProfile(revenue_minor=5),
        CompanyProfile(parent_id=ACME),
    ):
        given(COMPANY).when(AddCompany(ACME, "Acme", NOON, profile)).then_refused(BadInput)
    future = AddCompany(ACME, "Acme", NOON, since=LATER)
    given(COMPANY).when(future).then_refused(BadInput, "future")


def test_only_what_changed_is_told() -> None:
    given(COMPANY, added).when(change(name="Acme", profile={"sector": "retail"})).then_nothing()
    given(COMPANY, added).when(
        change(name="Acme Ltd", profile={"city": "Rome", "parent_id": MOTHER}, owner_id=BOB)
    ).then(
        CompanyRenamed(ACME, "Acme Ltd", occurred_at=LATER),
        CompanyProfileChanged(
            ACME,
            ("city", "parent_id"),
            sector="retail",
            city="Rome",
            revenue_minor=100,
            revenue_currency="USD",
            parent_id=MOTHER,
            occurred_at=LATER,
        ),
        CompanyAssigned(ACME, BOB, None, occurred_at=LATER),
    )
    given(COMPANY).when(change(name="X")).then_refused(NotFound)


def test_an_external_id_is_learned_once_per_source() -> None:
    given(COMPANY, added).when(change(external_id=ExternalId("1"))).then_nothing()
    given(COMPANY, added).when(change(external_id=ExternalId("9", "zoho"))).then(
        CompanyIdentified(ACME, "9", "zoho", occurred_at=LATER)
    )
    given(COMPANY, added).when(change(external_id=ExternalId("2"))).then_refused(Conflict)


def test_a_company_that_was_only_named_holds_its_name() -> None:
    named = CompanyAdded(ACME, "ÀCME  co", by_name=True, occurred_at=NOON)
    assert list(COMPANY.claims(named)) == [Claim("company_name", "acme co")]
    assert list(COMPANY.claims(added)) == [Claim("external_id", "company\x1f\x1f1")]


def test_the_facts_of_a_company_show_its_revenue_as_money() -> None:
    company = given(COMPANY, added, CompanyAssigned(ACME, BOB, None, occurred_at=LATER)).state()
    assert company is not None
    told = facts(company)
    assert told["revenue"] == {"amount_minor": 100, "currency": "USD"}
    assert (told["owner_id"], told["external_id"], told["created_at"]) == (BOB, "1", NOON)


def test_a_log_that_begins_in_the_middle_is_not_folded() -> None:
    with pytest.raises(AssertionError):
        COMPANY.fold([CompanyRenamed(ACME, "X", occurred_at=NOON)])
