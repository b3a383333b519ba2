"""The ceiling of every rebuild: aiokafka consumes a topic, its JSON is decoded, and no more."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.rig import Servers, Stopwatch
from chassis.kafka.topics import partitions_of


async def plain_rate(where: Servers, topics: Iterable[str]) -> float:
    """Events/s of a consumer that decodes every body of these topics."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=where.kafka,
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
        fetch_max_bytes=32 << 20,
    )
    await consumer.start()
    try:
        tps = [TopicPartition(p.topic, p.number) for p in partitions_of(topics)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        there: int = sum((await consumer.end_offsets(tps)).values())
        left = there
        decode = msgspec.json.Decoder().decode
        with Stopwatch() as watch:
            while left > 0:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    for record in records:
                        decode(record.value)
                    left -= len(records)
        return there / watch.wall_s
    finally:
        await consumer.stop()
