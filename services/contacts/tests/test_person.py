"""A person: added, changed, tagged, talked to, asked for consent, erased."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chassis.errors import BadInput, Conflict, NotFound
from chassis.events import Event, wire_name
from chassis.ids import new_id
from chassis.ports import Claim
from chassis.testing.deciders import given
from contacts.domain.email_address import EmailAddress, parse_email, parse_emails
from contacts.domain.entry import Entry
from contacts.domain.external_id import ExternalId
from contacts.domain.person import PERSON
from contacts.domain.person.commands import (
    AddPerson,
    ChangePerson,
    ErasePerson,
    GiveConsent,
    JoinCompany,
    LeaveCompany,
    LogInteraction,
    Profile,
    TagPerson,
    UntagPerson,
    WithdrawConsent,
)
from contacts.domain.person.events import (
    PERSON_EVENTS,
    ConsentGiven,
    ConsentWithdrawn,
    InteractionLogged,
    PersonAdded,
    PersonAssigned,
    PersonEmailsChanged,
    PersonErased,
    PersonIdentified,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonRenamed,
    PersonRoleChanged,
    PersonTagged,
    PersonUntagged,
)
from contacts.domain.person.state import facts
from contacts.domain.phone_number import PhoneNumber, parse_phone

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA, ACME, BETA, BOB, EVE = new_id(), new_id(), new_id(), new_id(), new_id()
MAIL = EmailAddress("Ada@Example.com", "work", True, "ada@example.com")
HOME = EmailAddress("ada@home.example", "home", False, "ada@home.example")
PHONE = PhoneNumber("+44 20 7946 0958", "work", True, "+442079460958")


def person_added(first_name: str = "", last_name: str = "", **more: Any) -> PersonAdded:
    unsaid: dict[str, Any] = {"emails": (), "phones": (), "tags": (), "custom": {}}
    return PersonAdded(ADA, first_name, last_name, **{**unsaid, "occurred_at": NOON, **more})


added = person_added(
    "Ada",
    "Lovelace",
    emails=(MAIL,),
    phones=(PHONE,),
    company_id=ACME,
    company_role="Analyst",
    owner_id=BOB,
    tags=("VIP",),
    city="London",
    custom={"shoe": 38},
    external_id="7",
    external_source="hubspot",
)
erased = PersonErased(ADA, occurred_at=LATER)


def change(**changes: Any) -> ChangePerson:
    return ChangePerson(LATER, **changes)


def test_a_person_is_added_with_tidy_names_and_tags() -> None:
    command = AddPerson(ADA, NOON, "  Ada ", "Love  lace", tags=("VIP", " vip ", "", "new  one"))
    expected = person_added("Ada", "Love lace", tags=("VIP", "new one"))
    given(PERSON).when(command).then(expected)


def test_a_person_may_have_been_known_for_long() -> None:
    since = NOON - timedelta(days=700)
    command = AddPerson(ADA, NOON, "Ada", since=since)
    given(PERSON).when(command).then(person_added("Ada", occurred_at=since))
    early = AddPerson(ADA, NOON, "Ada", since=LATER)
    given(PERSON).when(early).then_refused(BadInput, "future")


def test_somebody_without_name_and_address_is_nobody() -> None:
    given(PERSON).when(AddPerson(ADA, NOON, " ")).then_refused(BadInput, "needs a name")
    given(PERSON).when(AddPerson(ADA, NOON, phones=(PHONE,))).then(person_added(phones=(PHONE,)))


def test_a_person_is_added_once() -> None:
    given(PERSON, added).when(AddPerson(ADA, NOON, "Ada")).then_refused(Conflict)


def test_what_makes_no_sense_is_refused_by_field() -> None:
    for command, field in (
        (AddPerson(ADA, NOON, "A", profile=Profile(birthday=date(2030, 1, 1))), "birthday"),
        (AddPerson(ADA, NOON, "A" * 201), "first_name"),
        (AddPerson(ADA, NOON, "A", profile=Profile(custom={"x": "y" * 20_000})), "custom"),
    ):
        with pytest.raises(BadInput) as refused:
            PERSON.decide(command, None)
        assert refused.value.extra["field"] == field
        assert refused.value.extra["errors"][0]["pointer"] == f"#/{field}"


def test_only_what_changed_is_told() -> None:
    given(PERSON, added).when(change(first_name="Ada", tags=("vip",), owner_id=BOB)).then_nothing()
    given(PERSON, added).when(
        change(
            last_name="King",
            profile={"city": "Paris", "custom": {"hat": "L"}},
            tags=("new",),
            owner_id=EVE,
        )
    ).then(
        PersonRenamed(ADA, "Ada", "King", occurred_at=LATER),
        PersonProfileChanged(
            ADA,
            ("city", "custom"),
            city="Paris",
            custom={"shoe": 38, "hat": "L"},
            occurred_at=LATER,
        ),
        PersonUntagged(ADA, "VIP", occurred_at=LATER),
        PersonTagged(ADA, "new", occurred_at=LATER),
        PersonAssigned(ADA, EVE, BOB, occurred_at=LATER),
    )


def test_a_custom_value_is_taken_away_with_null() -> None:
    given(PERSON, added).when(change(profile={"custom": {"shoe": None}})).then(
        PersonProfileChanged(ADA, ("custom",), city="London", occurred_at=LATER)
    )


def test_another_primary_address_takes_the_place_of_the_old_one() -> None:
    new = parse_email(Entry("ada@new.example"))
    both = PersonEmailsChanged(ADA, (MAIL, HOME), occurred_at=NOON)
    given(PERSON, added, both).when(change(email=new)).then(
        PersonEmailsChanged(
            ADA,
            (EmailAddress("ada@new.example", "work", True, "ada@new.example"), HOME),
            occurred_at=LATER,
        )
    )


def test_a_known_address_becomes_the_primary_one() -> None:
    both = PersonEmailsChanged(ADA, (MAIL, HOME), occurred_at=NOON)
    given(PERSON, added, both).when(change(email=parse_email(Entry("ADA@home.example")))).then(
        PersonEmailsChanged(
            ADA,
            (
                EmailAddress("Ada@Example.com", "work", False, "ada@example.com"),
                EmailAddress("ada@home.example", "home", True, "ada@home.example"),
            ),
            occurred_at=LATER,
        )
    )
    given(PERSON, added).when(change(email=MAIL)).then_nothing()


def test_an_address_can_be_taken_away_but_not_the_last_thing_known() -> None:
    given(PERSON, added).when(change(email=None, phones=())).then(
        PersonEmailsChanged(ADA, (), occurred_at=LATER),
        PersonPhonesChanged(ADA, (), occurred_at=LATER),
    )
    bare = person_added(emails=(MAIL,))
    given(PERSON, bare).when(change(emails=())).then_refused(BadInput, "needs a name")


def test_another_number_replaces_the_primary_one() -> None:
    new = parse_phone(Entry("030 1234567", "home"), "DE")
    given(PERSON, added).when(change(phone=new)).then(
        PersonPhonesChanged(
            ADA, (PhoneNumber("030 1234567", "home", True, "+49301234567"),), occurred_at=LATER
        )
    )


def test_another_company_replaces_the_main_one() -> None:
    given(PERSON, added).when(change(company_id=BETA, company_role="Boss")).then(
        PersonLeftCompany(ADA, ACME, BETA, occurred_at=LATER),
        PersonJoinedCompany(ADA, BETA, "Boss", BETA, occurred_at=LATER),
    )
    given(PERSON, added).when(change(company_role="Boss")).then(
        PersonRoleChanged(ADA, ACME, "Boss", occurred_at=LATER)
    )
    given(PERSON, added).when(change(company_id=None)).then(
        PersonLeftCompany(ADA, ACME, None, occurred_at=LATER)
    )
    given(PERSON, added).when(change(company_id=None, company_role="Boss")).then_refused(
        BadInput, "needs a company"
    )


def test_a_second_company_becomes_the_main_one_when_the_first_is_left() -> None:
    joined = PersonJoinedCompany(ADA, BETA, None, ACME, occurred_at=NOON)
    given(PERSON, added).when(JoinCompany(BETA, None, NOON)).then(joined)
    given(PERSON, added, joined).when(JoinCompany(BETA, None, LATER)).then_nothing()
    given(PERSON, added, joined).when(JoinCompany(BETA, "Owner", LATER)).then(
        PersonRoleChanged(ADA, BETA, "Owner", occurred_at=LATER)
    )
    left = PersonLeftCompany(ADA, ACME, BETA, occurred_at=LATER)
    given(PERSON, added, joined).when(LeaveCompany(ACME, LATER)).then(left)
    given(PERSON, added, joined).when(change(company_id=BETA)).then(left)
    person = given(PERSON, added, joined, left).state()
    assert person is not None
    assert [job.company_id for job in person.jobs] == [BETA]
    given(PERSON, added).when(LeaveCompany(BETA, LATER)).then_nothing()


def test_a_tag_is_put_on_and_taken_off_once_whatever_its_case() -> None:
    given(PERSON, added).when(TagPerson("vip", LATER)).then_nothing()
    given(PERSON, added).when(TagPerson(" new ", LATER)).then(
        PersonTagged(ADA, "new", occurred_at=LATER)
    )
    given(PERSON, added).when(UntagPerson("vip", LATER)).then(
        PersonUntagged(ADA, "VIP", occurred_at=LATER)
    )
    given(PERSON, added).when(UntagPerson("new", LATER)).then_nothing()
    given(PERSON, added).when(TagPerson("  ", LATER)).then_refused(BadInput, "letter")


def logged(at: datetime, *, latest: bool) -> InteractionLogged:
    return InteractionLogged(EVE, ADA, "call", "hello", at, latest, occurred_at=at)


def test_an_interaction_counts_as_the_latest_only_if_it_is() -> None:
    call = LogInteraction(EVE, "call", " hello ", LATER, LATER)
    given(PERSON, added).when(call).then(logged(LATER, latest=True))
    before = LogInteraction(EVE, "call", "hello", NOON, LATER)
    given(PERSON, added, logged(LATER, latest=True)).when(before).then(logged(NOON, latest=False))


def test_interactions_are_of_a_known_kind_say_something_and_have_happened() -> None:
    for kind, text, at in (
        ("dream", "x", NOON),
        ("note", " ", NOON),
        ("note", "x" * 20_001, NOON),
        ("call", "x", LATER + timedelta(hours=1)),
    ):
        command = LogInteraction(EVE, kind, text, at, LATER)
        given(PERSON, added).when(command).then_refused(BadInput)


def test_consent_is_given_and_withdrawn_per_channel_and_purpose() -> None:
    give = GiveConsent("Email", "News", "form", "v2", NOON)
    yes = ConsentGiven(ADA, "email", "news", "form", "v2", occurred_at=NOON)
    no = ConsentWithdrawn(ADA, "email", "news", "call", occurred_at=LATER)
    given(PERSON, added).when(give).then(yes)
    given(PERSON, added, yes).when(give).then_nothing()
    given(PERSON, added, yes).when(WithdrawConsent("email", "news", "call", LATER)).then(no)
    given(PERSON, added, yes, no).when(
        WithdrawConsent("email", "news", "call", LATER)
    ).then_nothing()
    person = given(PERSON, added, yes, no).state()
    assert person is not None
    [consent] = person.consents
    assert (consent.given, consent.at) == (False, LATER)
    given(PERSON, added).when(GiveConsent("", "x", None, None, NOON)).then_refused(BadInput)


def test_an_external_id_is_learned_once_per_source() -> None:
    given(PERSON, added).when(change(external_id=ExternalId("7", "hubspot"))).then_nothing()
    given(PERSON, added).when(change(external_id=ExternalId("9"))).then(
        PersonIdentified(ADA, "9", None, occurred_at=LATER)
    )
    given(PERSON, added).when(change(external_id=ExternalId("8", "hubspot"))).then_refused(Conflict)


def test_an_erased_person_is_gone_for_everybody() -> None:
    given(PERSON, added).when(ErasePerson(LATER)).then(
        PersonErased(ADA, ("VIP",), (ACME,), (ExternalId("7", "hubspot"),), occurred_at=LATER)
    )
    given(PERSON, added, erased).when(ErasePerson(LATER)).then_nothing()
    given(PERSON, added, erased).when(change(first_name="X")).then_refused(NotFound, "erased")
    given(PERSON).when(TagPerson("x", NOON)).then_refused(NotFound, "no such person")
    given(PERSON).when(ErasePerson(NOON)).then_refused(NotFound)


def test_the_key_goes_with_the_person_and_the_external_ids_are_free_again() -> None:
    gone = PersonErased(ADA, external_ids=(ExternalId("7", "hubspot"),), occurred_at=LATER)
    assert list(PERSON.forgets(gone)) == [ADA]
    assert list(PERSON.forgets(added)) == []
    assert list(PERSON.claims(added)) == [Claim("external_id", "person\x1fhubspot\x1f7")]
    assert list(PERSON.claims(gone)) == [Claim("external_id", "person\x1fhubspot\x1f7", True)]


def test_the_facts_of_a_person_show_the_primary_ways_and_all_others() -> None:
    emails = parse_emails([Entry("a@x.example"), Entry("b@x.example", "home", True)])
    changed = PersonEmailsChanged(ADA, emails, occurred_at=LATER)
    person = given(PERSON, added, changed, logged(LATER, latest=True)).state()
    assert person is not None
    told = facts(person)
    assert (told["name"], told["email"], told["phone"]) == (
        "Ada Lovelace",
        "b@x.example",
        "+44 20 7946 0958",
    )
    assert told["companies"] == [{"company_id": ACME, "role": "Analyst"}]
    assert (told["external_id"], told["external_source"]) == ("7", "hubspot")
    assert (told["created_at"], told["last_activity_at"]) == (NOON, LATER)


def test_whoever_has_no_name_is_called_by_address_or_number() -> None:
    for event, name in (
        (person_added(emails=(MAIL,)), "Ada@Example.com"),
        (person_added(phones=(PHONE,)), "+44 20 7946 0958"),
    ):
        person = given(PERSON, event).state()
        assert person is not None
        assert person.name == name


@pytest.mark.parametrize("event", PERSON_EVENTS)
def test_every_event_is_of_this_service(event: type[Event]) -> None:
    assert wire_name(event).startswith("contacts.")
