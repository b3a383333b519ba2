"""The Kafka producer behind chassis.ports.Sink, by the recipe that survives its faults.

Idempotent, `acks=all`. aiokafka has no delivery timeout: while the broker is down a send hangs and
so does `stop`. Hence the bounded waits (by `asyncio.timeout`: Python 3.11's `wait_for` can lose a
cancellation); after any failure the producer is thrown away and the relay starts again from the
outbox. Consumers drop what then arrives twice (the stream's versions).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.errors import Unavailable
from chassis.kafka.closing import leave
from chassis.kafka.opening import begin
from chassis.kafka.topic_ids import topic_ids
from chassis.messaging import broker, sending
from chassis.ports import Outgoing

_ACK_TIMEOUT_S = 20.0
_DELIVER_S = 2.0


class KafkaSink:
    """One producer; opened by `open`."""

    def __init__(self, producer: Any, bootstrap: str) -> None:
        self._producer = producer
        self._at = broker(bootstrap)

    @classmethod
    async def open(cls, bootstrap: str) -> KafkaSink:
        """Connect. Raises Unavailable if no broker answers in time."""
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=512 * 1024,
            compression_type="lz4",
            request_timeout_ms=15_000,
            retry_backoff_ms=100,
        )
        try:
            async with asyncio.timeout(10):
                await begin(producer)
        except (TimeoutError, KafkaError, OSError) as error:
            await _abandon(producer)
            raise Unavailable(f"no Kafka broker answers at {bootstrap}") from error
        except BaseException:
            await _abandon(producer)
            raise
        return cls(producer, bootstrap)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """See chassis.ports.Sink.publish."""
        with sending(messages, self._at):
            await self._publish(messages)

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        sent = []
        async with asyncio.timeout(_ACK_TIMEOUT_S):
            for m in messages:
                sent.append(
                    await self._producer.send(
                        m.topic, value=m.value, key=m.key, headers=list(m.headers)
                    )
                )
            await asyncio.gather(*sent)

    async def topics(self, names: Iterable[str]) -> Mapping[str, UUID]:
        """See chassis.ports.Sink.topics."""
        return await topic_ids(self._producer.client, names)

    async def close(self) -> None:
        """Close; bounded, whatever the broker does."""
        await _abandon(self._producer)


async def _abandon(producer: Any) -> None:
    """Stop a producer without waiting for what it cannot deliver."""
    await leave(producer, producer.client, patience_s=_DELIVER_S)
