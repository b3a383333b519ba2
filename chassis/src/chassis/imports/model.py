"""What a service declares about an import, and what it answers for each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.imports.reading import Reader
from chassis.ports import Append, Context

if TYPE_CHECKING:
    from chassis.service import Service


SEVERAL = " ::: "
"""Stands between several values of one field, as in exports of Google."""


@dataclass(frozen=True, slots=True)
class ImportField:
    """A field a file column can be mapped to. `synonyms`: headers other systems give it. `many`:
    several columns may become it, their values with SEVERAL between. `date`: it holds dates."""

    name: str
    label: str
    synonyms: tuple[str, ...] = ()
    required: bool = False
    many: bool = False
    date: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """What files of one system look like, and which of their columns is which field.

    `signs`: columns that all these files have, and no others do. `options`: what the kind of import
    is told of such a file unless it is told otherwise. `marked`: apostrophes stand before texts.
    """

    name: str
    label: str
    signs: tuple[str, ...]
    columns: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a record before and after a row, as one would write it."""

    field: str
    before: str
    after: str


Shown = Callable[[], tuple[str, tuple[Change, ...]]]
"""Tells whom a row is about, and what it changes: asked for a few rows of a check only."""


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
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """The row changes a record."""

    append: Append
    notes: tuple[str, ...] = ()
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """An undoing takes a record away that the import had made."""

    append: Append
    notes: tuple[str, ...] = ()
    shown: Shown | None = None


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
    """The row cannot be taken, and why; it can be downloaded, mended and sent again. `append`: what
    could be done of an undoing in spite of it. `cells`: what is listed instead of the row's own."""

    reason: str
    field: str | None = None
    notes: tuple[str, ...] = ()
    append: Append | None = None
    cells: tuple[str, ...] = ()


Outcome = Create | Update | Remove | Joined | Skip | Fail


@dataclass(slots=True)
class ImportRun:
    """One run of one file, as handlers see it.

    `owners`: whose records the importing user may touch (None: everybody's). `seen` maps match
    keys to ids of records that earlier rows of this file made or matched: fill it with `remember`.
    `memory` is the handler's own, for what it looked up; it is empty again after a restart.
    `position`: the last row that was done when this run began, 0 unless it goes on after a restart.
    `undoes`: the import that this run takes back; its rows are the streams which that one wrote to.
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
    examples: Counter[str] = field(default_factory=Counter)
    undoes: UUID | None = None

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
    it goes through the rows, they are read anew. `readers`: forms of files that only this kind
    knows. `own`: columns may become fields of the workspace's own, called `custom.<name>`.
    `undo`: takes back what an import did to records, a row's value `stream` each. `noun`: what such
    a job is called where it is no import."""

    name: str
    fields: tuple[ImportField, ...]
    permission: str
    handle: Handler
    prepare: Callable[[ImportRun, Iterable[ImportRow]], Awaitable[None]] | None = None
    presets: tuple[Preset, ...] = ()
    readers: tuple[Reader, ...] = ()
    own: bool = False
    undo: Handler | None = None
    noun: str = "import"

    def preset(self, name: object) -> Preset | None:
        """The preset of this name."""
        return next((preset for preset in self.presets if preset.name == name), None)
