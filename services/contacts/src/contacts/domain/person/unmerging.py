"""Taking a merge back, at any time, also after further changes. Pure.

The duplicate's stream rests while another record speaks for it, so what it said is still there.
What the merge changed in the survivor is the difference of the survivor just before and just after
it; what was changed later is the difference from then to now. Taking the merge back undoes the
first and keeps the second, for whom it was about: a later change of what came from the duplicate
is the duplicate's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from chassis.errors import Conflict
from contacts.domain.entry import primary_of, with_one_primary
from contacts.domain.person.changing import change
from contacts.domain.person.commands import Separate, StandAlone
from contacts.domain.person.events import (
    PersonEvent,
    PersonLeftCompany,
    PersonRoleChanged,
    PersonSeparated,
    PersonUnmerged,
)
from contacts.domain.person.merging import (
    DUPLICATE,
    SURVIVOR,
    address_key,
    changed,
    scalars,
    withdrawn,
)
from contacts.domain.person.standing import there
from contacts.domain.person.state import Absorption, Person, evolve
from contacts.domain.phone_number import matched_as
from contacts.domain.words import folded

UNMERGED = "unmerge"
"""Where a consent's end comes from that nobody asked for but a wrong merge."""
W = TypeVar("W", bound=Any)


@dataclass(frozen=True, slots=True)
class Share:
    """What taking a merge back does with one field. `now`: the survivor's value before that;
    `later`: it was changed after the merge."""

    field: str
    now: Any
    survivor: Any
    duplicate: Any
    later: bool = False


def absorption_of(survivor: Person, duplicate: Person) -> Absorption:
    """How this record came to be part of the other one. Raises Conflict."""
    for each in survivor.absorptions:
        if each.absorbed_id == duplicate.person_id:
            return each
        if duplicate.person_id in each.with_ids:
            raise Conflict(
                "This record came along with another one. Unmerge that one first.",
                code="came-along",
                came_with=str(each.absorbed_id),
            )
    raise Conflict("These two records are not merged.", code="not-merged")


def shares(
    survivor: Person, duplicate: Person, attributions: Mapping[str, str] | None = None
) -> list[Share]:
    """Which value each of the two has afterwards, of single fields."""
    was = absorption_of(survivor, duplicate)
    before, after = scalars(was.before), scalars(was.after)
    now, own = scalars(survivor), scalars(duplicate)
    found = []
    for name in {**now, **after, **before, **own}:
        a, b, c, own_value = before.get(name), after.get(name), now.get(name), own.get(name)
        whose = (attributions or {}).get(name) or (SURVIVOR if a == b else DUPLICATE)
        if b == c:
            found.append(Share(name, c, a, own_value))
        elif whose == SURVIVOR:
            found.append(Share(name, c, c, own_value, later=True))
        else:
            found.append(Share(name, c, a, c, later=True))
    return found


@dataclass(frozen=True, slots=True)
class Several:
    """The same for what there can be several of: what each of the two has afterwards."""

    survivor: tuple[Any, ...]
    duplicate: tuple[Any, ...]


def several(survivor: Person, duplicate: Person) -> dict[str, Several]:
    """Who keeps which addresses, numbers, tags and companies."""
    was = absorption_of(survivor, duplicate)
    found = {}
    for name, key in _SEVERAL.items():
        before, after = getattr(was.before, name), getattr(was.after, name)
        now, own = getattr(survivor, name), getattr(duplicate, name)
        found[name] = _parted(before, after, now, own, key)
    for name in ("emails", "phones"):
        one, two = found[name].survivor, found[name].duplicate
        found[name] = Several(
            _with_former_primary(one, getattr(was.before, name), _SEVERAL[name]),
            with_one_primary(two),
        )
    return found


_SEVERAL: Mapping[str, Callable[[Any], Any]] = {
    "emails": address_key,
    "phones": matched_as,
    "tags": folded,
    "jobs": lambda job: job.company_id,
}


def _parted(
    before: Sequence[W],
    after: Sequence[W],
    now: Sequence[W],
    own: Sequence[W],
    key: Callable[[W], Any],
) -> Several:
    """What came from the duplicate goes back to it, unless it was taken away since. What took the
    place of its primary one is its, too."""
    brought = {key(each) for each in after} - {key(each) for each in before}
    kept = {key(each): each for each in now}
    new = [each for each in now if key(each) not in {key(one) for one in after}]
    gone = {each for each in brought if each not in kept}
    instead = []
    main, main_now = primary_of_any(after), primary_of_any(now)
    if main is not None and key(main) in gone and main_now in new:
        instead = [main_now]
    mine = [each for each in now if key(each) not in brought and each not in instead]
    theirs = [kept.get(key(e), e) if key(e) in brought else e for e in own if key(e) not in gone]
    return Several(tuple(mine), (*instead, *theirs))


def primary_of_any(ways: Sequence[Any]) -> Any:
    """The primary one of addresses and numbers; tags and jobs have none."""
    return primary_of(way for way in ways if hasattr(way, "primary"))


def _with_former_primary(
    ways: tuple[W, ...], before: tuple[W, ...], key: Callable[[W], Any]
) -> tuple[W, ...]:
    if primary_of(ways) is None and (former := primary_of(before)) is not None:
        ways = tuple(sorted(ways, key=lambda way: key(way) != key(former)))
    return with_one_primary(ways)


def separate(command: Separate, person: Person) -> list[PersonEvent]:
    """What the survivor says without the duplicate."""
    other, at = command.duplicate, command.at
    was = absorption_of(person, other)
    latest = person.last_activity_at
    if latest == was.after.last_activity_at:
        latest = was.before.last_activity_at
    parted = PersonSeparated(
        person.person_id, other.person_id, was.with_ids, latest, occurred_at=at
    )
    left = {
        share.field: share.survivor
        for share in shares(person, other, command.attributions)
        if share.survivor != share.now
    }
    ways = several(person, other)
    wanted = changed(
        at, left, ways["emails"].survivor, ways["phones"].survivor, ways["tags"].survivor
    )
    return [
        parted,
        *change(wanted, person),
        *_employed(person, ways["jobs"].survivor, at),
        *_only_agreed_elsewhere(person, was, at),
    ]


def _only_agreed_elsewhere(person: Person, was: Absorption, at: datetime) -> Iterable[PersonEvent]:
    """An agreement that came from the other one is none of this person's."""
    before = {(c.channel, c.purpose) for c in was.before.consents}
    after = {(c.channel, c.purpose): c for c in was.after.consents}
    for consent in person.consents:
        place = (consent.channel, consent.purpose)
        if consent.given and place not in before and after.get(place) == consent:
            yield withdrawn(person, consent, UNMERGED, at)


def stand_alone(command: StandAlone, person: Person) -> list[PersonEvent]:
    """What the duplicate says again, with what has been changed of it meanwhile. Whatever was
    refused meanwhile stays refused."""
    survivor, at = command.survivor, command.at
    if person.merged_into != survivor.person_id:
        raise Conflict("These two records are not merged.", code="not-merged")
    companies = tuple(job.company_id for job in person.jobs)
    unmerged = PersonUnmerged(
        person.person_id, survivor.person_id, person.tags, companies, occurred_at=at
    )
    alone = there(evolve(person, unmerged))
    mine = scalars(alone)
    given = {
        share.field: share.duplicate
        for share in shares(survivor, person, command.attributions)
        if share.duplicate != mine.get(share.field)
    }
    ways = several(survivor, person)
    wanted = changed(
        at, given, ways["emails"].duplicate, ways["phones"].duplicate, ways["tags"].duplicate
    )
    held = {(c.channel, c.purpose): c for c in person.consents}
    refused = [
        withdrawn(person, consent, consent.source, at)
        for consent in survivor.consents
        if not consent.given
        and ((mine_ := held.get((consent.channel, consent.purpose))) is None or mine_.given)
    ]
    return [
        unmerged,
        *change(wanted, alone),
        *_employed(alone, ways["jobs"].duplicate, at),
        *refused,
    ]


def _employed(person: Person, wanted: Sequence[Any], at: datetime) -> Iterable[PersonEvent]:
    """From the jobs held to the jobs wanted. Nobody gets a job by this, but a role may change."""
    left = list(person.jobs)
    for job in person.jobs:
        after = next((each for each in wanted if each.company_id == job.company_id), None)
        if after is None:
            left.remove(job)
            main = left[0].company_id if left else None
            yield PersonLeftCompany(person.person_id, job.company_id, main, occurred_at=at)
        elif after.role != job.role:
            yield PersonRoleChanged(person.person_id, job.company_id, after.role, occurred_at=at)
