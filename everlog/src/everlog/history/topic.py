"""Reads a service's topic in bulk: partition after partition, every event once.

For a store that was lost, or one that must be left alone. Kafka may hold an event twice; the second
one is dropped by its version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import uvloop
from aiokafka.errors import KafkaError

from chassis.events import Stored
from chassis.kafka.reading import KeyPlace, keys_on_kafka
from chassis.kafka.source import RangeSource
from chassis.kafka.topics import partitions_of
from chassis.ports import Message, Partition
from chassis.wire import stored_of
from embedded.errors import Trouble
from everlog.history.envelope import Batch, batch_of
from everlog.history.selection import Selection

_POLL_MOST = 10_000
_PATIENCE_S = 10.0
_SILENT_POLLS = 3


class Topic:
    """One service's topic up to the end it has when it is read."""

    def __init__(self, service: str, kafka: str) -> None:
        self.service = service
        self._kafka = kafka
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._keys: dict[KeyPlace, bytes] | None = None

    def close(self) -> None:
        """Leave."""
        self._runner.close()

    def __enter__(self) -> Topic:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def count(self, _: Selection) -> int:
        """How many messages there are; fewer of them may be meant."""
        return sum(self._ends(partitions_of([f"everlog.{self.service}"])).values())

    def keys(self, workspace: UUID, key_ids: list[UUID]) -> dict[UUID, bytes]:
        """The wrapped keys of these that were never destroyed, as far as Kafka knows."""
        if self._keys is None:
            reading = keys_on_kafka(lambda positions: RangeSource(self._kafka, positions))
            self._keys, _ = self._runner.run(reading)
        found = {key_id: self._keys.get((workspace, key_id)) for key_id in key_ids}
        return {key_id: wrapped for key_id, wrapped in found.items() if wrapped is not None}

    def batches(self, selection: Selection) -> Iterator[Batch]:
        """The events that are meant: each stream in order, one partition after the other."""
        for partition, end in self._ends(partitions_of([f"everlog.{self.service}"])).items():
            streams = Streams()
            for messages in self._messages(partition, end):
                events = [s for s in streams.next_of(messages) if selection.takes(s)]
                if events:
                    yield batch_of(events)
            streams.refuse_gaps()

    def _ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        source = RangeSource(self._kafka, dict.fromkeys(partitions, 0))
        try:
            self._runner.run(source.start())
            ends = self._runner.run(source.ends(partitions))
        except (KafkaError, OSError) as error:
            raise Trouble(
                f"Kafka does not answer at {self._kafka}.", "Is it up? make status", str(error)
            ) from error
        finally:
            self._runner.run(source.stop())
        return {partition: end for partition, end in sorted(ends.items()) if end}

    def _messages(self, partition: Partition, end: int) -> Iterator[Sequence[Message]]:
        source = RangeSource(self._kafka, {partition: 0})
        self._runner.run(source.start())
        position, silent = 0, 0
        try:
            while position < end and silent < _SILENT_POLLS:  # compaction may leave a hole there
                polling = source.poll(timeout_s=_PATIENCE_S, max_messages=_POLL_MOST)
                polled = self._runner.run(polling).get(partition, ())
                silent = 0 if polled else silent + 1
                if polled:
                    position = polled[-1].offset + 1
                    yield [message for message in polled if message.offset < end]
        finally:
            self._runner.run(source.stop())
        if position < end:
            raise Trouble(
                f"Kafka stopped handing out {partition.topic}/{partition.number} at offset "
                f"{position} of {end}.",
                "See `everlog logs kafka`, and try again.",
            )


class Streams:
    """What was seen of the streams of one partition."""

    def __init__(self) -> None:
        self._seen: dict[bytes | None, int] = {}
        self._ahead: dict[bytes | None, Stored] = {}

    def next_of(self, messages: Sequence[Message]) -> Iterator[Stored]:
        """Each event in its turn; what came too early comes again, after those before it."""
        for message in messages:
            stored = stored_of(message)
            last = self._seen.get(message.key, 0)
            if stored.version == last + 1:
                self._seen[message.key] = stored.version
                yield stored
            elif stored.version > last:
                self._ahead[message.key] = stored

    def refuse_gaps(self) -> None:
        """Raises Trouble if something that came too early has not come in its turn."""
        for key, stored in self._ahead.items():
            last = self._seen.get(key, 0)
            if stored.version > last:
                raise Trouble(
                    f"{stored.stream}: version {stored.version} follows version {last} on Kafka.",
                    "Events are missing there. Export from the event store (without --from-kafka).",
                )
