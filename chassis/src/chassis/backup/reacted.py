"""How far the reactions of a lost store had come, and what they had put off.

Without that the reactor would react to the whole history once more. The broker was told how far it
had come (chassis.kafka.bookmark): up to there everything counts as done, and reminders are what the
reactions had ordered so far. What came later is reacted to when the worker starts. If the broker
does not know, all that there is counts as done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog
from psycopg2.extras import execute_values

from chassis.backup.derived import Wrapped, key_of
from chassis.backup.restoring import Store
from chassis.codec import Codec
from chassis.errors import Fault
from chassis.kafka.reading import OpenSource, read_whole
from chassis.kafka.topics import partitions_of
from chassis.lane import REACTIONS
from chassis.ports import Message, Partition
from chassis.reaction import Later, NoLonger, Reaction
from chassis.wire import stored_of

Reached = Callable[[Sequence[Partition]], Awaitable[Mapping[Partition, int]]]
"""Asks how far the reactions had come in these partitions, as far as anybody knows."""

_OFFSETS = """
insert into road.offsets (lane, topic, partition, next_offset, topic_id) values %s
"""
_GUARDS = "insert into road.guards (lane, workspace_id, stream, version) values %s"
_DUE = """
insert into road.due (workspace_id, kind, key, due_at, try_at, payload) values %s
"""

log = structlog.get_logger("restore")


async def note_reactions(
    cursor: Any, store: Store, open_source: OpenSource, reached: Reached, wrapped: Wrapped
) -> bool:
    """Note it in the new store; False if nobody knew."""
    topics = store.manifest.reaction_topics()
    if not topics:
        return True
    upto = dict(await reached(sorted(partitions_of(topics))))
    known, seen = bool(upto), _Seen(store, wrapped)
    async for messages in read_whole(open_source, topics):
        partition = messages[0].partition if messages else None
        for message in messages:
            if not known or message.offset < upto.get(message.partition, 0):
                seen.note(message)
        if partition is not None and not known:
            seen.offsets[partition] = messages[-1].offset + 1
    offsets = upto if known else seen.offsets
    ids = await _ids(open_source, offsets)
    execute_values(
        cursor,
        _OFFSETS,
        [(REACTIONS, p.topic, p.number, offset, ids.get(p.topic)) for p, offset in offsets.items()],
    )
    execute_values(cursor, _GUARDS, [(REACTIONS, *at, v) for at, v in seen.versions.items()])
    execute_values(cursor, _DUE, seen.due())
    return known


async def _ids(open_source: OpenSource, offsets: Mapping[Partition, int]) -> Mapping[str, UUID]:
    if not offsets:
        return {}
    source = open_source(offsets)
    await source.start()
    try:
        return await source.topics()
    finally:
        await source.stop()


class _Seen:
    """The events that were reacted to."""

    def __init__(self, store: Store, wrapped: Wrapped) -> None:
        self.versions: dict[tuple[UUID, str], int] = {}
        self.offsets: dict[Partition, int] = {}
        self._store = store
        self._wrapped = wrapped
        self._codec: Codec = store.manifest.codec()
        self._reactions: dict[str, list[Reaction]] = {}
        for reaction in store.manifest.reactions:
            for event in reaction.events:
                type_ = str(event.__struct_config__.tag)
                self._reactions.setdefault(type_, []).append(reaction)
        self._ordered: list[tuple[datetime, UUID, Later | NoLonger]] = []

    def note(self, message: Message) -> None:
        """One of them; one that cannot be read had no effect either."""
        stored = stored_of(message)
        place = (stored.workspace, stored.stream)
        self.versions[place] = max(self.versions.get(place, 0), stored.version)
        if stored.type not in self._reactions:
            return
        try:
            key = key_of(self._store, self._wrapped, stored.workspace, stored.key_id)
            recorded = self._codec.recorded(stored, key)
            orders = [o for r in self._reactions[stored.type] for o in r.react(recorded)]
        except (Fault, ValueError, TypeError, LookupError) as error:
            log.warning("not reacted to", stream=stored.stream, error=repr(error))
            return
        self._ordered += [
            (stored.recorded_at, stored.workspace, order)
            for order in orders
            if isinstance(order, Later | NoLonger)
        ]

    def due(self) -> list[tuple[Any, ...]]:
        """What was put off and neither taken back nor, as its commands find out, done."""
        left: dict[tuple[UUID, str, str], Later] = {}
        for _, workspace, order in sorted(self._ordered, key=lambda each: each[0]):
            place = (workspace, order.kind, order.key)
            left.pop(place, None)
            if isinstance(order, Later):
                left[place] = order
        return [
            (*place, order.due_at, order.due_at, msgspec.json.encode(dict(order.payload)).decode())
            for place, order in left.items()
        ]
