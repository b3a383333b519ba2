"""A membership: in which segments one person is. Its stream carries the person's id.

Pure: no I/O, no clock, no random. Times and ids arrive inside the command.

It says nothing about the person but where they are in; so a change of segments does not move the
version of the person's record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.events import Event

Cause = Literal["condition", "by-hand", "frozen", "merge", "unmerge"]

# --- events


class SegmentEntered(Event, frozen=True, tag="contacts.segment-entered.v1"):
    """A person is in a segment from now on."""

    person_id: UUID
    segment_id: UUID
    cause: Cause


class SegmentLeft(Event, frozen=True, tag="contacts.segment-left.v1"):
    """A person is not in a segment any more. `entered_at`: since when they had been."""

    person_id: UUID
    segment_id: UUID
    entered_at: datetime
    cause: Cause


class MembershipsErased(Event, frozen=True, tag="contacts.memberships-erased.v1"):
    """A person was erased, and is in no segment. `segment_ids`: those they were in, so that counts
    stay right."""

    person_id: UUID
    segment_ids: tuple[UUID, ...]


MembershipEvent = SegmentEntered | SegmentLeft | MembershipsErased
MEMBERSHIP_EVENTS: tuple[type[MembershipEvent], ...] = (
    SegmentEntered,
    SegmentLeft,
    MembershipsErased,
)

# --- commands


@dataclass(frozen=True, slots=True)
class Settle:
    """From now on the person is in these segments, and not in those; both may be so already."""

    person_id: UUID
    at: datetime
    cause: Cause
    enter: frozenset[UUID] = frozenset()
    leave: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Rest:
    """Another record answers for the person: this one is in no segment."""

    person_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Return:
    """The record answers for itself again, and returns to those of `segments` that it was in when
    it was merged: the static ones, of which nobody else knows who was in."""

    person_id: UUID
    at: datetime
    segments: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class EraseMemberships:
    person_id: UUID
    at: datetime


MembershipCommand = Settle | Rest | Return | EraseMemberships

# --- state


@dataclass(frozen=True, slots=True)
class Membership:
    """`since`: the segments the person is in, and since when. `rested`: those that the record was
    in when it was merged."""

    since: Mapping[UUID, datetime] = field(default_factory=dict)
    rested: frozenset[UUID] = frozenset()
    known: bool = False


def evolve(membership: Membership, event: MembershipEvent) -> Membership:
    """The membership after an event."""
    since, rested = dict(membership.since), membership.rested
    match event:
        case SegmentEntered():
            since[event.segment_id] = event.occurred_at
            return replace(membership, since=since, rested=rested - {event.segment_id}, known=True)
        case SegmentLeft():
            del since[event.segment_id]
            if event.cause == "merge":
                rested |= {event.segment_id}
            return replace(membership, since=since, rested=rested, known=True)
        case MembershipsErased():
            return Membership()
        case _:
            assert_never(event)


def decide(command: MembershipCommand, membership: Membership) -> list[MembershipEvent]:
    """What a command comes to; asking twice changes nothing."""
    match command:
        case Settle(person_id, at, cause):
            entered = command.enter - set(membership.since)
            left = command.leave & set(membership.since)
            return [
                *(_left(membership, person_id, id_, at, cause) for id_ in sorted(left)),
                *(SegmentEntered(person_id, s, cause, occurred_at=at) for s in sorted(entered)),
            ]
        case Rest(person_id, at):
            segments = sorted(membership.since)
            return [_left(membership, person_id, id_, at, "merge") for id_ in segments]
        case Return(person_id, at):
            back = sorted((membership.rested & command.segments) - set(membership.since))
            return [SegmentEntered(person_id, id_, "unmerge", occurred_at=at) for id_ in back]
        case EraseMemberships(person_id, at):
            was = tuple(sorted(membership.since))
            return [MembershipsErased(person_id, was, occurred_at=at)] if membership.known else []
        case _:
            assert_never(command)


def _left(
    membership: Membership, person_id: UUID, segment_id: UUID, at: datetime, cause: Cause
) -> SegmentLeft:
    since = membership.since[segment_id]
    return SegmentLeft(person_id, segment_id, since, cause, occurred_at=max(at, since))


MEMBERSHIP: Decider[MembershipCommand, Membership, MembershipEvent] = Decider(
    "membership", Membership(), decide, evolve, MEMBERSHIP_EVENTS
)
