"""A broadcast: one template to many people, once. Planned, launched, started, paused, finished.

`launched` means that somebody (or the clock) asked for the start; `started` that the audience is
frozen: who is in it then gets the mail or a reason why not, whoever joins the segment later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never
from uuid import UUID

from campaigns.domain.audience import Audience, check
from campaigns.domain.words import checked
from chassis.decider import Decider
from chassis.errors import Conflict, NotFound
from chassis.events import Event

_WORDS_MOST = 200

Status = Literal["planned", "starting", "sending", "paused", "finished", "cancelled"]


class BroadcastPlanned(Event, frozen=True, tag="campaigns.broadcast-planned.v1"):
    """A broadcast was planned. `send_at`: when it starts by itself."""

    broadcast_id: UUID
    name: str
    template_id: UUID
    topic: str
    audience: Audience
    send_at: datetime | None = None


class BroadcastScheduled(Event, frozen=True, tag="campaigns.broadcast-scheduled.v1"):
    """A planned broadcast starts by itself at another time, or (null) no longer by itself."""

    broadcast_id: UUID
    send_at: datetime | None = None


class BroadcastLaunched(Event, frozen=True, tag="campaigns.broadcast-launched.v1"):
    """The start was asked for."""

    broadcast_id: UUID


class BroadcastStarted(Event, frozen=True, tag="campaigns.broadcast-started.v1"):
    """The audience is frozen, the sending begins."""

    broadcast_id: UUID
    name: str
    template_id: UUID
    subject: str
    audience: int
    topic: str
    template_version: int = 1


class BroadcastPaused(Event, frozen=True, tag="campaigns.broadcast-paused.v1"):
    """The sending was stopped for the time being."""

    broadcast_id: UUID


class BroadcastResumed(Event, frozen=True, tag="campaigns.broadcast-resumed.v1"):
    """The sending goes on."""

    broadcast_id: UUID


class BroadcastFinished(Event, frozen=True, tag="campaigns.broadcast-finished.v1"):
    """Everybody in the audience got the mail or a reason why not."""

    broadcast_id: UUID
    sent: int
    refused: int
    uncertain: int


class BroadcastCancelled(Event, frozen=True, tag="campaigns.broadcast-cancelled.v1"):
    """It will not take place."""

    broadcast_id: UUID


BroadcastEvent = (
    BroadcastPlanned
    | BroadcastScheduled
    | BroadcastLaunched
    | BroadcastStarted
    | BroadcastPaused
    | BroadcastResumed
    | BroadcastFinished
    | BroadcastCancelled
)
EVENTS: tuple[type[BroadcastEvent], ...] = (
    BroadcastPlanned,
    BroadcastScheduled,
    BroadcastLaunched,
    BroadcastStarted,
    BroadcastPaused,
    BroadcastResumed,
    BroadcastFinished,
    BroadcastCancelled,
)


@dataclass(frozen=True, slots=True)
class PlanBroadcast:
    broadcast_id: UUID
    name: str
    template_id: UUID
    topic: str
    audience: Audience
    send_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleBroadcast:
    send_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LaunchBroadcast:
    at: datetime


@dataclass(frozen=True, slots=True)
class LaunchWhenDue:
    """The clock asks: without effect if it was moved, launched or cancelled meanwhile."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StartBroadcast:
    subject: str
    audience: int
    template_version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PauseBroadcast:
    at: datetime


@dataclass(frozen=True, slots=True)
class ResumeBroadcast:
    at: datetime


@dataclass(frozen=True, slots=True)
class FinishBroadcast:
    sent: int
    refused: int
    uncertain: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelBroadcast:
    at: datetime


BroadcastCommand = (
    PlanBroadcast
    | ScheduleBroadcast
    | LaunchBroadcast
    | LaunchWhenDue
    | StartBroadcast
    | PauseBroadcast
    | ResumeBroadcast
    | FinishBroadcast
    | CancelBroadcast
)


@dataclass(frozen=True, slots=True)
class Broadcast:
    broadcast_id: UUID
    name: str
    template_id: UUID
    topic: str
    audience: Audience
    send_at: datetime | None
    status: Status = "planned"
    audience_size: int | None = None
    template_version: int | None = None


def evolve(broadcast: Broadcast | None, event: BroadcastEvent) -> Broadcast:
    """The broadcast after an event."""
    match event:
        case BroadcastPlanned() as e:
            return Broadcast(e.broadcast_id, e.name, e.template_id, e.topic, e.audience, e.send_at)
        case BroadcastScheduled():
            return replace(existing(broadcast), send_at=event.send_at)
        case BroadcastLaunched():
            return replace(existing(broadcast), status="starting")
        case BroadcastStarted():
            return replace(
                existing(broadcast),
                status="sending",
                audience_size=event.audience,
                template_version=event.template_version,
            )
        case BroadcastPaused():
            return replace(existing(broadcast), status="paused")
        case BroadcastResumed():
            return replace(existing(broadcast), status="sending")
        case BroadcastFinished():
            return replace(existing(broadcast), status="finished")
        case BroadcastCancelled():
            return replace(existing(broadcast), status="cancelled")
        case _:
            assert_never(event)


def existing(broadcast: Broadcast | None) -> Broadcast:
    """The broadcast. Raises NotFound if there is none."""
    if broadcast is None:
        raise NotFound("There is no such broadcast. GET /api/v1/broadcasts lists those there are.")
    return broadcast


def decide(command: BroadcastCommand, broadcast: Broadcast | None) -> list[BroadcastEvent]:
    """What a command leads to."""
    if isinstance(command, PlanBroadcast):
        return _plan(command, broadcast)
    found = existing(broadcast)
    match command:
        case ScheduleBroadcast():
            return _schedule(command, found)
        case LaunchBroadcast() | LaunchWhenDue():
            return _launch(command, found)
        case StartBroadcast():
            return _start(command, found)
        case PauseBroadcast():
            return _pause(command, found)
        case ResumeBroadcast():
            return _resume(command, found)
        case FinishBroadcast():
            return _finish(command, found)
        case CancelBroadcast():
            return _cancel(command, found)
        case _:
            assert_never(command)


def _plan(command: PlanBroadcast, broadcast: Broadcast | None) -> list[BroadcastEvent]:
    if broadcast is not None:
        raise Conflict("There is such a broadcast already.")
    name = checked("name", command.name, _WORDS_MOST)
    topic = checked("topic", command.topic, _WORDS_MOST)
    check(command.audience)
    planned = BroadcastPlanned(
        command.broadcast_id,
        name,
        command.template_id,
        topic,
        command.audience,
        command.send_at,
        occurred_at=command.at,
    )
    return [planned]


def _schedule(command: ScheduleBroadcast, found: Broadcast) -> list[BroadcastEvent]:
    if found.status != "planned":
        raise Conflict(f"It is {found.status}; only a planned broadcast can be scheduled.")
    if command.send_at == found.send_at:
        return []
    return [BroadcastScheduled(found.broadcast_id, command.send_at, occurred_at=command.at)]


def _launch(command: LaunchBroadcast | LaunchWhenDue, found: Broadcast) -> list[BroadcastEvent]:
    if isinstance(command, LaunchWhenDue):
        if found.status != "planned" or found.send_at != command.at:
            return []
    elif found.status in ("starting", "sending"):
        return []
    elif found.status == "paused":
        raise Conflict("It is paused. POST …/resume lets it go on.")
    elif found.status != "planned":
        raise Conflict(f"It is {found.status}. Plan a new broadcast to send again.")
    return [BroadcastLaunched(found.broadcast_id, occurred_at=command.at)]


def _start(command: StartBroadcast, found: Broadcast) -> list[BroadcastEvent]:
    if found.status != "starting":
        raise Conflict(f"It is {found.status}; its audience is frozen when it is launched.")
    started = BroadcastStarted(
        found.broadcast_id,
        found.name,
        found.template_id,
        command.subject,
        command.audience,
        found.topic,
        command.template_version,
        occurred_at=command.at,
    )
    return [started]


def _pause(command: PauseBroadcast, found: Broadcast) -> list[BroadcastEvent]:
    if found.status == "paused":
        return []
    if found.status == "starting":
        raise Conflict("It is just about to start. Pause it in a moment.")
    if found.status != "sending":
        raise Conflict(f"It is {found.status}; only one that is sending can be paused.")
    return [BroadcastPaused(found.broadcast_id, occurred_at=command.at)]


def _resume(command: ResumeBroadcast, found: Broadcast) -> list[BroadcastEvent]:
    if found.status == "sending":
        return []
    if found.status != "paused":
        raise Conflict(f"It is {found.status}; only a paused broadcast can be resumed.")
    return [BroadcastResumed(found.broadcast_id, occurred_at=command.at)]


def _finish(command: FinishBroadcast, found: Broadcast) -> list[BroadcastEvent]:
    if found.status == "finished":
        return []
    if found.status not in ("sending", "paused"):
        raise Conflict(f"It is {found.status} and has sent nothing.")
    finished = BroadcastFinished(
        found.broadcast_id,
        command.sent,
        command.refused,
        command.uncertain,
        occurred_at=command.at,
    )
    return [finished]


def _cancel(command: CancelBroadcast, found: Broadcast) -> list[BroadcastEvent]:
    if found.status == "cancelled":
        return []
    if found.status != "planned":
        raise Conflict(f"It is {found.status}; mails that went out cannot be taken back. Pause it.")
    return [BroadcastCancelled(found.broadcast_id, occurred_at=command.at)]


BROADCAST: Decider[BroadcastCommand, Broadcast | None, BroadcastEvent] = Decider(
    "broadcast", None, decide, evolve, EVENTS
)
