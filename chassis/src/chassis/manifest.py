"""A service's table of contents: everything it consists of, listed by hand, found by nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chassis.codec import Codec
from chassis.decider import AnyDecider
from chassis.events import Event, Upcaster, topic_of, wire_name
from chassis.projection import Projection
from chassis.reaction import Due, Reaction
from chassis.wire import KEYS_TOPIC

if TYPE_CHECKING:
    from fastapi import APIRouter

Worker = Callable[[Any], Awaitable[None]]
"""A long-running task of a service; it is handed the running Service (chassis.runner)."""


Check = Callable[[Any], Awaitable[list[str]]]
"""What read models promise about one another: handed a connection, it says what is not so."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a service is. `received`: its slim models of events that other services own."""

    service: str
    deciders: tuple[AnyDecider, ...] = ()
    projections: tuple[Projection, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    dues: tuple[Due, ...] = ()
    received: tuple[type[Event], ...] = ()
    routers: tuple[APIRouter, ...] = ()
    public: tuple[APIRouter, ...] = ()
    """Routers at the root instead of under /api/v1: links that people open without a token."""
    workers: tuple[Worker, ...] = ()
    upcasters: tuple[Upcaster, ...] = ()
    follows: tuple[str, ...] = ()
    """Categories of other services' streams that its read models show: reads wait for them too."""
    schema: str = ""
    """DDL of operational tables that are no read model (files, work queues); idempotent."""

    checks: tuple[Check, ...] = ()
    """What `everlog verify` asks beside whether each read model is the fold of the log."""

    @property
    def topic(self) -> str:
        """The topic this service publishes on."""
        return f"everlog.{self.service}"

    def published(self) -> tuple[type[Event], ...]:
        """The event classes this service owns."""
        return tuple(event for decider in self.deciders for event in decider.events)

    def published_topics(self) -> tuple[str, ...]:
        """The topics it publishes to: none if it has no events of its own."""
        topics = sorted({topic_of(wire_name(event)) for event in self.published()})
        return (*topics, KEYS_TOPIC) if topics else ()

    def codec(self) -> Codec:
        """Reads and writes every event this service owns or receives."""
        return Codec((*self.published(), *self.received), self.upcasters)

    def categories(self) -> frozenset[str]:
        """The kinds of streams whose progress its read models make visible."""
        return frozenset((*(decider.category for decider in self.deciders), *self.follows))

    def consumed_topics(self) -> frozenset[str]:
        """The topics its read models fold: its own, and those of the events it receives."""
        names = {topic for projection in self.projections for topic in projection.topics()}
        return frozenset(names | {self.topic})

    def reaction_topics(self) -> frozenset[str]:
        """The topics its reactions listen to."""
        return frozenset(
            topic_of(wire_name(event)) for reaction in self.reactions for event in reaction.events
        )

    def projection(self, name: str) -> Projection:
        """The read model of this name. Raises KeyError."""
        for projection in self.projections:
            if projection.name == name:
                return projection
        raise KeyError(name)
