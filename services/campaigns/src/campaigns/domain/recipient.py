"""A recipient: what a person wants no mail about, and why else they get none.

Its stream carries the person's id. Whoever unsubscribes does so from one topic or from everything
(topic null). `address_hash` is the keyed hash of the address at that time: it survives the person's
erasure and says nothing about them, but keeps the address silent if it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

import msgspec

from campaigns.domain.words import checked
from chassis.decider import Decider
from chassis.events import Event

Via = Literal["one-click", "page", "import", "by-hand"]

_TOPIC_MOST = 200
EVERYTHING = ""
"""Stands for all topics where a topic has to be a text."""


class PersonUnsubscribed(Event, frozen=True, tag="campaigns.person-unsubscribed.v1"):
    """A person wants no more mail about a topic, or (null) about anything.

    `first`: the first time that this broadcast made them do so.
    """

    person_id: UUID
    broadcast_id: UUID | None
    message_id: UUID | None
    topic: str | None
    via: Via
    first: bool = True
    address_hash: str | None = None


class Lifted(msgspec.Struct, frozen=True):
    """An unsubscription that holds no longer."""

    topic: str | None
    address_hash: str | None


class PersonResubscribed(Event, frozen=True, tag="campaigns.person-resubscribed.v1"):
    """A person takes their unsubscriptions back."""

    person_id: UUID
    lifted: list[Lifted]
    via: Via


class RecipientSuppressed(Event, frozen=True, tag="campaigns.recipient-suppressed.v1"):
    """A person gets no mail, whatever they subscribed to: `consent-withdrawn:…`, `erased`."""

    person_id: UUID
    reason: str


class RecipientReleased(Event, frozen=True, tag="campaigns.recipient-released.v1"):
    """A reason to send no mail is gone."""

    person_id: UUID
    reason: str


RecipientEvent = PersonUnsubscribed | PersonResubscribed | RecipientSuppressed | RecipientReleased
EVENTS: tuple[type[RecipientEvent], ...] = (
    PersonUnsubscribed,
    PersonResubscribed,
    RecipientSuppressed,
    RecipientReleased,
)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    person_id: UUID
    topic: str | None
    via: Via
    at: datetime
    broadcast_id: UUID | None = None
    message_id: UUID | None = None
    address_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Resubscribe:
    via: Via
    at: datetime


@dataclass(frozen=True, slots=True)
class Suppress:
    person_id: UUID
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    reason: str
    at: datetime


RecipientCommand = Unsubscribe | Resubscribe | Suppress | Release


@dataclass(frozen=True, slots=True)
class Recipient:
    """Nothing is known of most people: that is a recipient, too."""

    person_id: UUID | None = None
    unsubscribed: Mapping[str | None, str | None] = field(default_factory=dict)
    """The topics (null: everything), each with the address's hash."""
    suppressed: frozenset[str] = frozenset()
    by_broadcasts: frozenset[UUID] = frozenset()

    def refusal(self, topic: str) -> str | None:
        """Why mail about this topic must not be sent, as a word; None if it may."""
        if self.suppressed:
            return min(self.suppressed).partition(":")[0]
        if None in self.unsubscribed or topic in self.unsubscribed:
            return "unsubscribed"
        return None


def evolve(recipient: Recipient, event: RecipientEvent) -> Recipient:
    """The recipient after an event."""
    match event:
        case PersonUnsubscribed() as e:
            broadcasts = {e.broadcast_id} if e.broadcast_id else set()
            return replace(
                recipient,
                person_id=e.person_id,
                unsubscribed={**recipient.unsubscribed, e.topic: e.address_hash},
                by_broadcasts=recipient.by_broadcasts | broadcasts,
            )
        case PersonResubscribed():
            return replace(recipient, unsubscribed={})
        case RecipientSuppressed():
            return replace(
                recipient,
                person_id=event.person_id,
                suppressed=recipient.suppressed | {event.reason},
            )
        case RecipientReleased():
            return replace(recipient, suppressed=recipient.suppressed - {event.reason})
        case _:
            assert_never(event)


def decide(command: RecipientCommand, recipient: Recipient) -> list[RecipientEvent]:
    """What a command leads to; asking twice changes nothing."""
    match command:
        case Unsubscribe():
            return _unsubscribe(command, recipient)
        case Resubscribe():
            if recipient.person_id is None or not recipient.unsubscribed:
                return []
            lifted = [Lifted(t, h) for t, h in recipient.unsubscribed.items()]
            return [
                PersonResubscribed(recipient.person_id, lifted, command.via, occurred_at=command.at)
            ]
        case Suppress(person_id, reason, at):
            if reason in recipient.suppressed:
                return []
            return [RecipientSuppressed(person_id, reason, occurred_at=at)]
        case Release(reason, at):
            if recipient.person_id is None or reason not in recipient.suppressed:
                return []
            return [RecipientReleased(recipient.person_id, reason, occurred_at=at)]
        case _:
            assert_never(command)


def _unsubscribe(command: Unsubscribe, recipient: Recipient) -> list[RecipientEvent]:
    if command.topic is not None:
        checked("topic", command.topic, _TOPIC_MOST)
    if command.topic in recipient.unsubscribed or None in recipient.unsubscribed:
        return []
    broadcast = command.broadcast_id
    unsubscribed = PersonUnsubscribed(
        command.person_id,
        broadcast,
        command.message_id,
        command.topic,
        command.via,
        broadcast is not None and broadcast not in recipient.by_broadcasts,
        command.address_hash,
        occurred_at=command.at,
    )
    return [unsubscribed]


RECIPIENT: Decider[RecipientCommand, Recipient, RecipientEvent] = Decider(
    "recipient", Recipient(), decide, evolve, EVENTS
)
