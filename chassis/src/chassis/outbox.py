"""The outbox: events and keys that are committed but not yet acknowledged by Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chassis.events import Stored


@dataclass(frozen=True, slots=True)
class KeyNotice:
    """A wrapped key on its way to the keys topic; `wrapped` None: it was destroyed. `service`: in
    whose vault it lies."""

    number: int
    workspace: UUID
    key_id: UUID
    wrapped: bytes | None
    service: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What to publish next: first the keys, then the events in this order."""

    positions: Sequence[int]
    events: Sequence[Stored]
    keys: Sequence[KeyNotice]

    def __bool__(self) -> bool:
        return bool(self.events or self.keys)


class Outbox(Protocol):
    """Where the relay takes from."""

    async def take_over(self) -> bool:
        """Become the active relay; False while another one is."""
        ...

    async def give_up(self) -> None:
        """Let another relay take over."""
        ...

    async def take(self, most: int) -> Batch:
        """The next events in order, and every key that they may need.

        Raises Fenced if another relay took over meanwhile.
        """
        ...

    async def done(self, batch: Batch) -> None:
        """The batch is acknowledged. Raises Fenced if another relay took over meanwhile."""
        ...

    async def topics(self) -> Mapping[str, UUID]:
        """The ids of the topics that hold what was published before."""
        ...

    async def note_topics(self, topics: Mapping[str, UUID]) -> None:
        """These topics hold what was published before, too."""
        ...
