"""Makes the topics: what is kept for ever, and the compacted one for keys."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from chassis.kafka.topic_ids import topic_ids
from chassis.ports import Partition
from chassis.wire import KEYS_TOPIC, PARTITIONS

EVENTS = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
KEYS = {
    # A destroyed key must really leave the disks: small, short segments and a bounded lag.
    "cleanup.policy": "compact",
    "segment.ms": "600000",
    "segment.bytes": "16777216",
    "max.compaction.lag.ms": "3600000",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "86400000",
}


_REPLICAS_MOST = 3
_KNOWN_S = 10.0
"""How long it may take until every broker knows of a new topic."""
_GONE_S = 60.0


async def make_topics(bootstrap: str, topics: Iterable[str]) -> None:
    """Make what is missing, replicated as far as there are brokers, up to three times.

    The number of partitions is fixed for the topic's life.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        present = set(await admin.list_topics())
        missing = sorted(set(topics) - present)
        if not missing:
            return
        brokers = (await admin.describe_cluster())["brokers"]
        wanted = [
            NewTopic(
                name=name,
                num_partitions=PARTITIONS,
                replication_factor=min(len(brokers), _REPLICAS_MOST),
                topic_configs=KEYS if name == KEYS_TOPIC else EVENTS,
            )
            for name in missing
        ]
        response = await admin.create_topics(wanted)
        for _, code, *_ in response.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise for_code(code)(str(response.topic_errors))
        async with asyncio.timeout(_KNOWN_S):
            while len(await topic_ids(admin._client, missing)) < len(missing):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await admin.close()


async def delete_topics(bootstrap: str, topics: Iterable[str]) -> None:
    """Delete those of these topics that are there, and wait until the broker has forgotten them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(_GONE_S):
            while present := sorted(set(topics) & set(await admin.list_topics())):
                await admin.delete_topics(present)
                await asyncio.sleep(0.2)
    finally:
        await admin.close()


async def existing_topics(bootstrap: str) -> frozenset[str]:
    """The topics that are there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return frozenset(await admin.list_topics())
    finally:
        await admin.close()


def partitions_of(topics: Iterable[str]) -> frozenset[Partition]:
    """Every partition of these topics."""
    return frozenset(Partition(topic, n) for topic in topics for n in range(PARTITIONS))
