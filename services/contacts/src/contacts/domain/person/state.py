"""A person as the log tells it: the fold of their events."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

import msgspec

from contacts.domain.email_address import EmailAddress
from contacts.domain.entry import primary_of
from contacts.domain.external_id import ExternalId
from contacts.domain.person.commands import Profile
from contacts.domain.person.events import (
    Consent,
    ConsentGiven,
    ConsentWithdrawn,
    Detail,
    InteractionLogged,
    Label,
    Membership,
    Merging,
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
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonRenamed,
    PersonRoleChanged,
    PersonSeparated,
    PersonTagged,
    PersonToldApart,
    PersonUnmerged,
    PersonUntagged,
)
from contacts.domain.phone_number import PhoneNumber
from contacts.domain.words import folded


@dataclass(frozen=True, slots=True)
class Job:
    """A person's place in a company."""

    company_id: UUID
    role: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentState:
    """Whether a person agrees to one purpose on one channel, and since when."""

    channel: str
    purpose: str
    given: bool
    at: datetime
    source: str | None
    text_version: str | None


@dataclass(frozen=True, slots=True)
class Absorption:
    """Another record that this one speaks for; what this one said just before it, and just after.

    `pending`: so many events still belong to it.
    """

    absorbed_id: UUID
    with_ids: tuple[UUID, ...]
    at: datetime
    before: Person
    after: Person
    external_ids: tuple[ExternalId, ...] = ()
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """`jobs`: the main one first. `last_activity_at`: the latest thing that was done together.
    `merged_into`: the record that answers for this one. `told_apart`: other people who look alike.
    """

    person_id: UUID
    first_name: str
    last_name: str
    added_at: datetime
    last_activity_at: datetime
    emails: tuple[EmailAddress, ...] = ()
    phones: tuple[PhoneNumber, ...] = ()
    profile: Profile = field(default_factory=Profile)
    jobs: tuple[Job, ...] = ()
    owner_id: UUID | None = None
    tags: tuple[str, ...] = ()
    consents: tuple[ConsentState, ...] = ()
    external_ids: tuple[ExternalId, ...] = ()
    erased_at: datetime | None = None
    merged_into: UUID | None = None
    absorptions: tuple[Absorption, ...] = ()
    told_apart: frozenset[UUID] = frozenset()

    @property
    def absorbed_ids(self) -> tuple[UUID, ...]:
        """All records that this one speaks for."""
        return tuple(id_ for each in self.absorptions for id_ in (each.absorbed_id, *each.with_ids))

    @property
    def all_external_ids(self) -> tuple[ExternalId, ...]:
        """What other systems call this record and those it speaks for."""
        return (
            *self.external_ids,
            *(id_ for each in self.absorptions for id_ in each.external_ids),
        )

    @property
    def name(self) -> str:
        """The full name; of somebody without one, how they can be reached."""
        return display_name(self.first_name, self.last_name, self.emails, self.phones)


def display_name(
    first_name: str,
    last_name: str,
    emails: tuple[EmailAddress, ...],
    phones: tuple[PhoneNumber, ...],
) -> str:
    """What to call somebody."""
    email, phone = primary_of(emails), primary_of(phones)
    name = f"{first_name} {last_name}".strip()
    return name or (email.address if email else "") or (phone.number if phone else "")


def evolve(person: Person | None, event: PersonEvent) -> Person | None:
    """The person after an event."""
    if isinstance(event, PersonAdded):
        return _added(event)
    assert person is not None, "the log holds an event of a person who was never added"
    after = _evolved(person, event)
    if person.absorptions and person.absorptions[-1].pending:
        latest = person.absorptions[-1]
        latest = replace(latest, after=after, pending=latest.pending - 1)
        return replace(after, absorptions=(*person.absorptions[:-1], latest))
    return after


def _evolved(person: Person, event: PersonEvent) -> Person:
    match event:
        case PersonAdded():
            return _added(event)
        case (
            PersonRenamed() | PersonEmailsChanged() | PersonPhonesChanged() | PersonProfileChanged()
        ):
            return _detailed(person, event)
        case PersonJoinedCompany() | PersonRoleChanged() | PersonLeftCompany():
            return replace(person, jobs=_jobs(person.jobs, event))
        case PersonTagged() | PersonUntagged() | PersonAssigned() | PersonIdentified():
            return _labelled(person, event)
        case ConsentGiven() | ConsentWithdrawn():
            return replace(person, consents=_consents(person.consents, event))
        case InteractionLogged():
            return replace(person, last_activity_at=max(person.last_activity_at, event.at))
        case PersonErased():
            return replace(person, erased_at=event.occurred_at)
        case PersonChangeUndone():
            return person  # what it brought follows
        case (
            PersonAbsorbed()
            | PersonMerged()
            | PersonSeparated()
            | PersonUnmerged()
            | PersonToldApart()
        ):
            return _merged(person, event)
        case _:
            assert_never(event)


def _added(event: PersonAdded) -> Person:
    profile = Profile(
        event.birthday,
        event.language,
        event.time_zone,
        event.city,
        event.country,
        event.source,
        event.custom,
    )
    known = event.external_id
    return Person(
        person_id=event.person_id,
        first_name=event.first_name,
        last_name=event.last_name,
        added_at=event.occurred_at,
        last_activity_at=event.occurred_at,
        emails=event.emails,
        phones=event.phones,
        profile=profile,
        jobs=(Job(event.company_id, event.company_role),) if event.company_id else (),
        owner_id=event.owner_id,
        tags=event.tags,
        external_ids=(ExternalId(known, event.external_source),) if known else (),
    )


def _merged(person: Person, event: Merging) -> Person:
    match event:
        case PersonAbsorbed():
            latest = event.last_activity_at or person.last_activity_at
            after = replace(person, last_activity_at=latest)
            absorption = Absorption(
                event.absorbed_id,
                event.with_ids,
                event.occurred_at,
                person,
                after,
                event.external_ids,
                event.brought,
            )
            return replace(after, absorptions=(*person.absorptions, absorption))
        case PersonSeparated():
            kept = tuple(a for a in person.absorptions if a.absorbed_id != event.separated_id)
            latest = event.last_activity_at or person.last_activity_at
            apart = person.told_apart | {event.separated_id}
            return replace(person, absorptions=kept, last_activity_at=latest, told_apart=apart)
        case PersonMerged():
            return replace(person, merged_into=event.into_id)
        case PersonUnmerged():
            return replace(person, merged_into=None, told_apart=person.told_apart | {event.from_id})
        case PersonToldApart():
            return replace(person, told_apart=person.told_apart | {event.other_id})
        case _:
            assert_never(event)


def _detailed(person: Person, event: Detail) -> Person:
    match event:
        case PersonRenamed():
            return replace(person, first_name=event.first_name, last_name=event.last_name)
        case PersonEmailsChanged():
            return replace(person, emails=event.emails)
        case PersonPhonesChanged():
            return replace(person, phones=event.phones)
        case PersonProfileChanged():
            values = {name: getattr(event, name) for name in Profile.__slots__}
            return replace(person, profile=Profile(**values))
        case _:
            assert_never(event)


def _jobs(jobs: tuple[Job, ...], event: Membership) -> tuple[Job, ...]:
    others = tuple(job for job in jobs if job.company_id != event.company_id)
    match event:
        case PersonJoinedCompany():
            new = (*others, Job(event.company_id, event.role))
            return _main_first(new, event.main_company_id)
        case PersonRoleChanged():
            return tuple(
                Job(job.company_id, event.role) if job.company_id == event.company_id else job
                for job in jobs
            )
        case PersonLeftCompany():
            return _main_first(others, event.main_company_id)
        case _:
            assert_never(event)


def _main_first(jobs: tuple[Job, ...], main: UUID | None) -> tuple[Job, ...]:
    return tuple(sorted(jobs, key=lambda job: job.company_id != main))


def _labelled(person: Person, event: Label) -> Person:
    match event:
        case PersonTagged():
            return replace(person, tags=(*person.tags, event.tag))
        case PersonUntagged():
            kept = tuple(tag for tag in person.tags if folded(tag) != folded(event.tag))
            return replace(person, tags=kept)
        case PersonAssigned():
            return replace(person, owner_id=event.owner_id)
        case PersonIdentified():
            known = ExternalId(event.external_id, event.external_source)
            return replace(person, external_ids=(*person.external_ids, known))
        case _:
            assert_never(event)


def _consents(consents: tuple[ConsentState, ...], event: Consent) -> tuple[ConsentState, ...]:
    new = ConsentState(
        event.channel,
        event.purpose,
        isinstance(event, ConsentGiven),
        event.occurred_at,
        event.source,
        event.text_version,
    )
    others = [c for c in consents if (c.channel, c.purpose) != (new.channel, new.purpose)]
    return tuple(sorted([*others, new], key=lambda c: (c.channel, c.purpose)))


def facts(person: Person) -> dict[str, Any]:
    """All that is known of a person, as plain data: what a record shows and a history compares."""
    email, phone = primary_of(person.emails), primary_of(person.phones)
    known = person.external_ids[0] if person.external_ids else ExternalId("")
    return {
        "id": person.person_id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "name": person.name,
        "email": email.address if email else None,
        "phone": phone.number if phone else None,
        "emails": msgspec.to_builtins(person.emails),
        "phones": msgspec.to_builtins(person.phones),
        **asdict(person.profile),
        "companies": [asdict(job) for job in person.jobs],
        "owner_id": person.owner_id,
        "tags": sorted(person.tags, key=folded),
        "consents": [asdict(consent) for consent in person.consents],
        "external_id": known.id or None,
        "external_source": known.source,
        "external_ids": msgspec.to_builtins(person.external_ids),
        "created_at": person.added_at,
        "last_activity_at": person.last_activity_at,
    }
