"""Kafka consumers behind chassis.ports.Source: one in a group, one with partitions of its own.

Offsets belong to the database of the reader, never to Kafka: nothing is committed here, and where
to read on is asked for at every assignment. `auto_offset_reset="none"` because the other values
skip or repeat silently. aiokafka swallows what a rebalance listener raises, so a failure there is
kept and raised by the next poll.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError

from chassis.errors import Fenced
from chassis.kafka.closing import leave
from chassis.kafka.ends import partition_ends
from chassis.kafka.opening import begin
from chassis.kafka.topic_ids import topic_ids
from chassis.ports import Message, Partition, Starts

_PATIENCE_S = 5.0
_FETCH = {"max_partition_fetch_bytes": 4 << 20, "fetch_max_bytes": 32 << 20}


def _messages(records: Sequence[Any], partition: Partition) -> list[Message]:
    return [Message(partition, r.offset, r.key, r.value, r.headers) for r in records]


class _Reader:
    """What both kinds share."""

    def __init__(self, bootstrap: str, topics: Iterable[str], **options: Any) -> None:
        self._bootstrap = bootstrap
        self._topics = sorted(topics)
        self._options = options
        self._consumer: Any = None

    def _make(self) -> Any:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=500,
            retry_backoff_ms=100,
            # A topic that comes back (it was lost and made anew) is noticed only by looking.
            metadata_max_age_ms=5_000,
            **_FETCH,
            **self._options,
        )

    async def stop(self) -> None:
        """Leave; bounded in time, since a broker that is down must not hold us."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await leave(consumer, consumer._client, patience_s=_PATIENCE_S)

    def assigned(self) -> frozenset[Partition]:
        """The partitions read at present."""
        return frozenset(Partition(tp.topic, tp.partition) for tp in self._consumer.assignment())

    async def poll(
        self, *, timeout_s: float, max_messages: int
    ) -> Mapping[Partition, Sequence[Message]]:
        """See chassis.ports.Source.poll."""
        try:
            records = await self._consumer.getmany(
                timeout_ms=int(timeout_s * 1000), max_records=max_messages
            )
        except NoOffsetForPartitionError:
            # The fetcher looked at a new assignment before its positions were set; they follow.
            return {}
        found = {}
        for tp, list_ in records.items():
            partition = Partition(tp.topic, tp.partition)
            found[partition] = _messages(list_, partition)
        return found

    async def seek(self, positions: Mapping[Partition, int]) -> None:
        """Read on from these offsets."""
        if self._consumer is None:
            return  # stopped while the positions were being looked up
        for partition, offset in positions.items():
            self._consumer.seek(TopicPartition(partition.topic, partition.number), offset)

    async def ends(self, partitions: Iterable[Partition]) -> Mapping[Partition, int]:
        """The offset after the last message of each partition."""
        return await partition_ends(self._consumer._client, partitions)

    async def topics(self) -> Mapping[str, UUID]:
        """The ids of the topics it reads, as far as they are there."""
        return await topic_ids(self._consumer._client, self._topics)


class GroupSource(_Reader, ConsumerRebalanceListener):  # type: ignore[misc]
    """A member of a consumer group: Kafka shares the partitions out, replicas take over."""

    def __init__(self, bootstrap: str, group: str, topics: Iterable[str], starts: Starts) -> None:
        super().__init__(
            bootstrap,
            topics,
            group_id=group,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=300_000,
        )
        self._starts = starts
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Join the group."""
        self._failure = None
        self._consumer = self._make()
        self._consumer.subscribe(self._topics, listener=self)
        await begin(self._consumer)

    async def poll(
        self, *, timeout_s: float, max_messages: int
    ) -> Mapping[Partition, Sequence[Message]]:
        """See chassis.ports.Source.poll."""
        found = await super().poll(timeout_s=timeout_s, max_messages=max_messages)
        if self._failure is not None:
            raise Fenced("the last assignment could not be set up") from self._failure
        return found

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing to hand over: what is under way is fenced by the offsets in the database."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Go to where the database says."""
        try:
            partitions = frozenset(Partition(tp.topic, tp.partition) for tp in assigned)
            await self.seek(await self._starts(partitions))
        except BaseException as error:
            self._failure = error
            raise


class RangeSource(_Reader):
    """Partitions of one's own choice, without a group: for rebuilds, keys, repairs."""

    def __init__(self, bootstrap: str, positions: Mapping[Partition, int]) -> None:
        super().__init__(bootstrap, {p.topic for p in positions}, group_id=None)
        self._positions = dict(positions)

    async def start(self) -> None:
        """Connect and go to the first positions."""
        self._consumer = self._make()
        await begin(self._consumer)
        self._consumer.assign([TopicPartition(p.topic, p.number) for p in self._positions])
        await self.seek(self._positions)
