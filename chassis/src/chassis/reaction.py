"""A reaction: "when this happened, do that", as a pure function from an event to orders.

    def remind(recorded: Recorded[DealMoved]) -> Iterable[Order]:
        yield Ask(TASK, task_id, AddTask(...))
        yield Later("rotten-deal", str(deal_id), due_at, {"deal_id": ...})

The reactor runs the orders with an inbox: an event delivered twice has one effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.decider import AnyDecider
from chassis.events import Event, Recorded


@dataclass(frozen=True, slots=True)
class Ask:
    """Carry out a command on an aggregate of this service."""

    decider: AnyDecider
    id: UUID
    command: Any


@dataclass(frozen=True, slots=True)
class Later:
    """Remember to act at a time; the same kind and key again moves the time."""

    kind: str
    key: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoLonger:
    """Take a reminder back."""

    kind: str
    key: str


Order = Ask | Later | NoLonger


@dataclass(frozen=True, slots=True)
class Reaction:
    """One rule of "when X then Y"."""

    name: str
    events: tuple[type[Event], ...]
    react: Callable[[Recorded[Any]], Iterable[Order]]


@dataclass(frozen=True, slots=True)
class Due:
    """What to do when the time of a `Later` of this kind has come: pure, like a reaction."""

    kind: str
    act: Callable[[UUID, str, Mapping[str, Any], datetime], Iterable[Order]]
    """(workspace, key, payload, due_at) → orders"""
