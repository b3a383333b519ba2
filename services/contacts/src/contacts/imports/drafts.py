"""Records as they stand while a file's rows are decided: in the log, and after earlier rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from chassis.decider import Decider
from chassis.events import Event
from chassis.imports import ImportRow, ImportRun
from chassis.ports import Append, Context

S = TypeVar("S")

Draft = tuple[int, Any, int]
"""The row that made it, the state, the version."""


class Drafts(Generic[S]):
    """States of one kind of record. What earlier rows did counts, also in a dry run, in which
    nothing of it is in the log."""

    def __init__(self, run: ImportRun, decider: Decider[Any, S, Any]) -> None:
        self._run = run
        self._decider = decider
        kept = run.memory.setdefault(f"drafts of {decider.category}", {})
        self._drafts: dict[UUID, list[Draft]] = kept if run.dry_run else {}
        self._loaded: dict[UUID, tuple[S, int]] = {}

    async def load(self, ids: Iterable[UUID]) -> None:
        """Fetch the states of these records, as far as they exist."""
        wanted = {self._decider.stream(id_): id_ for id_ in ids}
        if not wanted:
            return
        run = self._run
        context = Context(run.workspace, run.actor, run.id)
        loaded = await run.service.work_log.load_many(context, list(wanted))
        for stream, found in loaded.items():
            state = self._decider.fold(recorded.event for recorded in found.events)
            self._loaded[wanted[stream]] = (state, found.version)

    def of(self, id_: UUID, row: ImportRow) -> tuple[S, int]:
        """The state and version of a record before a row."""
        earlier = [draft for draft in self._drafts.get(id_, ()) if draft[0] < row.number]
        if earlier:
            return earlier[-1][1], earlier[-1][2]
        return self._loaded.get(id_, (self._decider.initial, 0))

    def append(self, id_: UUID, row: ImportRow, events: Sequence[Event]) -> Append:
        """The append of what a row leads to; later rows see the record so."""
        state, version = self.of(id_, row)
        for event in events:
            state = self._decider.evolve(state, event)
        self._drafts.setdefault(id_, []).append((row.number, state, version + len(events)))
        made = self._decider.append_of(id_, events, version)
        return Append(
            made.stream,
            made.events,
            made.expected,
            made.claims,
            made.forget,
            self._run.context(row),
        )
