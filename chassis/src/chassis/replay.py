"""Folds what a read model reads, from offset 0 on, strictly: what cannot be applied ends it.

It keeps the same books as a lane: the last version of each stream, and how many events have passed
from each partition. So at the same offsets the numbers of events have to be the same as the live
lane's; fewer mean that a topic lacks something, or that the lane is just reading it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from chassis.codec import Codec
from chassis.errors import Fault, Poison
from chassis.events import Event, Recorded
from chassis.ports import Message, Partition, Subjects
from chassis.projection import Fold, Projection
from chassis.vault import DataKey
from chassis.wire import Envelope, envelope_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where the live lane stands in a partition. `events`: how many have passed, if it was counted;
    `topic_id`: in which topic, if it is known."""

    offset: int
    events: int | None
    topic_id: UUID | None


class Replay:
    """One read model folded from its topics; rows are taken out of `fold` by whoever drives it."""

    def __init__(
        self,
        projection: Projection,
        partitions: frozenset[Partition],
        codec: Codec,
        subjects: Subjects,
    ) -> None:
        self.positions: dict[Partition, int] = dict.fromkeys(partitions, 0)
        self.passed: Counter[Partition] = Counter()
        self.seen: dict[tuple[UUID, str], int] = {}
        self.fold = Fold()
        self.done = 0
        self._ahead: dict[tuple[UUID, str], int] = {}
        self._projection = projection
        self._types = projection.types()
        self._codec = codec
        self._subjects = subjects

    async def apply(
        self, polled: Mapping[Partition, Sequence[Message]], ends: Mapping[Partition, int]
    ) -> None:
        """Fold these messages, as far as they lie before `ends`. Raises Poison."""
        fresh: list[Envelope] = []
        for partition, messages in polled.items():
            kept = [m for m in messages if m.offset < ends[partition]]
            fresh.extend(self._pass(partition, kept))
            self.done += len(kept)
            if messages:
                self.positions[partition] = min(messages[-1].offset + 1, ends[partition])
        locked = [(one, self._codec.key_id(one)) for one in fresh]
        keys = await self._keys(locked)
        apply, project = self.fold.apply, self._projection.project
        for one, key_id in locked:
            recorded = self._recorded(one, keys.get(key_id) if key_id else None)
            try:
                apply(one.workspace, project(recorded))
            except Exception as error:
                raise Poison(f"{recorded!r} cannot be applied: {error!r}") from error

    def refuse_gaps(self) -> None:
        """Raises Poison if something that came too early has not come again in its turn."""
        for stream, version in self._ahead.items():
            last = self.seen.get(stream, 0)
            if version > last:
                raise Poison(
                    f"{stream[1]}: version {version} follows version {last} in the topic; "
                    "republish the service's events first"
                )

    def lacking(self, live: Mapping[Partition, Place]) -> int:
        """How many events the live lane has let pass that have not come by here."""
        return sum(
            max(0, place.events - self.passed[partition])
            for partition, place in live.items()
            if partition in self.positions and place.events is not None
        )

    def _pass(self, partition: Partition, messages: Sequence[Message]) -> list[Envelope]:
        """What is next in its stream and this read model reads; all of it is counted."""
        seen, types = self.seen, self._types
        found: list[Envelope] = []
        passed = 0
        for message in messages:
            one = envelope_of(message)
            stream, version = (one.workspace, one.stream), one.version
            last = seen.get(stream, 0)
            if version == last + 1:
                seen[stream] = version
                passed += 1
                if one.type in types:
                    found.append(one)
            elif version > last:
                self._ahead[stream] = version
        self.passed[partition] += passed
        return found

    def _recorded(self, one: Envelope, key: DataKey | None) -> Recorded[Event]:
        try:
            return self._codec.read(one, key)
        except (Fault, msgspec.DecodeError, ValueError) as error:
            raise Poison(f"{one.stream}@{one.version} cannot be read: {error}") from error

    async def _keys(
        self, locked: Sequence[tuple[Envelope, UUID | None]]
    ) -> dict[UUID, DataKey | None]:
        wanted: dict[UUID, set[UUID]] = {}
        for one, key_id in locked:
            if key_id is not None:
                wanted.setdefault(one.workspace, set()).add(key_id)
        return dict(await self._subjects.keys_of(wanted)) if wanted else {}
