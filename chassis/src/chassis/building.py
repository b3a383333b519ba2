"""Folds the partitions of a read model, a few at a time, and loads their rows into bare tables.

While some are folded, the rows of the last ones are being loaded and the consumer of the next
is fetching: three processes (this one, PostgreSQL, Kafka) work at the same time.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import Table

from chassis.ports import Partition, Source
from chassis.projection import Key, Projection, Row
from chassis.replay import Replay

_BATCH = 10_000
_TOGETHER = 50_000
"""Small partitions are read together up to so many messages: each consumer costs a while."""

_COLLECT_EVERY = 500_000
"""Messages. What is left of the consumers by then is some tens of megabytes."""

OpenSource = Callable[[Mapping[Partition, int]], Source]
Report = Callable[[str, int, int], Awaitable[None]]
"""Told about the progress: status, events done, events in all."""
Loads: TypeAlias = list[tuple[Table, dict[Key, Row]]]
Load = Callable[[Loads], Coroutine[Any, Any, None]]


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Without automatic garbage collections: they would go through a million folded rows again and
    again, and half the time of a rebuild was theirs. Who needs one asks for it.

    Nothing that is folded lies in a cycle; what does are the broker's answers, and little else.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Building:
    """The first and longest part of a rebuild; `run` it once."""

    def __init__(
        self,
        projection: Projection,
        replay: Replay,
        open_source: OpenSource,
        load: Load,
        report: Report,
    ) -> None:
        self._replay = replay
        self._open_source = open_source
        self._load = load
        self._report = report
        self._shared = frozenset(projection.shared)
        self._total = 0

    async def run(self, bounds: Mapping[Partition, int]) -> None:
        """Fold every partition up to its bound. Raises Poison."""
        self._total = sum(bounds.values())
        waiting, collected = list(self._groups(bounds)), 0
        loading = asyncio.create_task(self._load([]))
        opening = asyncio.create_task(self._opened(waiting[:1]))
        try:
            with collecting_rarely():
                for place, group in enumerate(waiting, start=1):
                    source = await opening
                    opening = asyncio.create_task(self._opened(waiting[place : place + 1]))
                    await self._fold(source, {p: bounds[p] for p in group})
                    await loading
                    if self._replay.done >= collected + _COLLECT_EVERY:
                        collected = self._replay.done
                        gc.collect()
                    loading = asyncio.create_task(self._load(self._take_rows(final=False)))
            await loading
            await self._load(self._take_rows(final=True))
        finally:
            await asyncio.gather(loading, return_exceptions=True)
            await _close(opening)

    def _groups(self, bounds: Mapping[Partition, int]) -> Iterator[list[Partition]]:
        """The partitions in which something lies, so few together that their rows fit in memory."""
        group: list[Partition] = []
        messages = 0
        for partition in sorted(bounds):
            left = bounds[partition] - self._replay.positions[partition]
            if left <= 0:
                continue
            if group and messages + left > _TOGETHER:
                yield group
                group, messages = [], 0
            group.append(partition)
            messages += left
        if group:
            yield group

    async def _opened(self, groups: Sequence[Sequence[Partition]]) -> Source | None:
        """A source of the first group that has begun to fetch, if there is one."""
        for group in groups:
            source = self._open_source({p: self._replay.positions[p] for p in group})
            await source.start()
            return source
        return None

    async def _fold(self, source: Source | None, ends: Mapping[Partition, int]) -> None:
        if source is None:
            return
        replay = self._replay
        try:
            while any(replay.positions[p] < end for p, end in ends.items()):
                polled = await source.poll(timeout_s=5.0, max_messages=_BATCH)
                await replay.apply(polled, ends)
                await self._report("building", replay.done, self._total)
        finally:
            await source.stop()

    def _take_rows(self, *, final: bool) -> Loads:
        """Rows that no other partition can touch; `final`: the others too."""
        fold = self._replay.fold
        ready = [table for table in fold.rows if final or table not in self._shared]
        loads = [(table, fold.rows.pop(table)) for table in ready]
        if final:
            fold.clear()
        for table in [table for table in fold.prefixes if table not in self._shared]:
            del fold.prefixes[table]
        return loads


async def _close(opening: asyncio.Task[Source | None]) -> None:
    """The source that nobody took."""
    [source] = await asyncio.gather(opening, return_exceptions=True)
    if source is not None and not isinstance(source, BaseException):
        await source.stop()
