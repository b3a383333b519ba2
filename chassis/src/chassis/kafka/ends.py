"""Where partitions end, asked over a connection of its own.

A broker answers the requests of one connection in order: over the one that fetches, a question
would wait half a second behind a fetch that waits for messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaError, LeaderNotAvailableError, NoError, for_code
from aiokafka.protocol.offset import OffsetRequest

from chassis.errors import Unavailable
from chassis.ports import Partition

APART = ConnectionGroup.COORDINATION
_LATEST = -1
_PATIENCE_S = 15.0
_AGAIN_S = 0.1


async def partition_ends(client: Any, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """The offset after the last message of each; `client` is an AIOKafkaClient.

    Raises Unavailable if it cannot be had in time, for example since a topic is not there.
    """
    wanted = frozenset(partitions)
    problem: Exception | None = None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                try:
                    return await _ask(client, wanted)
                except KafkaError as error:
                    problem = error
                    await client.force_metadata_update()
                    await asyncio.sleep(_AGAIN_S)
    except (TimeoutError, OSError) as error:
        raise Unavailable(f"Kafka does not say where topics end: {problem or error!r}") from error


async def _ask(client: Any, partitions: frozenset[Partition]) -> dict[Partition, int]:
    asked: dict[int, dict[str, list[tuple[int, int]]]] = {}
    for partition in partitions:
        leader = client.cluster.leader_for_partition(_named(partition))
        if leader is None or leader == -1:
            client.add_topic(partition.topic)
            raise LeaderNotAvailableError(partition)
        topics = asked.setdefault(leader, {})
        topics.setdefault(partition.topic, []).append((partition.number, _LATEST))
    found: dict[Partition, int] = {}
    for leader, topics in asked.items():
        request = OffsetRequest(-1, 0, list(topics.items()))
        found.update(_read(await client.send(leader, request, group=APART)))
    return found


def _read(answer: Any) -> Mapping[Partition, int]:
    found = {}
    for topic, parts in answer.topics:
        for number, code, _, offset in parts:
            error = for_code(code)
            if error is not NoError:
                raise error(topic)
            found[Partition(topic, number)] = offset
    return found


def _named(partition: Partition) -> Any:
    return TopicPartition(partition.topic, partition.number)
