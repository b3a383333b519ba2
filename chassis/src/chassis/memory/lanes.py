"""Lanes and read models in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from chassis.errors import Fenced
from chassis.lane import (
    Anew,
    Commit,
    Generation,
    LaneState,
    Member,
    ParkedEvent,
    ParkedSequence,
    Seen,
)
from chassis.ports import Partition
from chassis.projection import Fold, Key, Row, key_columns

Rows = dict[Key, dict[str, Any]]

_LITERALS = {"true", "false", "[]", "{}"}


class MemoryTables:
    """The tables of one generation."""

    def __init__(self) -> None:
        self.tables: dict[str, Rows] = {}

    def rows(self, table: Table) -> Rows:
        """The rows of a table by key."""
        return self.tables.setdefault(table.name, {})

    def write(self, fold: Fold) -> None:
        """Write what a fold holds, as chassis.postgres.rows does."""
        for table, prefixes in fold.prefixes.items():
            rows = self.rows(table)
            for prefix in prefixes:
                for key in [key for key in rows if key[: len(prefix)] == prefix]:
                    del rows[key]
        for table, changes in fold.rows.items():
            rows = self.rows(table)
            for key, change in changes.items():
                _write(table, rows, key, change)


def _write(table: Table, rows: Rows, key: Key, change: Row) -> None:
    if change.fresh:
        rows.pop(key, None)
    if change.gone:
        return
    row = rows.get(key)
    if row is None:
        row = rows[key] = {c.name: _default(c) for c in table.columns}
        row.update(zip(key_columns(table), key, strict=True))
    row.update(change.puts)
    for column, amount in change.adds.items():
        row[column] = (row[column] or 0) + amount


def _default(column: Any) -> Any:
    """The literal server default of a column."""
    if column.server_default is None:
        return None
    text = str(column.server_default.arg).strip("'")
    return (
        int(text) if text.lstrip("-").isdigit() else {"false": False, "true": True}.get(text, text)
    )


class MemoryLanes:
    """See chassis.lane.Lanes."""

    def __init__(self) -> None:
        self.offsets: dict[tuple[str, Partition], int] = {}
        self.topics: dict[tuple[str, Partition], UUID] = {}
        self.events: dict[tuple[str, Partition], int] = {}
        self.epochs: dict[str, int] = {}
        self.members: dict[str, tuple[Member, ...]] = {}
        self.seen: dict[tuple[str, UUID, str], int] = {}
        self.parked: dict[tuple[str, UUID, str], list[ParkedSequence]] = {}
        self.generations: dict[Generation, MemoryTables] = {}

    async def open(
        self, lane: str, partitions: Iterable[Partition], topics: Mapping[str, UUID] | None = None
    ) -> LaneState:
        """See chassis.lane.Lanes.open."""
        for partition in partitions:
            self.offsets.setdefault((lane, partition), 0)
            if topics and partition.topic in topics:
                self.topics.setdefault((lane, partition), topics[partition.topic])
        return LaneState(
            self.epochs.setdefault(lane, 0),
            {p: offset for (name, p), offset in self.offsets.items() if name == lane},
            self.members.get(lane, ()),
            frozenset(self.parked),
            {p: id_ for (name, p), id_ in self.topics.items() if name == lane},
        )

    async def read_again(self, lane: str, partitions: Mapping[Partition, Anew]) -> None:
        """See chassis.lane.Lanes.read_again."""
        for partition, anew in partitions.items():
            place = (lane, partition)
            if self.topics.get(place) != anew.topic_id or self.offsets[place] > anew.end:
                self.topics[place], self.offsets[place] = anew.topic_id, 0
                self.epochs[lane] = self.epochs.get(lane, 0) + 1

    async def guards(
        self, lane: str, streams: Sequence[tuple[UUID, str]]
    ) -> Mapping[tuple[UUID, str], int]:
        """See chassis.lane.Lanes.guards."""
        return {s: self.seen[lane, *s] for s in streams if (lane, *s) in self.seen}

    async def commit(self, lane: str, commit: Commit) -> None:
        """See chassis.lane.Lanes.commit."""
        moved = {(lane, m.partition): m for m in commit.moves}
        if commit.epoch != self.epochs.get(lane, 0) or any(
            self.offsets.get(place) != move.start for place, move in moved.items()
        ):
            raise Fenced(f"lane {lane} was moved by another process")
        for place, move in moved.items():
            self.offsets[place] = move.upto
            self.events[place] = self.events.get(place, 0) + move.events
        for generation, fold in commit.rows.items():
            self.generations.setdefault(generation, MemoryTables()).write(fold)
        for (workspace, stream), version in commit.guards.items():
            self.seen[lane, workspace, stream] = version
        self._heed_what_was_seen_again(commit)
        for parked in commit.parked:
            place3 = (parked.projection, parked.workspace, parked.stream)
            self.parked.setdefault(place3, []).append(replace(parked))

    def _heed_what_was_seen_again(self, commit: Commit) -> None:
        for seen in commit.seen_again:
            for (_, workspace, stream), sequences in self.parked.items():
                if (workspace, stream) == (seen.workspace, seen.stream):
                    sequences[:] = [_moved(sequence, seen) for sequence in sequences]
        for place, version in commit.closed.items():
            left = [
                replace(s, events=[e for e in s.events if e.version > version])
                for s in self.parked.pop(place, [])
            ]
            if any(sequence.events for sequence in left):
                self.parked[place] = left


def _moved(sequence: ParkedSequence, seen: Seen) -> ParkedSequence:
    def moved(event: ParkedEvent) -> ParkedEvent:
        if event.version != seen.version:
            return event
        return replace(event, partition=seen.partition, offset=seen.offset)

    return replace(sequence, events=[moved(event) for event in sequence.events])
