"""What a command leads to: one small function each, and one place that chooses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import Conflict
from chassis.ports import Claim
from contacts.domain.external_id import ExternalId, external_id_claim
from contacts.domain.person.changing import change, names, tidy_profile
from contacts.domain.person.commands import (
    Absorb,
    AddPerson,
    BecomePart,
    ChangePerson,
    ErasePerson,
    GiveConsent,
    JoinCompany,
    LeaveCompany,
    LogInteraction,
    MergingCommand,
    PersonCommand,
    Separate,
    StandAlone,
    TagPerson,
    TellApart,
    UndoPersonChange,
    UntagPerson,
    WithdrawConsent,
)
from contacts.domain.person.events import (
    PERSON_EVENTS,
    ConsentGiven,
    ConsentWithdrawn,
    InteractionLogged,
    PersonAdded,
    PersonErased,
    PersonEvent,
    PersonIdentified,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonRoleChanged,
    PersonTagged,
    PersonToldApart,
    PersonUntagged,
)
from contacts.domain.person.merging import absorb, become_part
from contacts.domain.person.standing import itself, there
from contacts.domain.person.state import Person, evolve
from contacts.domain.person.undoing import undo
from contacts.domain.person.unmerging import separate, stand_alone
from contacts.domain.undoing import UndoChange
from contacts.domain.words import folded, malformed, tidy, tidy_tags

INTERACTION_KINDS = ("note", "call", "meeting", "email", "chat")
TEXT_MOST = 20_000
_CLOCKS_DIFFER = timedelta(minutes=5)


def decide(command: PersonCommand, person: Person | None) -> list[PersonEvent]:
    """The events that follow, or a refusal."""
    match command:
        case AddPerson():
            return add(command, person)
        case ChangePerson() | UndoChange():
            return _of_fields(command, itself(person))
        case TagPerson() | UntagPerson():
            return tag(command, itself(person))
        case JoinCompany():
            return join(command, itself(person))
        case LeaveCompany():
            return leave(command, itself(person))
        case LogInteraction():
            return log(command, itself(person))
        case GiveConsent() | WithdrawConsent():
            return consent(command, itself(person))
        case Absorb() | BecomePart() | Separate() | StandAlone() | TellApart():
            return _of_two_records(command, there(person))
        case ErasePerson():
            return erase(command, person)
        case _:
            assert_never(command)


def add(command: AddPerson, person: Person | None) -> list[PersonEvent]:
    if person is not None:
        raise Conflict("This person is known already. Change the record instead.")
    first, last = names(command.first_name, command.last_name)
    if not (first or last or command.emails or command.phones):
        raise malformed("first_name", "A person needs a name, an e-mail address or a phone number.")
    since = command.since or command.at
    if since > command.at + _CLOCKS_DIFFER:
        raise malformed("at", "A person cannot have been added in the future.")
    profile = tidy_profile(command.profile, command)
    known = command.external_id
    return [
        PersonAdded(
            person_id=command.person_id,
            first_name=first,
            last_name=last,
            emails=command.emails,
            phones=command.phones,
            birthday=profile.birthday,
            company_id=command.company_id,
            company_role=tidy(command.company_role, "company_role"),
            owner_id=command.owner_id,
            tags=tidy_tags(command.tags),
            source=profile.source,
            language=profile.language,
            time_zone=profile.time_zone,
            city=profile.city,
            country=profile.country,
            external_id=tidy(known.id, "external_id") if known else None,
            external_source=tidy(known.source, "external_source") if known else None,
            custom=profile.custom,
            occurred_at=since,
        )
    ]


def _of_two_records(command: MergingCommand, person: Person) -> list[PersonEvent]:
    match command:
        case Absorb():
            return absorb(command, person)
        case BecomePart():
            return become_part(command, person)
        case Separate():
            return separate(command, person)
        case StandAlone():
            return stand_alone(command, person)
        case TellApart():
            if command.other_id in person.told_apart:
                return []
            one, other = sorted((person.person_id, command.other_id))
            return [PersonToldApart(one, other, occurred_at=command.at)]
        case _:
            assert_never(command)


def _of_fields(command: ChangePerson | UndoPersonChange, person: Person) -> list[PersonEvent]:
    if isinstance(command, UndoChange):
        return undo(command, person)
    return change(command, person)


def tag(command: TagPerson | UntagPerson, person: Person) -> list[PersonEvent]:
    worn = next((name for name in person.tags if folded(name) == folded(command.tag)), None)
    if isinstance(command, UntagPerson):
        return [PersonUntagged(person.person_id, worn, occurred_at=command.at)] if worn else []
    tags = tidy_tags((command.tag,))
    if not tags:
        raise malformed("tag", "A tag needs at least one letter.")
    if folded(tags[0]) in {folded(name) for name in person.tags}:
        return []  # asking twice is not an error
    return [PersonTagged(person.person_id, tags[0], occurred_at=command.at)]


def join(command: JoinCompany, person: Person) -> list[PersonEvent]:
    role = tidy(command.role, "role")
    held = next((job for job in person.jobs if job.company_id == command.company_id), None)
    main = person.jobs[0].company_id if person.jobs else command.company_id
    id_, company, at = person.person_id, command.company_id, command.at
    if held is None:
        return [PersonJoinedCompany(id_, company, role, main, occurred_at=at)]
    if held.role != role and role is not None:
        return [PersonRoleChanged(id_, company, role, occurred_at=at)]
    return []


def leave(command: LeaveCompany, person: Person) -> list[PersonEvent]:
    left = [job.company_id for job in person.jobs if job.company_id != command.company_id]
    if len(left) == len(person.jobs):
        return []
    main: UUID | None = left[0] if left else None
    id_, company = person.person_id, command.company_id
    return [PersonLeftCompany(id_, company, main, occurred_at=command.at)]


def log(command: LogInteraction, person: Person) -> list[PersonEvent]:
    if command.kind not in INTERACTION_KINDS:
        raise malformed("kind", f"There is no kind {command.kind!r}; use {INTERACTION_KINDS}.")
    text = command.text.strip()
    if not text and command.kind == "note":
        raise malformed("text", "A note needs a text.")
    if len(text) > TEXT_MOST or "\0" in text:
        raise malformed("text", f"At most {TEXT_MOST} characters are kept, and never U+0000.")
    if command.happened_at > command.at + _CLOCKS_DIFFER:
        raise malformed("at", "This lies in the future. Log it when it has happened.")
    return [
        InteractionLogged(
            interaction_id=command.interaction_id,
            person_id=person.person_id,
            kind=command.kind,
            text=text,
            at=command.happened_at,
            latest=command.happened_at >= person.last_activity_at,
            occurred_at=command.happened_at,
        )
    ]


def consent(command: GiveConsent | WithdrawConsent, person: Person) -> list[PersonEvent]:
    channel = (tidy(command.channel, "channel", most=30) or "").lower()
    purpose = (tidy(command.purpose, "purpose", most=100) or "").lower()
    if not (channel and purpose):
        raise malformed("purpose", "A consent needs a channel and a purpose.")
    source = tidy(command.source, "source")
    held = next((c for c in person.consents if (c.channel, c.purpose) == (channel, purpose)), None)
    id_, at = person.person_id, command.at
    if isinstance(command, WithdrawConsent):
        if held is not None and not held.given:
            return []
        return [ConsentWithdrawn(id_, channel, purpose, source, occurred_at=at)]
    version = tidy(command.text_version, "text_version")
    if held is not None and held.given and (held.source, held.text_version) == (source, version):
        return []
    return [ConsentGiven(id_, channel, purpose, source, version, occurred_at=at)]


def erase(command: ErasePerson, person: Person | None) -> list[PersonEvent]:
    if person is not None and person.erased_at is not None:
        return []
    person = there(person)
    at_rest = person.merged_into is not None  # what it is part of is not counted any more
    return [
        PersonErased(
            person.person_id,
            tags=() if at_rest else person.tags,
            company_ids=() if at_rest else tuple(job.company_id for job in person.jobs),
            external_ids=person.external_ids,
            occurred_at=command.at,
        )
    ]


def claims(event: PersonEvent) -> Iterable[Claim]:
    """Another system's id belongs to one person; an erased one gives theirs back."""
    if isinstance(event, PersonAdded | PersonIdentified) and event.external_id:
        known = ExternalId(event.external_id, event.external_source)
        yield external_id_claim("person", known)
    if isinstance(event, PersonErased):
        for known in event.external_ids:
            yield external_id_claim("person", known, release=True)


def forgets(event: PersonEvent) -> Iterable[UUID]:
    """An erased person's key is destroyed."""
    if isinstance(event, PersonErased):
        yield event.person_id


PERSON: Decider[PersonCommand, Person | None, PersonEvent] = Decider(
    "person", None, decide, evolve, PERSON_EVENTS, claims, forgets
)
