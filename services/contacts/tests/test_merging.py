"""Two records of one person: merged, changed meanwhile, and apart again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.errors import Conflict
from chassis.ids import new_id
from chassis.testing.deciders import given
from contacts.domain.email_address import EmailAddress
from contacts.domain.person import PERSON
from contacts.domain.person.commands import (
    Absorb,
    BecomePart,
    ChangePerson,
    GiveConsent,
    JoinCompany,
    LeaveCompany,
    Separate,
    StandAlone,
    TagPerson,
    TellApart,
    UntagPerson,
    WithdrawConsent,
)
from contacts.domain.person.events import (
    PersonAdded,
    PersonEvent,
    PersonMerged,
    PersonToldApart,
    PersonUnmerged,
)
from contacts.domain.person.standing import there
from contacts.domain.person.state import Person, facts

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ADA, COPY, ACME, BETA, BOB = sorted(new_id() for _ in range(5))
APART = {"merged_into", "absorptions", "told_apart"}


def mail(address: str, *, primary: bool = False) -> EmailAddress:
    return EmailAddress(address, "work", primary, address)


def added(id_: UUID, first: str, last: str, **more: Any) -> PersonAdded:
    unsaid: dict[str, Any] = {"emails": (), "phones": (), "tags": (), "custom": {}}
    return PersonAdded(id_, first, last, **{**unsaid, "occurred_at": NOON, **more})


class Pair:
    """Two streams, as the log has them."""

    def __init__(self, **duplicate: Any) -> None:
        mine: dict[str, Any] = {
            "emails": (mail("ada@acme.example", primary=True),),
            "tags": ("VIP",),
        }
        theirs: dict[str, Any] = {
            "emails": (mail("countess@home.example", primary=True),),
            "tags": ("math",),
        }
        theirs |= {"city": "London", "company_id": BETA, "company_role": "Poet"}
        theirs |= {"custom": {"shoe": 38}, **duplicate}
        self.survivor: list[PersonEvent] = [
            added(ADA, "Ada", "Lovelace", company_id=ACME, owner_id=BOB, **mine)
        ]
        self.duplicate: list[PersonEvent] = [added(COPY, "Augusta", "King", **theirs)]

    @property
    def one(self) -> Person:
        return there(PERSON.fold(self.survivor))

    @property
    def two(self) -> Person:
        return there(PERSON.fold(self.duplicate))

    def do(self, command: Any) -> None:
        self.survivor += PERSON.decide(command, self.one)

    def do_to_duplicate(self, command: Any) -> None:
        self.duplicate += PERSON.decide(command, self.two)

    def merge(self, **choices: str) -> Pair:
        two = self.two
        self.do(Absorb(two, NOON, choices))
        self.do_to_duplicate(BecomePart(ADA, NOON))
        return self

    def unmerge(self, **attributions: str) -> Pair:
        one, two = self.one, self.two
        self.do(Separate(two, LATER, attributions))
        self.do_to_duplicate(StandAlone(one, LATER, attributions))
        return self


def plain(person: Person) -> dict[str, Any]:
    return facts(person)


def test_the_survivor_keeps_what_it_says_and_gains_what_it_did_not() -> None:
    ada = Pair().merge().one
    assert (ada.first_name, ada.last_name, ada.profile.city) == ("Ada", "Lovelace", "London")
    assert [e.address for e in ada.emails] == ["ada@acme.example", "countess@home.example"]
    assert [e.primary for e in ada.emails] == [True, False]
    assert ada.tags == ("VIP", "math")
    assert [job.company_id for job in ada.jobs] == [ACME, BETA]
    assert ada.profile.custom == {"shoe": 38}
    assert ada.absorbed_ids == (COPY,)


def test_what_is_chosen_of_the_duplicate_counts() -> None:
    ada = Pair().merge(first_name="duplicate", email="duplicate", company="duplicate").one
    assert (ada.first_name, ada.last_name) == ("Augusta", "Lovelace")
    assert [e.address for e in ada.emails if e.primary] == ["countess@home.example"]
    assert ada.jobs[0].company_id == BETA


def test_the_duplicate_rests_and_says_what_it_was_part_of() -> None:
    pair = Pair().merge()
    assert pair.duplicate[-1] == PersonMerged(
        COPY, ADA, tags=("math",), company_ids=(BETA,), occurred_at=NOON
    )
    given(PERSON, *pair.duplicate).when(TagPerson("new", LATER)).then_refused(Conflict, "merged")


def test_a_record_merges_neither_with_itself_nor_with_a_part_of_another() -> None:
    pair = Pair().merge()
    given(PERSON, *pair.survivor).when(Absorb(pair.one, LATER)).then_refused(Conflict, "itself")
    given(PERSON, *pair.survivor).when(Absorb(pair.two, LATER)).then_refused(Conflict, "part of")


@pytest.mark.parametrize(
    "choices", [{}, {"first_name": "duplicate", "email": "duplicate", "company": "duplicate"}]
)
def test_taken_back_at_once_both_are_what_they_were(choices: dict[str, str]) -> None:
    before = Pair()
    after = Pair().merge(**choices).unmerge()
    assert plain(after.one) == plain(before.one)
    assert plain(after.two) == plain(before.two)
    assert after.one.told_apart == {COPY}
    assert after.two.told_apart == {ADA}


def test_who_speaks_for_itself_again_says_what_it_is_part_of() -> None:
    pair = Pair().merge().unmerge()
    assert pair.duplicate[2] == PersonUnmerged(
        COPY, ADA, tags=("math",), company_ids=(BETA,), occurred_at=LATER
    )


def test_later_changes_stay_with_whom_they_were_about() -> None:
    pair = Pair().merge()
    pair.do(ChangePerson(LATER, last_name="Byron", profile={"city": "Paris", "language": "en"}))
    pair.do(TagPerson("new", LATER))
    pair.unmerge()
    assert (pair.one.last_name, pair.two.last_name) == ("Byron", "King")
    assert (pair.one.profile.city, pair.two.profile.city) == (None, "Paris")
    assert (pair.one.profile.language, pair.two.profile.language) == ("en", None)
    assert (pair.one.tags, pair.two.tags) == (("VIP", "new"), ("math",))


def test_whose_a_later_change_is_can_be_said() -> None:
    pair = Pair().merge()
    pair.do(ChangePerson(LATER, last_name="Byron", profile={"city": "Paris"}))
    pair.unmerge(last_name="duplicate", city="survivor")
    assert (pair.one.last_name, pair.two.last_name) == ("Lovelace", "Byron")
    assert (pair.one.profile.city, pair.two.profile.city) == ("Paris", "London")


def test_what_came_from_the_duplicate_and_was_taken_away_is_gone_there_too() -> None:
    pair = Pair().merge()
    pair.do(UntagPerson("math", LATER))
    pair.do(LeaveCompany(BETA, LATER))
    pair.do(ChangePerson(LATER, profile={"custom": {"shoe": None}}))
    pair.unmerge()
    assert (pair.two.tags, pair.two.jobs, pair.two.profile.custom) == ((), (), {})


def test_an_address_that_took_the_place_of_the_duplicates_goes_to_it() -> None:
    pair = Pair().merge(email="duplicate")
    pair.do(ChangePerson(LATER, email=mail("byron@home.example")))
    pair.unmerge()
    assert [e.address for e in pair.one.emails] == ["ada@acme.example"]
    assert [(e.address, e.primary) for e in pair.two.emails] == [("byron@home.example", True)]


def test_a_role_that_changed_in_the_duplicates_company_is_its_role() -> None:
    pair = Pair().merge()
    pair.do(JoinCompany(BETA, "Chair", LATER))
    pair.unmerge()
    assert [(job.company_id, job.role) for job in pair.two.jobs] == [(BETA, "Chair")]


def given_consent(pair: Pair, *, to: str) -> None:
    consent = GiveConsent("email", "news", "form", "v1", NOON)
    pair.do(consent) if to == "survivor" else pair.do_to_duplicate(consent)


def agrees(person: Person) -> bool | None:
    return next((c.given for c in person.consents), None)


def test_a_refusal_of_either_counts_for_both_and_for_ever() -> None:
    pair = Pair()
    given_consent(pair, to="survivor")
    pair.do_to_duplicate(WithdrawConsent("email", "news", "phone call", NOON))
    assert agrees(pair.merge().one) is False
    pair.unmerge()
    assert (agrees(pair.one), agrees(pair.two)) == (False, False)


def test_an_agreement_of_the_duplicate_goes_back_with_it() -> None:
    pair = Pair()
    given_consent(pair, to="duplicate")
    assert agrees(pair.merge().one) is True
    pair.unmerge()
    assert (agrees(pair.one), agrees(pair.two)) == (False, True)


def test_a_refusal_while_they_were_one_is_of_both() -> None:
    pair = Pair()
    given_consent(pair, to="duplicate")
    pair.merge()
    pair.do(WithdrawConsent("email", "news", "link", LATER))
    pair.unmerge()
    assert (agrees(pair.one), agrees(pair.two)) == (False, False)


def test_of_two_that_were_merged_one_can_go_and_one_stay() -> None:
    third = there(PERSON.fold([added(BOB, "A.", "Lovelace", tags=("third",), language="fr")]))
    pair = Pair().merge()
    pair.do(Absorb(third, NOON))
    pair.unmerge()
    assert pair.one.absorbed_ids == (BOB,)
    assert pair.one.tags == ("VIP", "third")
    assert (pair.one.profile.language, pair.one.profile.city) == ("fr", None)


def test_who_came_along_with_another_goes_with_it() -> None:
    third = there(PERSON.fold([added(BOB, "A.", "Lovelace")]))
    pair = Pair().merge()
    other = there(PERSON.fold([added(ACME, "Ada", "L.")]))
    absorbed = PERSON.fold(
        [added(ACME, "Ada", "L."), *PERSON.decide(Absorb(pair.one, NOON), other)]
    )
    both = there(absorbed)
    assert both.absorbed_ids == (ADA, COPY)
    along = replace(pair.two, merged_into=ACME)
    with pytest.raises(Conflict, match="came along"):
        PERSON.decide(Separate(along, LATER), both)
    with pytest.raises(Conflict, match="not merged"):
        PERSON.decide(Separate(third, LATER), both)


def test_two_who_look_alike_are_told_apart_once() -> None:
    pair = Pair()
    given(PERSON, *pair.survivor).when(TellApart(COPY, LATER)).then(
        PersonToldApart(ADA, COPY, occurred_at=LATER)
    )
    pair.do(TellApart(COPY, LATER))
    given(PERSON, *pair.survivor).when(TellApart(COPY, LATER)).then_nothing()
