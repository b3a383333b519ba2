"""Reads a lane: fetches messages, keeps offsets and stream guards, decodes what somebody wants.

What comes out of `take` is one batch: the events to apply, in order, each once, and the commit that
has to go with them. Projector and reactor differ only in what they do with the events.

An offset counts in one topic. If a topic was made anew (Kafka's data was lost and published again)
its partitions are read again from 0; what was seen of each stream is dropped by its version.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import msgspec
import structlog

from chassis.codec import Codec
from chassis.errors import Fault, Fenced, Tampered, Unavailable
from chassis.events import Event, Recorded
from chassis.lane import (
    ALL,
    ALL_REACTIONS,
    REACTIONS,
    Anew,
    Commit,
    Lanes,
    LaneState,
    Move,
    ParkedEvent,
    Seen,
)
from chassis.ports import Message, Partition, Source, Subjects
from chassis.vault import DataKey
from chassis.wire import Envelope, envelope_of

log = structlog.get_logger("lane")

_GUARDS_KEPT = 200_000
_LOOK_EVERY_S = 5.0

Stream = tuple[UUID, str]
Polled = Mapping[Partition, Sequence[Message]]


@dataclass(slots=True)
class Arrived:
    """One event that is next in its stream. `recorded` None: nobody here reads its type."""

    envelope: Envelope
    recorded: Recorded[Event] | None = None
    unreadable: str = ""

    @property
    def message(self) -> Message:
        """As it lies on its topic."""
        return self.envelope.message

    @property
    def workspace(self) -> UUID:
        """Whose it is."""
        return self.envelope.workspace

    @property
    def stream(self) -> str:
        """The stream it belongs to."""
        return self.envelope.stream

    @property
    def version(self) -> int:
        """Its place in the stream."""
        return self.envelope.version

    @property
    def type(self) -> str:
        """Its wire name."""
        return self.envelope.type

    def place(self) -> ParkedEvent:
        """Where it lies, for parking."""
        message, id_ = self.message, self.envelope.event_id()
        return ParkedEvent(self.version, id_, self.type, message.partition, message.offset)

    def seen(self) -> Seen:
        """Where it lies, for a parked sequence that has lost sight of it."""
        message = self.message
        return Seen(self.workspace, self.stream, self.version, message.partition, message.offset)


@dataclass(slots=True)
class Batch:
    """What one poll brought: events to apply, events after a gap, and the commit so far."""

    commit: Commit
    events: list[Arrived] = field(default_factory=list)
    gaps: list[tuple[Arrived, int]] = field(default_factory=list)


class LaneReader:
    """One consumer of one lane; several of them share the lane's partitions."""

    def __init__(self, lane: str, *, lanes: Lanes, codec: Codec, subjects: Subjects) -> None:
        self.lane = lane
        self.state = LaneState(0, {})
        self.batch_lock = asyncio.Lock()
        self._source: Source
        self._lanes = lanes
        self._codec = codec
        self._subjects = subjects
        self._guards: dict[Stream, int] = {}
        self._wanted: frozenset[str] = frozenset()
        self._gap = ALL_REACTIONS if lane == REACTIONS else ALL
        self._parked_streams: frozenset[Stream] = frozenset()
        self._loads = self._polled_after = 0
        self._look_at = 0.0

    def use(self, source: Source) -> None:
        """Read from this source; a source asks this reader's `starts` where to begin."""
        self._source = source

    def want(self, types: frozenset[str]) -> None:
        """Decode events of these types; the others only pass the guard."""
        self._wanted = types

    async def start(self) -> None:
        """Join; the first assignment comes with the first polls."""
        await self._source.start()

    async def stop(self) -> None:
        """Leave."""
        await self._source.stop()

    async def starts(self, partitions: frozenset[Partition]) -> Mapping[Partition, int]:
        """Where to read on, at every assignment: what the lane's table says (chassis.ports.Starts).

        Waits for a batch under way: its partitions may be the ones that go.
        """
        async with self.batch_lock:
            await self._reload(partitions)
            return {p: self.state.offsets[p] for p in partitions}

    async def resync(self) -> None:
        """After a lost race: take over what the lane's table says, and read from there."""
        partitions = self._source.assigned()
        await self._reload(partitions)
        await self._source.seek({p: self.state.offsets[p] for p in partitions})

    async def _reload(self, partitions: frozenset[Partition]) -> None:
        self._loads += 1
        self._guards.clear()
        topics = await self._source.topics()
        state = await self._lanes.open(self.lane, partitions, topics)
        anew = await self._made_anew(partitions, topics, state)
        if anew:
            names = sorted({partition.topic for partition in anew})
            log.warning("topics were made anew and are read again", lane=self.lane, topics=names)
            await self._lanes.read_again(self.lane, anew)
            state = await self._lanes.open(self.lane, partitions, topics)
        self._keep(state)
        self._look_at = asyncio.get_running_loop().time() + _LOOK_EVERY_S

    async def _made_anew(
        self, partitions: frozenset[Partition], topics: Mapping[str, UUID], state: LaneState
    ) -> dict[Partition, Anew]:
        """Those whose offsets mean nothing any more: of another topic, or beyond the end of this
        one, since it was set back."""
        there = {p for p in partitions if p.topic in topics}
        ends = await self._source.ends(there) if there else {}
        return {
            p: Anew(topics[p.topic], ends[p])
            for p in there
            if state.topics.get(p) != topics[p.topic] or state.offsets[p] > ends[p]
        }

    def _keep(self, state: LaneState) -> None:
        self.state = state
        self._parked_streams = frozenset((w, stream) for _, w, stream in state.parked)

    async def poll(self, *, timeout_s: float, most: int) -> Polled:
        """The next messages; hold `batch_lock` from here until they are committed."""
        if asyncio.get_running_loop().time() >= self._look_at:
            async with self.batch_lock:
                await self._look()
        self._polled_after = self._loads
        return await self._source.poll(timeout_s=timeout_s, max_messages=most)

    async def _look(self) -> None:
        """Whether the topics are still the ones the offsets count in: a reader that has nothing to
        read would never notice otherwise."""
        self._look_at = asyncio.get_running_loop().time() + _LOOK_EVERY_S
        try:
            topics = await self._source.topics()
        except Unavailable:
            return
        if any(topics.get(p.topic, id_) != id_ for p, id_ in self.state.topics.items()):
            await self.resync()

    async def take(self, polled: Polled) -> Batch | None:
        """What of these messages is to be applied, or None."""
        if self._polled_after != self._loads:
            # They may have been fetched from where the lane was before.
            await self.resync()
            return None
        batch = Batch(Commit(self.state.epoch))
        fresh: dict[Partition, list[Message]] = {}
        for partition, messages in polled.items():
            start = self.state.offsets.get(partition)
            kept = [m for m in messages if start is not None and m.offset >= start]
            if kept:
                fresh[partition] = kept
        if not fresh:
            return None
        arrived = {p: [_arrived(m) for m in kept] for p, kept in fresh.items()}
        await self._guard(batch, [one for of_one in arrived.values() for one in of_one])
        passed = Counter(one.message.partition for one in batch.events)
        for partition, of_one in arrived.items():
            start, newest = self.state.offsets[partition], of_one[-1]
            upto, last = newest.message.offset + 1, newest.envelope.recorded_at()
            batch.commit.moves.append(Move(partition, start, upto, last, passed[partition]))
        await self._decode(batch.events)
        return batch

    def reached(self) -> dict[Partition, int]:
        """Up to where everything is final, in the partitions this reader has."""
        mine = self._source.assigned()
        return {p: offset for p, offset in self.state.offsets.items() if p in mine}

    async def commit(self, batch: Batch) -> None:
        """Make the batch final. Raises Fenced: nothing was written, `resync` and go on."""
        await self._lanes.commit(self.lane, batch.commit)
        offsets = dict(self.state.offsets)
        for move in batch.commit.moves:
            offsets[move.partition] = move.upto
        if batch.commit.closed:
            self._keep(await self._lanes.open(self.lane, []))
        else:
            parked = self._parked_after(batch.commit)
            self._keep(replace(self.state, offsets=offsets, parked=parked))
        if len(self._guards) > _GUARDS_KEPT:
            self._guards.clear()
        self._guards.update(batch.commit.guards)

    def _parked_after(self, commit: Commit) -> frozenset[tuple[str, UUID, str]]:
        if not commit.parked:
            return self.state.parked
        return self.state.parked | {(p.projection, p.workspace, p.stream) for p in commit.parked}

    async def _guard(self, batch: Batch, arrived: Sequence[Arrived]) -> None:
        """n+1 is next, ≤ n was here before, anything later is behind a gap."""
        unknown = {(a.workspace, a.stream) for a in arrived} - self._guards.keys()
        if unknown:
            streams = sorted(unknown)
            found = await self._lanes.guards(self.lane, streams)
            self._guards.update({stream: found.get(stream, 0) for stream in streams})
        guards = batch.commit.guards
        for one in arrived:
            stream = (one.workspace, one.stream)
            last = guards.get(stream)
            if last is None:
                last = self._guards[stream]
            if one.version <= last:
                if stream in self._parked_streams:
                    batch.commit.seen_again.append(one.seen())
                continue
            if one.version > last + 1:
                batch.gaps.append((one, last))
                continue
            guards[stream] = one.version
            batch.events.append(one)
            if (self._gap, *stream) in self.state.parked:
                batch.commit.closed[self._gap, *stream] = one.version

    async def _decode(self, events: Sequence[Arrived]) -> None:
        locked: list[tuple[Arrived, UUID | None]] = []
        for one in events:
            if one.type in self._wanted:
                try:
                    locked.append((one, self._codec.key_id(one.envelope)))
                except ValueError as error:
                    one.unreadable = str(error)
        keys = await self._keys(locked)
        for one, key_id in locked:
            try:
                key = keys.get(key_id) if key_id else None
                if isinstance(key, Fault):
                    raise key
                one.recorded = self._codec.read(one.envelope, key)
            except (Fault, msgspec.DecodeError, ValueError) as error:
                one.unreadable = f"{type(error).__name__}: {error}"

    async def _keys(
        self, locked: Sequence[tuple[Arrived, UUID | None]]
    ) -> dict[UUID, DataKey | Fault | None]:
        wanted: dict[UUID, set[UUID]] = {}
        for one, key_id in locked:
            if key_id is not None:
                wanted.setdefault(one.workspace, set()).add(key_id)
        if not wanted:
            return {}
        try:
            return dict(await self._subjects.keys_of(wanted))
        except Tampered:
            return {
                key_id: await self._key(workspace, key_id)
                for workspace, ids in wanted.items()
                for key_id in ids
            }

    async def _key(self, workspace: UUID, key_id: UUID) -> DataKey | Fault | None:
        """One key by itself, so that a key that was tampered with spoils only its own events."""
        try:
            return (await self._subjects.keys(workspace, [key_id]))[key_id]
        except Tampered as error:
            return error


def _arrived(message: Message) -> Arrived:
    try:
        return Arrived(envelope_of(message))
    except ValueError as error:
        raise Fenced(f"{error}; only relays may write to this topic") from error
