"""What the chassis needs from the world, as protocols; each has a real and an in-memory form.

Every implementation runs the same contract suite (chassis.testing.contracts).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from chassis.events import Event, Recorded
from chassis.vault import DataKey


@dataclass(frozen=True, slots=True)
class Claim:
    """A value that only one stream of a workspace may hold, e.g. an external id.

    The value is stored as a keyed hash. `release` gives it back.
    """

    kind: str
    value: str
    release: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, for whom, why, and under which idempotency key: goes into every envelope."""

    workspace: UUID
    actor: str
    correlation_id: UUID
    causation_id: UUID | None = None
    traceparent: str | None = None
    key: str | None = None
    fingerprint: bytes | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A stream as it stands. `answered`: the outcome already given to this idempotency key."""

    version: int
    events: Sequence[Recorded[Event]] = ()
    answered: Appended | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Events to be appended to one stream, and what has to happen in the same transaction.

    `expected`: the version the stream must have (0: it must not exist), None: any.
    `forget`: subjects whose key is destroyed in the same transaction.
    """

    stream: str
    events: Sequence[Event]
    expected: int | None
    claims: Sequence[Claim] = ()
    forget: Sequence[UUID] = ()
    context: Context | None = None
    """Overrides the batch's context in a bulk append (its own idempotency key, its causation)."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of an append. `replayed`: the same key was answered before, nothing was added."""

    stream: str
    version: int
    replayed: bool = False
    event_ids: tuple[UUID, ...] = field(default=(), compare=False)


class EventLog(Protocol):
    """The append-only log of one service."""

    async def load(self, context: Context, stream: str, *, upto: datetime | None = None) -> Loaded:
        """All events of a stream in order; with `context.key`, first the answer given to it.

        `upto` cuts by when things were recorded.
        """
        ...

    async def load_many(self, context: Context, streams: Sequence[str]) -> Mapping[str, Loaded]:
        """The streams among these that exist, by name, with one query: for imports."""
        ...

    async def stream_of(self, context: Context, event_id: UUID) -> str | None:
        """The stream in which an event is; None if this workspace has no such event."""
        ...

    async def append(self, context: Context, append: Append) -> Appended:
        """Append in one transaction and one round trip.

        Raises StaleVersion (the stream has another version than expected), Conflict (a claim is
        held by another stream), BadInput (the idempotency key was used for another request).
        """
        ...

    async def append_many(self, context: Context, appends: Sequence[Append]) -> list[Appended]:
        """Append to many different streams in one transaction: all or nothing."""
        ...


class Subjects(Protocol):
    """The keys of persons."""

    async def keys(self, workspace: UUID, key_ids: Iterable[UUID]) -> Mapping[UUID, DataKey | None]:
        """The keys with these ids; None for one that was destroyed or never existed."""
        ...

    async def keys_of(self, wanted: Mapping[UUID, Iterable[UUID]]) -> Mapping[UUID, DataKey | None]:
        """The same for a batch with events of many workspaces: wanted ids by workspace."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A partition of a topic."""

    topic: str
    number: int


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message of a topic as it lies there."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Source(Protocol):
    """Messages of some partitions, in order, from positions the consumer decides on."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assigned(self) -> frozenset[Partition]:
        """The partitions this consumer reads at present."""
        ...

    async def poll(
        self, *, timeout_s: float, max_messages: int
    ) -> Mapping[Partition, Sequence[Message]]:
        """The next messages; empty after `timeout_s` without any.

        Raises Fenced if the assignment could not be set up: stop and start again.
        """
        ...

    async def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read on from these offsets."""
        ...

    async def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """The offset after the last message of each partition."""
        ...

    async def topics(self) -> Mapping[str, UUID]:
        """The ids of the topics it reads, as far as they are there: one made anew has another."""
        ...


Starts = Callable[[frozenset[Partition]], Awaitable[Mapping[Partition, int]]]
"""Asked at every assignment: from which offset to read each partition."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way to a topic. `value` None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Sink(Protocol):
    """Where the relay publishes."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Returns when every message is acknowledged by all in-sync replicas.

        Order is kept per key. On any failure the sink is unusable: drop it, open another one, and
        start again from the outbox.
        """
        ...

    async def topics(self, names: Iterable[str]) -> Mapping[str, UUID]:
        """The ids of these topics, as far as they are there."""
        ...

    async def close(self) -> None: ...
