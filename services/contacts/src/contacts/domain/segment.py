"""A segment: people who have something in common, by a condition or by hand.

Pure: no I/O, no clock, no random. Times and ids arrive inside the command.

The members of a dynamic segment follow from its condition, those of a static one are put in and
taken out. Who is in is no part of this stream, which would grow with every member: see
`membership.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import Event
from chassis.ports import Claim
from contacts.domain.conditions.tree import parse, plain
from contacts.domain.words import folded, malformed, tidy

Kind = Literal["dynamic", "static"]
_DESCRIPTION_MOST = 2_000

# --- events


class SegmentAdded(Event, frozen=True, tag="contacts.segment-added.v1"):
    """There is a segment. `frozen_from`: it holds who was in that one at this moment."""

    segment_id: UUID
    name: str
    kind: Kind
    description: str | None = None
    condition: dict[str, Any] | None = None
    frozen_from: UUID | None = None


class SegmentRenamed(Event, frozen=True, tag="contacts.segment-renamed.v1"):
    """A segment has another name."""

    segment_id: UUID
    name: str
    former_name: str


class SegmentDescribed(Event, frozen=True, tag="contacts.segment-described.v1"):
    """What a segment is for was put otherwise."""

    segment_id: UUID
    description: str | None


class SegmentConditionChanged(Event, frozen=True, tag="contacts.segment-condition-changed.v1"):
    """Who belongs to a segment follows from another condition."""

    segment_id: UUID
    condition: dict[str, Any]


class SegmentArchived(Event, frozen=True, tag="contacts.segment-archived.v1"):
    """A segment is not used any more: its members stay as they are."""

    segment_id: UUID


class SegmentRestored(Event, frozen=True, tag="contacts.segment-restored.v1"):
    """A segment is used again."""

    segment_id: UUID


SegmentEvent = (
    SegmentAdded
    | SegmentRenamed
    | SegmentDescribed
    | SegmentConditionChanged
    | SegmentArchived
    | SegmentRestored
)
SEGMENT_EVENTS: tuple[type[SegmentEvent], ...] = (
    SegmentAdded,
    SegmentRenamed,
    SegmentDescribed,
    SegmentConditionChanged,
    SegmentArchived,
    SegmentRestored,
)

# --- commands


@dataclass(frozen=True, slots=True)
class AddSegment:
    """`condition`: as JSON says it; needed by a dynamic segment, and by no other."""

    segment_id: UUID
    name: str
    kind: Kind
    at: datetime
    description: str | None = None
    condition: Any = None
    frozen_from: UUID | None = None


@dataclass(frozen=True, slots=True)
class ChangeSegment:
    """What is named in `changes` changes: name, description, condition."""

    at: datetime
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ArchiveSegment:
    at: datetime


@dataclass(frozen=True, slots=True)
class RestoreSegment:
    at: datetime


SegmentCommand = AddSegment | ChangeSegment | ArchiveSegment | RestoreSegment

# --- state


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as it stands."""

    segment_id: UUID
    name: str
    kind: Kind
    description: str | None
    condition: dict[str, Any] | None
    archived: bool = False


def evolve(segment: Segment | None, event: SegmentEvent) -> Segment:
    """The segment after an event."""
    if isinstance(event, SegmentAdded):
        return Segment(event.segment_id, event.name, event.kind, event.description, event.condition)
    assert segment is not None, "the log begins with something else than the segment's beginning"
    match event:
        case SegmentRenamed():
            return replace(segment, name=event.name)
        case SegmentDescribed():
            return replace(segment, description=event.description)
        case SegmentConditionChanged():
            return replace(segment, condition=event.condition)
        case SegmentArchived():
            return replace(segment, archived=True)
        case SegmentRestored():
            return replace(segment, archived=False)
        case _:
            assert_never(event)


# --- decisions


def existing(segment: Segment | None) -> Segment:
    """The segment. Raises NotFound."""
    if segment is None:
        raise NotFound("There is no such segment in this workspace.")
    return segment


def in_use(segment: Segment | None) -> Segment:
    """The segment. Raises NotFound, Conflict if it is archived."""
    found = existing(segment)
    if found.archived:
        raise Conflict("This segment is archived. Restore it first.", code="segment-archived")
    return found


def by_hand(segment: Segment | None) -> Segment:
    """The segment, if people are put into it by hand. Raises NotFound, Conflict."""
    found = in_use(segment)
    if found.kind == "dynamic":
        raise Conflict(
            "Who is in a dynamic segment follows from its condition. Change the condition, or make "
            "a static segment.",
            code="segment-dynamic",
        )
    return found


def decide(command: SegmentCommand, segment: Segment | None) -> list[SegmentEvent]:
    """What a command comes to."""
    match command:
        case AddSegment():
            return [_added(command)]
        case ChangeSegment():
            return list(_changed(command, in_use(segment)))
        case ArchiveSegment():
            found = existing(segment)
            archived = SegmentArchived(found.segment_id, occurred_at=command.at)
            return [] if found.archived else [archived]
        case RestoreSegment():
            found = existing(segment)
            restored = SegmentRestored(found.segment_id, occurred_at=command.at)
            return [restored] if found.archived else []
        case _:
            assert_never(command)


def _added(command: AddSegment) -> SegmentAdded:
    if command.kind == "static" and command.condition is not None:
        raise malformed("condition", "A static segment has none: its members are put in by hand.")
    return SegmentAdded(
        command.segment_id,
        _name(command.name),
        command.kind,
        tidy(command.description, "description", most=_DESCRIPTION_MOST),
        plain(parse(command.condition)) if command.kind == "dynamic" else None,
        command.frozen_from,
        occurred_at=command.at,
    )


def _changed(command: ChangeSegment, segment: Segment) -> Iterable[SegmentEvent]:
    id_, changes, at = segment.segment_id, command.changes, command.at
    if "name" in changes and (name := _name(changes["name"])) != segment.name:
        yield SegmentRenamed(id_, name, segment.name, occurred_at=at)
    if "description" in changes:
        description = tidy(changes["description"], "description", most=_DESCRIPTION_MOST)
        if description != segment.description:
            yield SegmentDescribed(id_, description, occurred_at=at)
    if "condition" in changes:
        if segment.kind == "static":
            raise malformed("condition", "A static segment has none.")
        condition = plain(parse(changes["condition"]))
        if condition != segment.condition:
            yield SegmentConditionChanged(id_, condition, occurred_at=at)


def _name(text: str | None) -> str:
    name = tidy(text, "name", most=100)
    if name is None or not folded(name):
        raise malformed("name", "Give the segment a name.")
    return name


def claims(event: SegmentEvent) -> Iterable[Claim]:
    """A name belongs to one segment, whatever its case and accents."""
    if isinstance(event, SegmentRenamed) and folded(event.name) != folded(event.former_name):
        yield Claim("segment_name", folded(event.former_name), release=True)
        yield Claim("segment_name", folded(event.name))
    elif isinstance(event, SegmentAdded):
        yield Claim("segment_name", folded(event.name))


SEGMENT: Decider[SegmentCommand, Segment | None, SegmentEvent] = Decider(
    "segment", None, decide, evolve, SEGMENT_EVENTS, claims=claims
)
