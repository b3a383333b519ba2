"""What an event is: an immutable past fact with a literal wire name, and its envelope.

Pure. An event class is a frozen msgspec.Struct in its aggregate's file:

    class DealMoved(Event, frozen=True, tag="pipeline.deal-moved.v1"):
        deal_id: UUID
        from_stage: str
        to_stage: str

`tag` is the wire name: service, noun-verb, version; it never changes once published. Every event
says when the fact happened (`occurred_at`, may lie in the past); when it was recorded is added by
the log. Fields about a person are marked, and the class names the field that holds the subject:

    class PersonAdded(Event, frozen=True, tag="contacts.person-added.v1"):
        subject_field: ClassVar[str | None] = "person_id"
        person_id: UUID
        first_name: Annotated[str, PERSONAL]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec

PERSONAL = msgspec.Meta(extra={"personal": True})
"""Marks a field about a person: it is stored only under that person's own key."""

ERASED = "[erased]"
"""What a personal text reads as once the person's key has been destroyed."""

_WIRE_NAME = re.compile(r"^[a-z]+(-[a-z]+)*\.[a-z0-9]+(-[a-z0-9]+)*\.v[1-9][0-9]*$")


class Event(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """An immutable past fact. `occurred_at`: when it happened, timezone-aware."""

    subject_field: ClassVar[str | None] = None

    occurred_at: datetime


E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)


def wire_name(event: type[Event]) -> str:
    """The literal name of the event on the wire, checked for its form."""
    tag = event.__struct_config__.tag
    if not isinstance(tag, str) or not _WIRE_NAME.match(tag):
        raise TypeError(f"{event.__name__} needs a tag like 'service.noun-verb.v1', not {tag!r}")
    return tag


def service_of(type_: str) -> str:
    """The service that owns a wire name: `pipeline.deal-moved.v1` → `pipeline`."""
    return type_.partition(".")[0]


def topic_of(type_: str) -> str:
    """The topic on which a wire name travels."""
    return f"everlog.{service_of(type_)}"


class Stored(msgspec.Struct, frozen=True):
    """An event as the log keeps it and as Kafka carries it: envelope and exact bytes.

    `data` is the JSON body; personal fields are not in it but in its member `sealed`, encrypted
    under the key `key_id`. `hash` chains this event to the one before it in its stream.
    """

    workspace: UUID
    stream: str
    version: int
    id: UUID
    type: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    correlation_id: UUID
    causation_id: UUID | None
    traceparent: str | None
    key_id: UUID | None
    data: bytes
    hash: bytes


class Recorded(msgspec.Struct, Generic[E_co], frozen=True, eq=False):
    """An event with its place in the log, as projections, reactions and folds receive it."""

    event: E_co
    workspace: UUID
    stream: str
    version: int
    id: UUID
    type: str
    recorded_at: datetime
    actor: str
    correlation_id: UUID
    causation_id: UUID | None = None

    @property
    def occurred_at(self) -> datetime:
        """When the fact happened."""
        return self.event.occurred_at

    def __repr__(self) -> str:
        return f"<{self.type} {self.stream}@{self.version}>"


@dataclass(frozen=True, slots=True)
class Upcaster:
    """Turns the body of an old wire name into the body of the next one, on read; pure.

    Only public members are handed to it: sealed ones keep their names across versions.
    """

    old: str
    new: str
    upcast: Callable[[Mapping[str, Any]], Mapping[str, Any]]


def stream_name(category: str, id_: UUID) -> str:
    """The stream of one aggregate: `deal-0190…`."""
    return f"{category}-{id_}"


def category_of(stream: str) -> str:
    """The kind of aggregate a stream belongs to: `deal-0190…` → `deal`."""
    return stream[:-37]


def id_of(stream: str) -> UUID:
    """The aggregate's id in a stream's name."""
    return UUID(stream[-36:])
