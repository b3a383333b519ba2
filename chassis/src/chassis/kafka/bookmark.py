"""A note on the broker of how far the reactions of a service have come.

Nobody reads on from it: offsets belong to the database. It is for the day on which the database is
lost, since nothing else knows then which events were reacted to. It lies under a group of its own,
in which nobody is a member, so that no reader can be led astray by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from chassis.kafka.closing import leave
from chassis.kafka.opening import begin
from chassis.ports import Partition

_EVERY_S = 1.0
_ANEW_S = 3600.0
"""Kafka forgets offsets that nobody has noted for a week."""
_PATIENCE_S = 5.0


class Bookmark:
    """Keeps the note of one worker; what cannot be noted now is noted later."""

    def __init__(self, bootstrap: str, service: str) -> None:
        self._bootstrap = bootstrap
        self._group = f"everlog.{service}.reacted"
        self._consumer: Any = None
        self._noted: Mapping[Partition, int] = {}
        self._at = float("-inf")

    async def keep(self, offsets: Mapping[Partition, int]) -> None:
        """Note these offsets, at most once a second and only if they have moved."""
        now = asyncio.get_running_loop().time()
        wait_s = _ANEW_S if offsets == self._noted else _EVERY_S
        if not offsets or now - self._at < wait_s:
            return
        self._at = now
        try:
            async with asyncio.timeout(_PATIENCE_S):
                consumer = await self._opened(offsets)
                await consumer.commit({_tp(p): offset for p, offset in offsets.items()})
            self._noted = dict(offsets)
        except (KafkaError, OSError, TimeoutError):
            await self.close()

    async def read(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """What was noted of these partitions. Raises KafkaError if nobody answers."""
        found = {}
        consumer = await self._opened(dict.fromkeys(partitions, 0))
        for partition in partitions:
            offset = await consumer.committed(_tp(partition))
            if offset is not None:
                found[partition] = offset
        return found

    async def close(self) -> None:
        """Hang up; bounded in time."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await leave(consumer, consumer._client, patience_s=_PATIENCE_S)

    async def _opened(self, partitions: Mapping[Partition, int]) -> Any:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="none",
            )
            await begin(self._consumer)
        wanted = {_tp(partition) for partition in partitions}
        if wanted != self._consumer.assignment():
            self._consumer.assign(sorted(wanted))
        return self._consumer


def _tp(partition: Partition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.number)
