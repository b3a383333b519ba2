"""The projector: applies a lane's events to its read models, a batch at a time.

Per read model a batch is folded by row, so each row is written once; all of it, the offsets and the
guards are one transaction. An event that cannot be applied parks its own sequence in that one read
model; everything else flows. Faults of the infrastructure are no reason to park: they stop the
batch, and it is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from chassis.consuming import Consumer
from chassis.errors import Fenced
from chassis.lane import ALL, LIVE, Member, ParkedSequence
from chassis.lane_reader import Arrived, Batch, LaneReader, Stream
from chassis.projection import Change, Fold, Projection

Known = Mapping[tuple[str, int], Projection]
"""The projections this code has, by name and version."""

Committed = Callable[[Mapping[Stream, int], Sequence[str]], None]
"""Told after each commit: the versions seen, and which read models changed."""


def known(projections: Sequence[Projection]) -> Known:
    """Projections by name and version."""
    return {(p.name, p.version): p for p in projections}


class Projector:
    """Keeps up the read models of one lane."""

    def __init__(
        self,
        reader: LaneReader,
        projections: Known,
        committed: Committed,
        consumer: Consumer | None = None,
    ) -> None:
        self._reader = reader
        self._consumer = consumer or Consumer(LIVE)
        self._known = projections
        self._committed = committed

    async def start(self) -> None:
        """Join the lane."""
        types = {type_ for projection in self._known.values() for type_ in projection.types()}
        self._reader.want(frozenset(types))
        await self._reader.start()

    async def stop(self) -> None:
        """Leave the lane."""
        await self._reader.stop()

    async def step(self, *, timeout_s: float = 1.0, most: int = 2000) -> int:
        """Apply the next batch; returns how many events it had."""
        polled = await self._reader.poll(timeout_s=timeout_s, most=most)
        if not polled:
            return 0
        began_ns = time.time_ns()
        async with self._reader.batch_lock:
            batch = await self._reader.take(polled)
            if batch is None:
                return 0
            with self._consumer.batch(batch, began_ns) as work:
                members = self._members(self._reader.state.members)
                work.changed = self._apply(batch, members)
                try:
                    await self._reader.commit(batch)
                except Fenced:
                    work.done = False
                    await self._reader.resync()
                    return 0
            self._committed(batch.commit.guards, work.changed)
            return len(batch.events)

    def _members(self, members: Sequence[Member]) -> list[tuple[Member, Projection]]:
        """The projections of a lane's members. Raises Fenced if newer code runs this lane."""
        found = []
        for member in members:
            projection = self._known.get((member.name, member.version))
            if projection is None:
                raise Fenced(
                    f"{member.name} is at version {member.version}, which this code does not have: "
                    "a newer release has taken over"
                )
            found.append((member, projection))
        return found

    def _apply(self, batch: Batch, members: Sequence[tuple[Member, Projection]]) -> list[str]:
        wanting: dict[str, list[tuple[Member, Projection]]] = {}
        for member, projection in members:
            for type_ in projection.types():
                wanting.setdefault(type_, []).append((member, projection))
        for one in batch.events:
            for member, projection in wanting.get(one.type, ()):
                self._apply_one(batch, one, member, projection)
        for one, last in batch.gaps:
            error = f"version {one.version} came after version {last}"
            batch.commit.parked.append(_parked(ALL, one, "gap", error))
        return sorted({name for name, _ in batch.commit.rows})

    def _apply_one(
        self, batch: Batch, one: Arrived, member: Member, projection: Projection
    ) -> None:
        if self._is_parked(batch, member.name, one):
            batch.commit.parked.append(_parked(member.name, one, "", ""))
            return
        if one.recorded is None:
            batch.commit.parked.append(_parked(member.name, one, "unreadable", one.unreadable))
            return
        try:
            changes: list[Change] = list(projection.project(one.recorded))
        except Exception as error:  # noqa: BLE001 - whatever it is, it parks this sequence only
            cause = f"{type(error).__name__}: {error}"
            batch.commit.parked.append(_parked(member.name, one, "failed", cause))
            return
        if changes:
            generation = (member.name, member.generation)
            batch.commit.rows.setdefault(generation, Fold()).apply(one.workspace, changes)

    def _is_parked(self, batch: Batch, name: str, one: Arrived) -> bool:
        if (name, one.workspace, one.stream) in self._reader.state.parked:
            return True
        return any(
            p.projection == name and p.workspace == one.workspace and p.stream == one.stream
            for p in batch.commit.parked
        )


def _parked(projection: str, one: Arrived, cause: str, error: str) -> ParkedSequence:
    return ParkedSequence(projection, one.workspace, one.stream, cause, error, [one.place()])
