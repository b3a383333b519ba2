"""One change of a person or a company is taken back: what it restores, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from chassis.errors import BadInput, Conflict, NotFound
from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.company import (
    COMPANY,
    CompanyAdded,
    CompanyChangeUndone,
    CompanyIdentified,
    CompanyProfileChanged,
    CompanyRenamed,
)
from contacts.domain.email_address import EmailAddress
from contacts.domain.person import PERSON
from contacts.domain.person.commands import ChangePerson, JoinCompany, LeaveCompany, PersonCommand
from contacts.domain.person.events import (
    ConsentGiven,
    ConsentWithdrawn,
    InteractionLogged,
    PersonAbsorbed,
    PersonAdded,
    PersonAssigned,
    PersonChangeUndone,
    PersonEmailsChanged,
    PersonErased,
    PersonEvent,
    PersonIdentified,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonProfileChanged,
    PersonRenamed,
    PersonTagged,
    PersonUntagged,
)
from contacts.domain.person.state import Person
from contacts.domain.person.undoing import UNDONE, compared
from contacts.domain.sentences import sentence
from contacts.domain.undoing import UndoChange

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA, ACME, BETA, BOB, EVE, CHANGE = (new_id() for _ in range(6))
MAIL = EmailAddress("ada@x.example", "work", True, "ada@x.example")
HOME = EmailAddress("ada@home.example", "home", True, "ada@home.example")
added = PersonAdded(
    ADA,
    "Ada",
    "King",
    emails=(MAIL,),
    phones=(),
    tags=("VIP",),
    custom={"shoe": 38},
    city="London",
    company_id=ACME,
    company_role="Analyst",
    owner_id=BOB,
    occurred_at=NOON,
)


def moved(**values: Any) -> PersonProfileChanged:
    kept: dict[str, Any] = {"city": "London", "custom": {"shoe": 38}, **values}
    return PersonProfileChanged(ADA, tuple(values), **kept, occurred_at=NOON)


def undo(*past: Any, decider: Any = PERSON, of: int = 1, **more: Any) -> UndoChange[Any, Any]:
    """The latest change is to be undone; `of`: so many events that belong together."""
    cut = len(past) - of
    return UndoChange(CHANGE, decider.fold(past[:cut]), past[cut:], LATER, **more)


def undone(*fields: str, brought: int = 1, kept: tuple[str, ...] = ()) -> PersonChangeUndone:
    return PersonChangeUndone(
        undone_id=CHANGE,
        brought=brought,
        person_id=ADA,
        fields=fields,
        kept=kept,
        occurred_at=LATER,
    )


@pytest.mark.parametrize(
    ("change", "restoring", "field"),
    [
        (
            PersonRenamed(ADA, "Augusta", "King", occurred_at=NOON),
            PersonRenamed(ADA, "Ada", "King", occurred_at=LATER),
            "first_name",
        ),
        (
            PersonEmailsChanged(ADA, (HOME,), occurred_at=NOON),
            PersonEmailsChanged(ADA, (MAIL,), occurred_at=LATER),
            "emails",
        ),
        (
            PersonAssigned(ADA, EVE, BOB, occurred_at=NOON),
            PersonAssigned(ADA, BOB, EVE, occurred_at=LATER),
            "owner_id",
        ),
        (
            PersonTagged(ADA, "new", occurred_at=NOON),
            PersonUntagged(ADA, "new", occurred_at=LATER),
            "tags.new",
        ),
        (
            PersonUntagged(ADA, "VIP", occurred_at=NOON),
            PersonTagged(ADA, "VIP", occurred_at=LATER),
            "tags.vip",
        ),
        (
            PersonLeftCompany(ADA, ACME, None, occurred_at=NOON),
            PersonJoinedCompany(ADA, ACME, "Analyst", ACME, occurred_at=LATER),
            f"companies.{ACME}",
        ),
        (
            PersonJoinedCompany(ADA, BETA, "Poet", ACME, occurred_at=NOON),
            PersonLeftCompany(ADA, BETA, ACME, occurred_at=LATER),
            f"companies.{BETA}",
        ),
        (
            ConsentGiven(ADA, "email", "news", occurred_at=NOON),
            ConsentWithdrawn(ADA, "email", "news", UNDONE, occurred_at=LATER),
            "consents.email.news",
        ),
    ],
)
def test_a_change_is_undone_by_an_event_like_any_other(
    change: PersonEvent, restoring: PersonEvent, field: str
) -> None:
    command = undo(added, change)
    given(PERSON, added, change).when(command).then(undone(field), restoring)


def test_a_company_that_somebody_left_is_the_main_one_again_unless_another_one_became_it() -> None:
    left = PersonLeftCompany(ADA, ACME, None, occurred_at=NOON)
    joined = PersonJoinedCompany(ADA, BETA, None, BETA, occurred_at=NOON)
    rejoined = PersonJoinedCompany(ADA, ACME, "Analyst", BETA, occurred_at=LATER)
    told = undone(f"companies.{ACME}")
    given(PERSON, added, left, joined).when(undo(added, left)).then(told, rejoined)
    second = PersonJoinedCompany(ADA, BETA, None, ACME, occurred_at=NOON)
    left = PersonLeftCompany(ADA, ACME, BETA, occurred_at=NOON)
    back = PersonJoinedCompany(ADA, ACME, "Analyst", ACME, occurred_at=LATER)
    given(PERSON, added, second, left).when(undo(added, second, left)).then(told, back)


def test_what_somebody_changed_since_stays_unless_it_is_named() -> None:
    change, since = (
        moved(city="Paris", custom={"shoe": 40}),
        moved(city="Rome", custom={"shoe": 40}),
    )
    past = given(PERSON, added, change, since)
    restored = moved(custom={"shoe": 38}, city="Rome")
    restored = PersonProfileChanged(
        ADA, ("custom",), city="Rome", custom={"shoe": 38}, occurred_at=LATER
    )
    past.when(undo(added, change)).then(undone("custom.shoe", kept=("city",)), restored)
    chosen = PersonProfileChanged(
        ADA, ("city",), city="London", custom={"shoe": 40}, occurred_at=LATER
    )
    past.when(undo(added, change, fields=frozenset({"city"}))).then(
        undone("city", kept=("custom.shoe",)), chosen
    )
    past.when(undo(added, change, fields=frozenset({"zip"}))).then_refused(
        BadInput, "not touch zip"
    )
    all_changed = moved(city="Rome", custom={"shoe": 41})
    contested = given(PERSON, added, change, all_changed)
    contested.when(undo(added, change)).then_refused(Conflict, "changed again since: city, custom")


def test_an_undo_is_a_change_that_can_be_undone_and_then_undone_again() -> None:
    change = moved(city="Paris")
    first = PERSON.decide(undo(added, change), PERSON.fold([added, change]))
    past = (added, change, *first)
    again = PERSON.decide(undo(*past, of=2), PERSON.fold(past))
    assert [type(event) for event in again] == [PersonChangeUndone, PersonProfileChanged]
    assert compared(_person(*past, *again))["city"] == "Paris"
    with pytest.raises(Conflict, match="nothing left to undo"):
        PERSON.decide(undo(added, change), PERSON.fold(past))


def test_an_undo_never_makes_a_consent() -> None:
    given_ = ConsentGiven(ADA, "email", "news", occurred_at=NOON)
    withdrawn = ConsentWithdrawn(ADA, "email", "news", occurred_at=NOON)
    anew = ConsentGiven(ADA, "email", "news", "form", "2", occurred_at=NOON)
    past = given(PERSON, added, given_, withdrawn)
    past.when(undo(added, given_, withdrawn)).then_refused(Conflict, "only they can say")
    past.when(undo(added, given_)).then_refused(Conflict, "nothing left")
    renewed = given(PERSON, added, given_, anew)
    renewed.when(undo(added, given_, anew)).then_refused(Conflict, "only they can say")
    taken = PERSON.decide(undo(added, given_), PERSON.fold([added, given_]))
    once_more = given(PERSON, added, given_, *taken)
    once_more.when(undo(added, given_, *taken, of=2)).then_refused(Conflict, "only they can say")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (InteractionLogged(new_id(), ADA, "note", "Hello", NOON, occurred_at=NOON), "happened"),
        (PersonIdentified(ADA, "7", "hubspot", occurred_at=NOON), "another system"),
        (PersonAbsorbed(ADA, EVE, occurred_at=NOON), "unmerge"),
    ],
)
def test_what_happened_and_what_others_know_stays(change: PersonEvent, why: str) -> None:
    given(PERSON, added, change).when(undo(added, change)).then_refused(Conflict, why)


def test_a_beginning_a_rest_and_an_end_cannot_be_undone() -> None:
    change = moved(city="Paris")
    given(PERSON, added).when(undo(added)).then_refused(Conflict, "Erase the person")
    merged = PersonMerged(ADA, EVE, occurred_at=NOON)
    given(PERSON, added, change, merged).when(undo(added, change)).then_refused(Conflict, "merged")
    erased = PersonErased(ADA, occurred_at=NOON)
    given(PERSON, added, change, erased).when(undo(added, change)).then_refused(NotFound, "erased")


def test_nobody_is_left_without_a_name_and_an_address() -> None:
    bare = PersonAdded(ADA, "", "", (MAIL,), (), (), {}, occurred_at=NOON)
    named = PersonRenamed(ADA, "Ada", "", occurred_at=NOON)
    gone = PersonEmailsChanged(ADA, (), occurred_at=NOON)
    given(PERSON, bare, named, gone).when(undo(bare, named)).then_refused(BadInput, "needs a name")


def test_fields_of_a_company_are_restored_revenue_with_its_currency() -> None:
    acme = CompanyAdded(ACME, "Acme", tags=("big",), owner_id=BOB, occurred_at=NOON)
    renamed = CompanyRenamed(ACME, "Beta", occurred_at=NOON)
    grown = CompanyProfileChanged(
        ACME,
        ("revenue_minor", "revenue_currency", "tags"),
        revenue_minor=100,
        revenue_currency="EUR",
        tags=("big", "rich"),
        occurred_at=NOON,
    )

    def told(*fields: str) -> CompanyChangeUndone:
        return CompanyChangeUndone(
            undone_id=CHANGE, brought=1, company_id=ACME, fields=fields, occurred_at=LATER
        )

    past = given(COMPANY, acme, renamed, grown)
    past.when(undo(acme, renamed, decider=COMPANY)).then(
        told("name"), CompanyRenamed(ACME, "Acme", occurred_at=LATER)
    )
    past.when(undo(acme, renamed, grown, decider=COMPANY)).then(
        told("revenue", "tags.rich"),
        CompanyProfileChanged(
            ACME,
            ("revenue_minor", "revenue_currency", "tags"),
            tags=("big",),
            occurred_at=LATER,
        ),
    )
    past.when(undo(acme, decider=COMPANY)).then_refused(Conflict, "became known")
    known = CompanyIdentified(ACME, "7", occurred_at=NOON)
    given(COMPANY, acme, known).when(undo(acme, known, decider=COMPANY)).then_refused(
        Conflict, "another system"
    )


def test_an_undo_is_told_by_what_it_restored() -> None:
    fields = ("custom.shoe", "tags.vip", f"companies.{ACME}", "consents.email.news", "time_zone")
    said = {"fields": fields}
    assert sentence("contacts.person-change-undone.v1", said) == (
        "undid a change of shoe, tag vip, company, consent to news by email, time zone"
    )
    assert sentence("contacts.company-change-undone.v1", {"fields": ()}) == "undid a change"


# --- any change

TAGS = st.sampled_from(["VIP", "new", "old"])
WORDS = st.sampled_from(["Ada", "Augusta", "Zoe"])
CITIES = st.sampled_from([None, "London", "Paris"])
COMPANIES = st.sampled_from([ACME, BETA])
ROLES = st.sampled_from([None, "Poet", "Analyst"])
COMMANDS: st.SearchStrategy[PersonCommand] = st.one_of(
    st.builds(lambda word: ChangePerson(NOON, first_name=word), WORDS),
    st.builds(lambda tags: ChangePerson(NOON, tags=tuple(tags)), st.sets(TAGS)),
    st.builds(lambda city: ChangePerson(NOON, profile={"city": city}), CITIES),
    st.builds(
        lambda shoe: ChangePerson(NOON, profile={"custom": {"shoe": shoe}}),
        st.sampled_from([None, 38, 40]),
    ),
    st.builds(
        lambda mail: ChangePerson(NOON, emails=mail), st.sampled_from([(), (MAIL,), (HOME,)])
    ),
    st.builds(lambda owner: ChangePerson(NOON, owner_id=owner), st.sampled_from([None, BOB, EVE])),
    st.builds(lambda company: ChangePerson(NOON, company_id=company), COMPANIES),
    st.builds(lambda company, role: JoinCompany(company, role, NOON), COMPANIES, ROLES),
    st.builds(lambda company: LeaveCompany(company, NOON), COMPANIES),
)


@for_all(st.lists(COMMANDS, min_size=1, max_size=6))
def test_undoing_the_last_change_leads_to_the_state_before_it(
    commands: Sequence[PersonCommand],
) -> None:
    past: list[PersonEvent] = [added]
    for command in commands:
        past += PERSON.decide(command, PERSON.fold(past))
    if len(past) == 1:
        return
    events = PERSON.decide(undo(*past), PERSON.fold(past))
    before, after = _person(*past[:-1]), _person(*past, *events)
    assert compared(after) == compared(before)
    assert _main(after) == _main(before)


def _person(*events: PersonEvent) -> Person:
    person = PERSON.fold(events)
    assert person is not None
    return person


def _main(person: Person) -> UUID | None:
    return person.jobs[0].company_id if person.jobs else None
