"""A workspace: one customer of this installation, with all that belongs to it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import BadInput, Conflict, NotFound
from chassis.events import Event

_CURRENCY = re.compile(r"^[A-Z]{3}$")
_NAME_LONGEST = 120


class WorkspaceOpened(Event, frozen=True, tag="identity.workspace-opened.v1"):
    """A workspace was opened. Money without a currency of its own is in `currency`."""

    workspace_id: UUID
    name: str
    currency: str
    time_zone: str


class WorkspaceRenamed(Event, frozen=True, tag="identity.workspace-renamed.v1"):
    """A workspace got another name."""

    workspace_id: UUID
    name: str


class TimeZoneChosen(Event, frozen=True, tag="identity.time-zone-chosen.v1"):
    """Days and months of reports begin by this time zone."""

    workspace_id: UUID
    time_zone: str


WorkspaceEvent = WorkspaceOpened | WorkspaceRenamed | TimeZoneChosen


@dataclass(frozen=True, slots=True)
class OpenWorkspace:
    workspace_id: UUID
    name: str
    currency: str
    time_zone: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SettleWorkspace:
    """None: as it is."""

    name: str | None
    time_zone: str | None
    at: datetime


WorkspaceCommand = OpenWorkspace | SettleWorkspace


@dataclass(frozen=True, slots=True)
class Workspace:
    workspace_id: UUID
    name: str
    currency: str
    time_zone: str


def evolve(workspace: Workspace | None, event: WorkspaceEvent) -> Workspace | None:
    """The workspace after an event."""
    match event:
        case WorkspaceOpened():
            return Workspace(event.workspace_id, event.name, event.currency, event.time_zone)
        case WorkspaceRenamed():
            return replace(_there(workspace), name=event.name)
        case TimeZoneChosen():
            return replace(_there(workspace), time_zone=event.time_zone)
        case _:
            assert_never(event)


def _there(workspace: Workspace | None) -> Workspace:
    if workspace is None:
        raise NotFound("There is no such workspace.")
    return workspace


def decide(command: WorkspaceCommand, workspace: Workspace | None) -> list[WorkspaceEvent]:
    """What a command leads to."""
    match command:
        case OpenWorkspace():
            if workspace is not None:
                raise Conflict("This workspace is open already.")
            if not _CURRENCY.match(command.currency):
                raise BadInput("The currency must be an ISO 4217 code like EUR.")
            name = _named(command.name)
            return [
                WorkspaceOpened(
                    command.workspace_id,
                    name,
                    command.currency,
                    command.time_zone,
                    occurred_at=command.at,
                )
            ]
        case SettleWorkspace():
            return _settle(command, _there(workspace))
        case _:
            assert_never(command)


def _settle(command: SettleWorkspace, workspace: Workspace) -> list[WorkspaceEvent]:
    events: list[WorkspaceEvent] = []
    id_ = workspace.workspace_id
    if command.name is not None and _named(command.name) != workspace.name:
        events.append(WorkspaceRenamed(id_, _named(command.name), occurred_at=command.at))
    if command.time_zone is not None and command.time_zone != workspace.time_zone:
        events.append(TimeZoneChosen(id_, command.time_zone, occurred_at=command.at))
    return events


def _named(name: str) -> str:
    stripped = name.strip()
    if not 0 < len(stripped) <= _NAME_LONGEST:
        raise BadInput(f"The name must have 1 to {_NAME_LONGEST} characters.")
    return stripped


EVENTS: tuple[type[WorkspaceEvent], ...] = (WorkspaceOpened, WorkspaceRenamed, TimeZoneChosen)

WORKSPACE: Decider[WorkspaceCommand, Workspace | None, WorkspaceEvent] = Decider(
    "workspace", None, decide, evolve, EVENTS
)
