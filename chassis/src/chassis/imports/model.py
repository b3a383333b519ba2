"""What a service declares about an import, and what it answers for each row."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.ports import Append, Context

if TYPE_CHECKING:
    from chassis.service import Service


@dataclass(frozen=True, slots=True)
class ImportField:
    """A field a file column can be mapped to. `synonyms`: headers other systems give it."""

    name: str
    label: str
    synonyms: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row of the file: its number (the first row of data is 1), its mapped, filled values, and
    all cells as they are written."""

    number: int
    values: Mapping[str, str]
    cells: Sequence[str] = field(default=(), compare=False, repr=False)

    def get(self, name: str) -> str | None:
        """A value, or None if the file has none."""
        return self.values.get(name)


@dataclass(frozen=True, slots=True)
class Create:
    """The row makes a new record. `notes`: what was read differently from how it was written."""

    append: Append
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """The row changes a record."""

    append: Append
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """What the row says went into the append of an earlier row of the chunk, number `row`: several
    rows may be about one record, like the lines of an order. It counts as created."""

    row: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """The row changes nothing, and why: `unchanged`, `duplicate of row 7` …"""

    reason: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fail:
    """The row cannot be taken, and why; it can be downloaded, mended and sent again."""

    reason: str
    field: str | None = None
    notes: tuple[str, ...] = ()


Outcome = Create | Update | Joined | Skip | Fail


@dataclass(slots=True)
class ImportRun:
    """One run of one file, as handlers see it.

    `owners`: whose records the importing user may touch (None: everybody's). `seen` maps match
    keys to ids of records that earlier rows of this file made or matched: fill it with `remember`.
    `memory` is the handler's own, for what it looked up; it is empty again after a restart.
    `position`: the last row that was done when this run began, 0 unless it goes on after a restart.
    """

    service: Service
    id: UUID
    workspace: UUID
    actor: str
    now: datetime
    owners: frozenset[UUID] | None = None
    dry_run: bool = False
    position: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    seen: MutableMapping[str, UUID] = field(default_factory=dict)
    fresh: dict[str, UUID] = field(default_factory=dict)
    before: dict[str, UUID] = field(default_factory=dict)
    likenesses: dict[bytes, UUID] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def context(self, row: ImportRow, part: str = "") -> Context:
        """The context of a row's append: the import is its correlation, the row its key."""
        return Context(
            self.workspace,
            self.actor,
            correlation_id=self.id,
            key=f"import:{self.id}:{row.number}{part}",
        )

    def remember(self, key: str, id_: UUID) -> None:
        """An earlier row of this file stands for this key."""
        if key in self.seen and key not in self.fresh:
            self.before[key] = self.seen[key]
        self.seen[key] = self.fresh[key] = id_

    def recognise(self, likeness: bytes, id_: UUID) -> None:
        """A row like this one makes this record: later files know it (chassis.imports.likeness)."""
        self.likenesses[likeness] = id_

    def settle_fresh(self) -> None:
        """What rows remembered is written with their outcome."""
        self.fresh.clear()
        self.before.clear()
        self.likenesses.clear()

    def forget_fresh(self) -> None:
        """Forget what rows remembered whose outcome was never written."""
        for key in self.fresh:
            del self.seen[key]
        self.seen.update(self.before)
        self.settle_fresh()


Handler = Callable[[ImportRun, Sequence[ImportRow]], Awaitable[list[Outcome]]]
"""Answers one outcome per row, in order; runs with few queries per chunk, none per row. Rows about
one record go together best: one append, and `Joined` for the others."""


@dataclass(frozen=True, slots=True)
class ImportKind:
    """One kind of import. `prepare` may look at the whole file before the first chunk; every time
    it goes through the rows, they are read anew."""

    name: str
    fields: tuple[ImportField, ...]
    permission: str
    handle: Handler
    prepare: Callable[[ImportRun, Iterable[ImportRow]], Awaitable[None]] | None = None
