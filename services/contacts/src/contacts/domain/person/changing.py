"""What a change of several fields at once leads to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec
from msgspec import UNSET

from chassis.errors import Conflict
from contacts.domain.entry import with_primary
from contacts.domain.person.commands import AddPerson, ChangePerson, Profile
from contacts.domain.person.events import (
    PersonAssigned,
    PersonEmailsChanged,
    PersonEvent,
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
from contacts.domain.person.standing import there
from contacts.domain.person.state import Person, evolve
from contacts.domain.phone_number import matched_as
from contacts.domain.words import folded, malformed, tidy, tidy_tags

CUSTOM_BYTES_MOST = 16_384


def names(first: str, last: str) -> tuple[str, str]:
    return tidy(first, "first_name") or "", tidy(last, "last_name") or ""


def tidy_profile(profile: Profile, command: AddPerson | ChangePerson) -> Profile:
    if profile.birthday is not None and profile.birthday > command.at.date():
        raise malformed("birthday", "Nobody is born in the future.")
    custom = {name: value for name, value in profile.custom.items() if value is not None}
    encoded = msgspec.json.encode(custom)
    if len(encoded) > CUSTOM_BYTES_MOST:
        raise malformed("custom", f"At most {CUSTOM_BYTES_MOST} bytes of JSON are kept.")
    if b"\\u0000" in encoded:
        raise malformed("custom", "The character U+0000 cannot be kept; take it out.")
    texts = ("language", "time_zone", "city", "country", "source")
    tidied = {name: tidy(getattr(profile, name), name) for name in texts}
    return replace(profile, custom=custom, **tidied)  # type: ignore[arg-type]


def change(command: ChangePerson, person: Person) -> list[PersonEvent]:
    events = [
        *_rename(command, person),
        *_reach(command, person),
        *_profile(command, person),
        *_retag(command, person),
        *_employ(command, person),
        *_identify(command, person),
        *_assign(command, person),
    ]
    after = person
    for event in events:
        after = there(evolve(after, event))
    if not after.name:
        raise malformed("first_name", "A person needs a name, an e-mail address or a phone number.")
    return events


def _rename(command: ChangePerson, person: Person) -> Iterable[PersonEvent]:
    first = person.first_name if command.first_name is UNSET else command.first_name
    last = person.last_name if command.last_name is UNSET else command.last_name
    first, last = names(first, last)
    if (first, last) != (person.first_name, person.last_name):
        yield PersonRenamed(person.person_id, first, last, occurred_at=command.at)


def _reach(command: ChangePerson, person: Person) -> Iterable[PersonEvent]:
    emails = person.emails if command.emails is UNSET else command.emails
    if command.email is not UNSET:
        emails = with_primary(emails, command.email, lambda a, b: a.folded == b.folded)
    if emails != person.emails:
        yield PersonEmailsChanged(person.person_id, emails, occurred_at=command.at)
    phones = person.phones if command.phones is UNSET else command.phones
    if command.phone is not UNSET:
        same_number = lambda a, b: matched_as(a) == matched_as(b)  # noqa: E731
        phones = with_primary(phones, command.phone, same_number)
    if phones != person.phones:
        yield PersonPhonesChanged(person.person_id, phones, occurred_at=command.at)


def _profile(command: ChangePerson, person: Person) -> Iterable[PersonEvent]:
    before, given = person.profile, dict(command.profile)
    if "custom" in given:
        given["custom"] = {**before.custom, **(given["custom"] or {})}
    after = tidy_profile(replace(before, **given), command)
    changed = tuple(
        name for name in Profile.__slots__ if getattr(before, name) != getattr(after, name)
    )
    if changed:
        values = {name: getattr(after, name) for name in Profile.__slots__}
        yield PersonProfileChanged(person.person_id, changed, **values, occurred_at=command.at)


def _retag(command: ChangePerson, person: Person) -> Iterable[PersonEvent]:
    if command.tags is UNSET:
        return
    wanted = tidy_tags(command.tags)
    before, after = {folded(t) for t in person.tags}, {folded(t) for t in wanted}
    for name in person.tags:
        if folded(name) not in after:
            yield PersonUntagged(person.person_id, name, occurred_at=command.at)
    for name in wanted:
        if folded(name) not in before:
            yield PersonTagged(person.person_id, name, occurred_at=command.at)


def _employ(command: ChangePerson, person: Person) -> Iterable[PersonEvent]:
    """The main company is replaced by another one, or only the role in it."""
    main = person.jobs[0] if person.jobs else None
    company = main.company_id if main else None
    if command.company_id is not UNSET:
        company = command.company_id
    role = None if command.company_role is UNSET else tidy(command.company_role, "company_role")
    if main is not None and company == main.company_id:
        if command.company_role is not UNSET and role != main.role:
            yield PersonRoleChanged(person.person_id, company, role, occurred_at=command.at)
        return
    others = [job.company_id for job in person.jobs[1:]]
    if main is not None:
        then = company or (others[0] if others else None)
        left = main.company_id
        yield PersonLeftCompany(person.person_id, left, then, occurred_at=command.at)
    if company is not None and company not in others:
        yield PersonJoinedCompany(person.person_id, company, role, company, occurred_at=command.at)
    elif company is None and role is not None:
        raise malformed("company_role", "A role needs a company; send company or company_id too.")


def _identify(command: ChangePerson, person: Person) -> Iterable[PersonEvent]:
    known = command.external_id
    if known is UNSET or known in person.all_external_ids:
        return
    if any(other.source == known.source for other in person.external_ids):
        raise Conflict(
            f"This person has another external id of the source {known.source or 'without a name'} "
            "already.",
            code="identified-otherwise",
        )
    yield PersonIdentified(person.person_id, known.id, known.source, occurred_at=command.at)


def _assign(command: ChangePerson, person: Person) -> Iterable[PersonEvent]:
    if command.owner_id is not UNSET and command.owner_id != person.owner_id:
        yield PersonAssigned(
            person.person_id, command.owner_id, person.owner_id, occurred_at=command.at
        )
