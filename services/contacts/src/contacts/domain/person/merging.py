"""Two records of one person as one: the survivor speaks for both, the duplicate rests. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from chassis.errors import Conflict
from contacts.domain.entry import with_one_primary
from contacts.domain.person.changing import change
from contacts.domain.person.commands import Absorb, BecomePart, ChangePerson, Profile
from contacts.domain.person.events import (
    ConsentGiven,
    ConsentWithdrawn,
    PersonAbsorbed,
    PersonEvent,
    PersonJoinedCompany,
    PersonMerged,
)
from contacts.domain.person.state import ConsentState, Person
from contacts.domain.phone_number import matched_as

SURVIVOR, DUPLICATE = "survivor", "duplicate"
CUSTOM = "custom."
_PROFILE = tuple(name for name in Profile.__slots__ if name != "custom")
W = TypeVar("W", bound=Any)
Fields = dict[str, Any]


def absorb(command: Absorb, person: Person) -> list[PersonEvent]:
    """What the survivor says from now on."""
    other, at = command.duplicate, command.at
    if other.person_id == person.person_id:
        raise Conflict("A record cannot be merged into itself.", code="same-record")
    for one in (person, other):
        if one.merged_into is not None:
            raise Conflict(
                "One of these records is part of another one already. Merge that one.",
                code="merged",
                survivor_id=str(one.merged_into),
            )
    came = [
        *change(_union(command, person), person),
        *_jobs(person, other, command.choices.get("company"), at),
        *_strictest(person, other, at),
    ]
    latest = max(person.last_activity_at, other.last_activity_at)
    absorbed = PersonAbsorbed(
        person.person_id,
        other.person_id,
        other.absorbed_ids,
        len(came),
        latest,
        other.all_external_ids,
        command.score,
        occurred_at=at,
    )
    return [absorbed, *came]


def _union(command: Absorb, person: Person) -> ChangePerson:
    """One value of each single field, all of what there can be several of."""
    other, choices = command.duplicate, command.choices
    mine, theirs = scalars(person), scalars(other)
    taken = {
        name: theirs.get(name)
        for name in {**mine, **theirs}
        if choices.get(name, SURVIVOR if _said(mine.get(name)) else DUPLICATE) == DUPLICATE
    }
    emails = _all(person.emails, other.emails, address_key, choices.get("email") == DUPLICATE)
    phones = _all(person.phones, other.phones, matched_as, choices.get("phone") == DUPLICATE)
    return changed(command.at, taken, emails, phones, (*person.tags, *other.tags))


def _said(value: Any) -> bool:
    return value not in (None, "")


def address_key(email: Any) -> str:
    return str(email.folded or email.address)


def _all(
    mine: tuple[W, ...], theirs: tuple[W, ...], key: Callable[[W], str], theirs_first: bool
) -> tuple[W, ...]:
    first, then = (theirs, mine) if theirs_first else (mine, theirs)
    known = {key(way) for way in first}
    both = (*first, *(way for way in then if key(way) not in known))
    return with_one_primary(both)


def _jobs(person: Person, other: Person, chosen: str | None, at: datetime) -> Iterable[PersonEvent]:
    held = {job.company_id for job in person.jobs}
    main = person.jobs[0].company_id if person.jobs else None
    if other.jobs and (main is None or chosen == DUPLICATE):
        main = other.jobs[0].company_id
    for job in other.jobs:
        if job.company_id not in held:
            yield PersonJoinedCompany(
                person.person_id, job.company_id, job.role, main, occurred_at=at
            )


def _strictest(person: Person, other: Person, at: datetime) -> Iterable[PersonEvent]:
    """A refusal of either counts; an agreement does where nobody refused."""
    mine = {(c.channel, c.purpose): c for c in person.consents}
    for theirs in other.consents:
        held = mine.get((theirs.channel, theirs.purpose))
        if not theirs.given and (held is None or held.given):
            yield withdrawn(person, theirs, theirs.source, at)
        elif theirs.given and held is None:
            yield ConsentGiven(
                person.person_id,
                theirs.channel,
                theirs.purpose,
                theirs.source,
                theirs.text_version,
                occurred_at=at,
            )


def withdrawn(
    person: Person, consent: ConsentState, source: str | None, at: datetime
) -> ConsentWithdrawn:
    return ConsentWithdrawn(
        person.person_id, consent.channel, consent.purpose, source, occurred_at=at
    )


def become_part(command: BecomePart, person: Person) -> list[PersonEvent]:
    """The duplicate rests. What it counted among is told the first time only."""
    told: dict[str, Any] = {}
    if not command.again:
        companies = tuple(job.company_id for job in person.jobs)
        told = {"tags": person.tags, "company_ids": companies}
    return [PersonMerged(person.person_id, command.into_id, **told, occurred_at=command.at)]


def scalars(person: Person) -> Fields:
    """The fields that have one value, custom ones by their name after a dot."""
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        **{name: getattr(person.profile, name) for name in _PROFILE},
        "owner_id": person.owner_id,
        **{f"{CUSTOM}{name}": value for name, value in person.profile.custom.items()},
    }


def changed(
    at: datetime, values: Mapping[str, Any], emails: Any, phones: Any, tags: tuple[str, ...]
) -> ChangePerson:
    """These values of single fields, and all addresses, numbers and tags."""
    profile: dict[str, Any] = {name: values[name] for name in _PROFILE if name in values}
    custom = {
        name.removeprefix(CUSTOM): value
        for name, value in values.items()
        if name.startswith(CUSTOM)
    }
    others: dict[str, Any] = {
        name: values[name] or "" for name in ("first_name", "last_name") if name in values
    }
    if "owner_id" in values:
        others["owner_id"] = values["owner_id"]
    if custom:
        profile["custom"] = custom
    return ChangePerson(at, emails=emails, phones=phones, profile=profile, tags=tags, **others)
