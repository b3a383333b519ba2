"""A lane: one pass over some topics on behalf of a set of read models, and its bookkeeping. Pure.

Live read models of a service share one lane: a message is fetched, decoded and checked once, and a
batch is one transaction. A rebuild runs in a lane of its own until it has caught up and joins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.ports import Partition
from chassis.projection import Fold

LIVE = "live"
REACTIONS = "reactions"
ALL = "*"
"""Parked for every read model of the lane: the sequence has a gap."""
ALL_REACTIONS = "reaction:*"
"""The same in the lane of the reactions."""

Generation = tuple[str, int]
"""A read model's name and the number of its physical form."""


@dataclass(frozen=True, slots=True)
class Member:
    """A read model's physical form that a lane keeps up."""

    name: str
    generation: int
    version: int
    status: str


@dataclass(frozen=True, slots=True)
class LaneState:
    """Where a lane stands. `parked`: (read model, workspace, stream) of every parked sequence.
    `topics`: the id of the topic in which each partition's offset counts, as far as it is known."""

    epoch: int
    offsets: Mapping[Partition, int]
    members: tuple[Member, ...] = ()
    parked: frozenset[tuple[str, UUID, str]] = frozenset()
    topics: Mapping[Partition, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """Offsets of one partition: from `start` (must still be there) to `upto`. `events`: how many
    of the messages between were events that had not been here before."""

    partition: Partition
    start: int
    upto: int
    recorded_at: datetime | None = None
    events: int = 0


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """Where a parked event lies; its payload stays where it is."""

    version: int
    event_id: UUID
    type: str
    partition: Partition
    offset: int


@dataclass(frozen=True, slots=True)
class ParkedSequence:
    """Events of one stream that one read model does not apply, and why.

    `cause`: `gap`, `unreadable` or `failed`; empty when the sequence was parked before and these
    events only queue up behind.
    """

    projection: str
    workspace: UUID
    stream: str
    cause: str
    error: str
    events: Sequence[ParkedEvent]


@dataclass(frozen=True, slots=True)
class Seen:
    """Where an event was met."""

    workspace: UUID
    stream: str
    version: int
    partition: Partition
    offset: int


@dataclass(frozen=True, slots=True)
class Anew:
    """A partition as the broker has it: the id of its topic, and where it ends."""

    topic_id: UUID
    end: int


@dataclass(slots=True)
class Commit:
    """Everything a batch does, for one transaction."""

    epoch: int
    moves: list[Move] = field(default_factory=list)
    rows: dict[Generation, Fold] = field(default_factory=dict)
    guards: dict[tuple[UUID, str], int] = field(default_factory=dict)
    parked: list[ParkedSequence] = field(default_factory=list)
    seen_again: list[Seen] = field(default_factory=list)
    """Events of parked sequences that were read again: this is where they lie by now."""
    closed: dict[tuple[str, UUID, str], int] = field(default_factory=dict)
    """Parked gaps (as in LaneState.parked) that have closed up to a version."""


class Lanes(Protocol):
    """Where lanes keep their state."""

    async def open(
        self, lane: str, partitions: Iterable[Partition], topics: Mapping[str, UUID] | None = None
    ) -> LaneState:
        """The lane's state; partitions it has never read begin at offset 0, and belong to these
        topics."""
        ...

    async def read_again(self, lane: str, partitions: Mapping[Partition, Anew]) -> None:
        """Those of these partitions whose topic was made anew, or set back to before the lane's
        offset, begin at offset 0 again, and every consumer of the lane is turned away once.

        What was seen of each stream stays: nothing is applied a second time.
        """
        ...

    async def guards(
        self, lane: str, streams: Sequence[tuple[UUID, str]]
    ) -> Mapping[tuple[UUID, str], int]:
        """The last version seen of each of these streams; absent: none."""
        ...

    async def commit(self, lane: str, commit: Commit) -> None:
        """All of it or nothing. Raises Fenced if the lane is not where the commit thinks it is."""
        ...
