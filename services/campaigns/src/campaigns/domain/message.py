"""A message: one mail of a broadcast to one person, from being planned to being read.

It is sent, refused (with a reason: the "why not") or uncertain (the process died while it was at
it; it is never sent again). Opens and clicks are kept as they came, with the class of the program
that fetched them, so that machines can be told from people, now and differently later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, assert_never
from uuid import UUID, uuid5

from campaigns.domain.agents import MACHINES
from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import Event

SAME_LOOK = timedelta(minutes=10)
"""The same kind of program again within this time is the same look at the mail."""
BURST = timedelta(seconds=2)
"""Whoever follows several links within this time after another is no person."""
_TRACKS_MOST = 200


class MessagePlanned(Event, frozen=True, tag="campaigns.message-planned.v1"):
    """A person is in the frozen audience of a broadcast."""

    message_id: UUID
    broadcast_id: UUID
    person_id: UUID


class MessageDeferred(Event, frozen=True, tag="campaigns.message-deferred.v1"):
    """The mail server did not take it for now; it is tried again at `retry_at`."""

    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    reason: str
    attempt: int
    retry_at: datetime


class MessageSent(Event, frozen=True, tag="campaigns.message-sent.v1"):
    """The mail server took it."""

    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    at: datetime


class MessageRefused(Event, frozen=True, tag="campaigns.message-refused.v1"):
    """It was not sent, and never will be. `reason`: a word, e.g. `unsubscribed`, `smtp-550`."""

    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    reason: str
    smtp_status: str | None = None


class MessageUncertain(Event, frozen=True, tag="campaigns.message-uncertain.v1"):
    """Nobody knows whether it was sent; it is not sent again."""

    message_id: UUID
    broadcast_id: UUID
    person_id: UUID


class MessageOpened(Event, frozen=True, tag="campaigns.message-opened.v1"):
    """Its picture was fetched. `first`: for the first time by its kind (a machine, or not)."""

    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    machine: bool
    first: bool
    agent: str = "other"
    after_s: float | None = None


class LinkClicked(Event, frozen=True, tag="campaigns.link-clicked.v1"):
    """A link of it was followed. `first`: the first one by its kind (a machine, or not) at all.

    `url` is as the template has it: merge fields in it are not filled.
    """

    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    url: str
    machine: bool
    first: bool
    first_of_link: bool = False
    agent: str = "other"
    after_s: float | None = None


MessageEvent = (
    MessagePlanned
    | MessageDeferred
    | MessageSent
    | MessageRefused
    | MessageUncertain
    | MessageOpened
    | LinkClicked
)
EVENTS: tuple[type[MessageEvent], ...] = (
    MessagePlanned,
    MessageDeferred,
    MessageSent,
    MessageRefused,
    MessageUncertain,
    MessageOpened,
    LinkClicked,
)


@dataclass(frozen=True, slots=True)
class PlanMessage:
    """`refusal`: why it will not be sent, if that is known when the audience is frozen."""

    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    refusal: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DeferMessage:
    reason: str
    retry_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class MarkSent:
    at: datetime


@dataclass(frozen=True, slots=True)
class RefuseMessage:
    reason: str
    smtp_status: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class MarkUncertain:
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteOpen:
    agent: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteClick:
    url: str
    agent: str
    at: datetime


MessageCommand = (
    PlanMessage | DeferMessage | MarkSent | RefuseMessage | MarkUncertain | NoteOpen | NoteClick
)
Status = Literal["planned", "sent", "refused", "uncertain"]


@dataclass(frozen=True, slots=True)
class Message:
    message_id: UUID
    broadcast_id: UUID
    person_id: UUID
    status: Status = "planned"
    attempts: int = 0
    retry_at: datetime | None = None
    sent_at: datetime | None = None
    opened_by: Mapping[str, datetime] = field(default_factory=dict)
    """The last open by each class of program."""
    clicked: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """The last click on each link by each class of program."""
    kinds: frozenset[tuple[str, bool]] = frozenset()
    """What has happened: (`opened`, `clicked` or a link, by a machine)."""
    tracks: int = 0


def message_id_of(broadcast_id: UUID, person_id: UUID) -> UUID:
    """The one message of a broadcast to a person: the same whoever asks, however often."""
    return uuid5(broadcast_id, str(person_id))


def evolve(message: Message | None, event: MessageEvent) -> Message:
    """The message after an event."""
    match event:
        case MessagePlanned():
            return Message(event.message_id, event.broadcast_id, event.person_id)
        case MessageDeferred():
            return replace(existing(message), attempts=event.attempt, retry_at=event.retry_at)
        case MessageSent():
            return replace(existing(message), status="sent", sent_at=event.at)
        case MessageRefused():
            return replace(existing(message), status="refused")
        case MessageUncertain():
            return replace(existing(message), status="uncertain", sent_at=event.occurred_at)
        case MessageOpened() as e:
            found = existing(message)
            return replace(
                found,
                opened_by={**found.opened_by, e.agent: e.occurred_at},
                kinds=found.kinds | {("opened", e.machine)},
                tracks=found.tracks + 1,
            )
        case LinkClicked() as e:
            found = existing(message)
            return replace(
                found,
                clicked={**found.clicked, (e.url, e.agent): e.occurred_at},
                kinds=found.kinds | {("clicked", e.machine), (e.url, e.machine)},
                tracks=found.tracks + 1,
            )
        case _:
            assert_never(event)


def existing(message: Message | None) -> Message:
    """The message. Raises NotFound if there is none."""
    if message is None:
        raise NotFound("There is no such message.")
    return message


def decide(command: MessageCommand, message: Message | None) -> list[MessageEvent]:
    """What a command leads to."""
    if isinstance(command, PlanMessage):
        return _plan(command, message)
    found = existing(message)
    match command:
        case NoteOpen():
            return _note_open(command, found)
        case NoteClick():
            return _note_click(command, found)
        case _:
            return _settle(command, found)


def _plan(command: PlanMessage, message: Message | None) -> list[MessageEvent]:
    if message is not None:
        raise Conflict("This person has a message of this broadcast already.")
    ids = (command.message_id, command.broadcast_id, command.person_id)
    planned = MessagePlanned(*ids, occurred_at=command.at)
    if command.refusal is None:
        return [planned]
    return [planned, MessageRefused(*ids, command.refusal, occurred_at=command.at)]


def _settle(
    command: DeferMessage | MarkSent | RefuseMessage | MarkUncertain, found: Message
) -> list[MessageEvent]:
    """What became of it; what was said about that first stays."""
    ids = (found.message_id, found.broadcast_id, found.person_id)
    if found.status != "planned":
        return []
    match command:
        case DeferMessage(reason, retry_at, at):
            attempt = found.attempts + 1
            return [MessageDeferred(*ids, reason, attempt, retry_at, occurred_at=at)]
        case MarkSent(at):
            return [MessageSent(*ids, at, occurred_at=at)]
        case RefuseMessage(reason, smtp_status, at):
            return [MessageRefused(*ids, reason, smtp_status, occurred_at=at)]
        case MarkUncertain(at):
            return [MessageUncertain(*ids, occurred_at=at)]
        case _:
            assert_never(command)


def _note_open(command: NoteOpen, found: Message) -> list[MessageEvent]:
    last = found.opened_by.get(command.agent)
    if found.status == "refused" or found.tracks >= _TRACKS_MOST:
        return []
    if last is not None and command.at - last < SAME_LOOK:
        return []
    machine = command.agent in MACHINES
    opened = MessageOpened(
        found.message_id,
        found.broadcast_id,
        found.person_id,
        machine,
        ("opened", machine) not in found.kinds,
        command.agent,
        _after_s(found, command.at),
        occurred_at=command.at,
    )
    return [opened]


def _note_click(command: NoteClick, found: Message) -> list[MessageEvent]:
    last = found.clicked.get((command.url, command.agent))
    if found.status == "refused" or found.tracks >= _TRACKS_MOST:
        return []
    if last is not None and command.at - last < SAME_LOOK:
        return []
    machine = command.agent in MACHINES or _in_a_burst(command, found)
    clicked = LinkClicked(
        found.message_id,
        found.broadcast_id,
        found.person_id,
        command.url,
        machine,
        ("clicked", machine) not in found.kinds,
        (command.url, machine) not in found.kinds,
        command.agent,
        _after_s(found, command.at),
        occurred_at=command.at,
    )
    return [clicked]


def _in_a_burst(command: NoteClick, found: Message) -> bool:
    """Another link was followed a moment ago: a scanner tries them all as soon as mail arrives."""
    return any(
        url != command.url and command.at - at < BURST for (url, _), at in found.clicked.items()
    )


def _after_s(found: Message, at: datetime) -> float | None:
    if found.sent_at is None:
        return None
    return round(max(0.0, (at - found.sent_at).total_seconds()), 3)


MESSAGE: Decider[MessageCommand, Message | None, MessageEvent] = Decider(
    "message", None, decide, evolve, EVENTS
)
