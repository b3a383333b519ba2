"""A team: people who see each other's customers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from chassis.decider import Decider
from chassis.errors import BadInput, Conflict, NotFound
from chassis.events import Event
from chassis.ports import Claim
from identity.domain.email import folded

_NAME_LONGEST = 120


class TeamFormed(Event, frozen=True, tag="identity.team-formed.v1"):
    """A team was formed."""

    team_id: UUID
    name: str
    region: str | None
    external_id: str | None = None


class TeamRenamed(Event, frozen=True, tag="identity.team-renamed.v1"):
    """A team has another name or region; `former_name` is free again."""

    team_id: UUID
    name: str
    region: str | None
    former_name: str | None = None


TeamEvent = TeamFormed | TeamRenamed


@dataclass(frozen=True, slots=True)
class FormTeam:
    team_id: UUID
    name: str
    region: str | None
    at: datetime
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class RenameTeam:
    name: str
    region: str | None
    at: datetime


TeamCommand = FormTeam | RenameTeam


@dataclass(frozen=True, slots=True)
class Team:
    team_id: UUID
    name: str
    region: str | None


def evolve(team: Team | None, event: TeamEvent) -> Team | None:
    """The team after an event."""
    match event:
        case TeamFormed():
            return Team(event.team_id, event.name, event.region)
        case TeamRenamed():
            return replace(_there(team), name=event.name, region=event.region)
        case _:
            assert_never(event)


def _there(team: Team | None) -> Team:
    if team is None:
        raise NotFound("There is no such team.")
    return team


def decide(command: TeamCommand, team: Team | None) -> list[TeamEvent]:
    """What a command leads to."""
    match command:
        case FormTeam():
            if team is not None:
                raise Conflict("This team is there already.")
            name, region = _named(command.name), _or_none(command.region)
            formed = TeamFormed(
                command.team_id, name, region, command.external_id, occurred_at=command.at
            )
            return [formed]
        case RenameTeam():
            found = _there(team)
            name, region = _named(command.name), _or_none(command.region)
            if (name, region) == (found.name, found.region):
                return []
            former = found.name if folded(found.name) != folded(name) else None
            return [TeamRenamed(found.team_id, name, region, former, occurred_at=command.at)]
        case _:
            assert_never(command)


def _named(name: str) -> str:
    stripped = " ".join(name.split())
    if not 0 < len(stripped) <= _NAME_LONGEST:
        raise BadInput(f"The name must have 1 to {_NAME_LONGEST} characters.")
    return stripped


def _or_none(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text is not None else None


def claims(event: TeamEvent) -> Iterable[Claim]:
    """Names of teams and their ids elsewhere are used once."""
    match event:
        case TeamFormed():
            yield Claim("team_name", folded(event.name))
            if event.external_id is not None:
                yield Claim("team_external_id", event.external_id)
        case TeamRenamed():
            if event.former_name is not None:
                yield Claim("team_name", folded(event.former_name), release=True)
                yield Claim("team_name", folded(event.name))


EVENTS: tuple[type[TeamEvent], ...] = (TeamFormed, TeamRenamed)

TEAM: Decider[TeamCommand, Team | None, TeamEvent] = Decider(
    "team", None, decide, evolve, EVENTS, claims
)
