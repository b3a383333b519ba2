"""Reads topics from their beginning to the end they have now: for checks and repairs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from uuid import UUID

from chassis.kafka.topics import partitions_of
from chassis.ports import Message, Partition, Source
from chassis.wire import KEYS_TOPIC

OpenSource = Callable[[Mapping[Partition, int]], Source]
KeyPlace = tuple[UUID, UUID]
"""A workspace and the id of a key."""

_POLL_S = 1.0
_SILENT_POLLS = 10
"""Compaction may leave a hole before the end, never a slow broker so long."""


async def read_whole(
    open_source: OpenSource, topics: Iterable[str]
) -> AsyncIterator[Sequence[Message]]:
    """The messages of these topics in pieces, each of one partition and in its order."""
    positions = dict.fromkeys(partitions_of(topics), 0)
    source = open_source(positions)
    await source.start()
    try:
        ends = await source.ends(positions)
        silent = 0
        while silent < _SILENT_POLLS and any(positions[p] < end for p, end in ends.items()):
            polled = await source.poll(timeout_s=_POLL_S, max_messages=10_000)
            silent = 0 if polled else silent + 1
            for partition, messages in polled.items():
                positions[partition] = messages[-1].offset + 1
                yield [m for m in messages if m.offset < ends[partition]]
    finally:
        await source.stop()


async def keys_on_kafka(open_source: OpenSource) -> tuple[dict[KeyPlace, bytes], set[KeyPlace]]:
    """The wrapped keys on the keys topic by workspace and id, and those that were destroyed: a key
    that ever was is never good again."""
    wrapped: dict[KeyPlace, bytes] = {}
    destroyed: set[KeyPlace] = set()
    async for messages in read_whole(open_source, [KEYS_TOPIC]):
        for message in messages:
            workspace, _, key_id = (message.key or b"").decode().partition(":")
            place = (UUID(workspace), UUID(key_id))
            if message.value is None:
                destroyed.add(place)
            else:
                wrapped[place] = message.value
    return {place: key for place, key in wrapped.items() if place not in destroyed}, destroyed
