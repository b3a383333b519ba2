"""Topics in memory, and a consumer and a producer on them."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from chassis.ids import new_id
from chassis.ports import Message, Outgoing, Partition, Starts


class MemoryBroker:
    """Partitions as lists. `partitions` is the number per topic."""

    def __init__(self, partitions: int = 3) -> None:
        self.partitions = partitions
        self.logs: dict[Partition, list[Message]] = {}
        self._ids: dict[str, UUID] = {}
        self._removed: set[str] = set()

    def all(self, topics: Iterable[str]) -> frozenset[Partition]:
        """Every partition of these topics."""
        return frozenset(Partition(t, n) for t in topics for n in range(self.partitions))

    def ids(self, topics: Iterable[str]) -> dict[str, UUID]:
        """What tells a topic from one of the same name before or after it."""
        there = set(topics) - self._removed
        return {topic: self._ids.setdefault(topic, new_id()) for topic in there}

    def remove(self, topic: str) -> None:
        """It is gone."""
        self.lose(topic)
        self._removed.add(topic)

    def lose(self, topic: str) -> None:
        """All its messages are gone, and it is made anew."""
        self._ids.pop(topic, None)
        self._removed.discard(topic)
        for partition in [p for p in self.logs if p.topic == topic]:
            del self.logs[partition]

    def put(self, outgoing: Outgoing) -> None:
        """Append one message to the partition its key belongs to."""
        number = zlib.crc32(outgoing.key) % self.partitions
        partition = Partition(outgoing.topic, number)
        log = self.logs.setdefault(partition, [])
        log.append(
            Message(partition, len(log), outgoing.key, outgoing.value, list(outgoing.headers))
        )


class MemorySink:
    """See chassis.ports.Sink."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """See chassis.ports.Sink.publish."""
        for message in messages:
            self._broker.put(message)

    async def topics(self, names: Iterable[str]) -> Mapping[str, UUID]:
        """See chassis.ports.Sink.topics."""
        return self._broker.ids(names)

    async def close(self) -> None:
        """Nothing to close."""


class MemorySource:
    """See chassis.ports.Source: reads the partitions it is given, like a lone group member."""

    def __init__(
        self, broker: MemoryBroker, partitions: Iterable[Partition], starts: Starts
    ) -> None:
        self._broker = broker
        self._partitions = frozenset(partitions)
        self._starts = starts
        self._positions: dict[Partition, int] = {}

    async def start(self) -> None:
        """Ask where to begin."""
        self._positions = dict(await self._starts(self._partitions))

    async def stop(self) -> None:
        """Forget the positions."""
        self._positions = {}

    def assigned(self) -> frozenset[Partition]:
        """All partitions it was given."""
        return self._partitions

    async def poll(
        self, *, timeout_s: float, max_messages: int
    ) -> Mapping[Partition, Sequence[Message]]:
        """See chassis.ports.Source.poll."""
        found: dict[Partition, Sequence[Message]] = {}
        left = max_messages
        for partition, position in self._positions.items():
            messages = self._broker.logs.get(partition, [])[position : position + left]
            if messages:
                found[partition] = messages
                left -= len(messages)
                self._positions[partition] = messages[-1].offset + 1
        await asyncio.sleep(0)
        return found

    async def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read on from these offsets."""
        self._positions.update(positions)

    async def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """The offset after the last message of each partition."""
        return {p: len(self._broker.logs.get(p, [])) for p in partitions}

    async def topics(self) -> Mapping[str, UUID]:
        """The ids of the topics it reads."""
        return self._broker.ids({p.topic for p in self._partitions})
