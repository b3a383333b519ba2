"""A projection: a pure function from an event to row changes, and the fold of such changes.

    def project(recorded: Recorded[DealEvent]) -> Iterable[Change]:
        match recorded.event:
            case DealMoved() as e:
                yield Put(DEAL_BOARD, (e.deal_id,), {"stage": e.to_stage})

The workspace is not mentioned: it is part of every key and comes from the envelope. Rows are
touched by key only. A row that several streams touch must be touched so that their order does not
matter (counters by `Add`, or different columns): topics are interleaved differently in a rebuild.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, Table, Uuid
from sqlalchemy.schema import SchemaItem

from chassis.events import Event, Recorded, topic_of, wire_name

Key = tuple[Any, ...]


class Put(msgspec.Struct, frozen=True):
    """Set these columns of the row with this key; the row is made if it is missing."""

    table: Table
    key: Key
    columns: Mapping[str, Any]


class Add(msgspec.Struct, frozen=True):
    """Add to these counters of the row with this key; a missing row counts from zero."""

    table: Table
    key: Key
    counters: Mapping[str, int]


class Remove(msgspec.Struct, frozen=True):
    """Remove the row with this key; with a shorter key, all rows whose key begins so."""

    table: Table
    key: Key


Change = Put | Add | Remove


def read_table(name: str, *items: SchemaItem, key: Sequence[str]) -> Table:
    """A table of a read model, keyed by the workspace and the columns named in `key`.

    Indexes go in `items`; begin them with `workspace_id`. No default may depend on the time.
    """
    return Table(
        name,
        MetaData(),
        Column("workspace_id", Uuid, nullable=False),
        *items,
        PrimaryKeyConstraint("workspace_id", *key),
    )


def key_columns(table: Table) -> tuple[str, ...]:
    """The key's columns, the workspace first."""
    return tuple(column.name for column in table.primary_key.columns)


@dataclass(frozen=True, slots=True)
class Projection:
    """One read model. Bump `version` when `tables` or `project` change: it is rebuilt beside.

    `shared` lists the tables in which one row gathers changes of several streams; the rows of all
    other tables belong to one stream each, so that a rebuild can load them partition by partition.
    """

    name: str
    version: int
    events: tuple[type[Event], ...]
    tables: tuple[Table, ...]
    project: Callable[[Recorded[Any]], Iterable[Change]]
    shared: tuple[Table, ...] = ()

    def types(self) -> frozenset[str]:
        """The wire names it reads."""
        return frozenset(wire_name(event) for event in self.events)

    def topics(self) -> frozenset[str]:
        """The topics it reads."""
        return frozenset(topic_of(type_) for type_ in self.types())


class Row:
    """What a batch of events does to one row, folded.

    `fresh`: whatever was in the row before is gone. `gone`: and nothing came after.
    """

    __slots__ = ("adds", "fresh", "gone", "puts")

    def __init__(self) -> None:
        self.puts: dict[str, Any] = {}
        self.adds: dict[str, int] = {}
        self.fresh = False
        self.gone = False


class Fold:
    """Folds changes by row, in the order of the log, so that each row is written once."""

    def __init__(self) -> None:
        self.rows: dict[Table, dict[Key, Row]] = {}
        self.prefixes: dict[Table, dict[Key, None]] = {}

    def apply(self, workspace: UUID, changes: Iterable[Change]) -> None:
        """Fold in the changes of one event."""
        for change in changes:
            key = (workspace, *change.key)
            rows = self.rows.get(change.table)
            if rows is None:
                rows = self.rows[change.table] = {}
            if type(change) is Remove:
                self._remove(change.table, rows, key)
                continue
            row = rows.get(key)
            if row is None:
                row = rows[key] = Row()
            row.gone = False
            if type(change) is Put:
                row.puts.update(change.columns)
                if row.adds:
                    for column in change.columns:
                        row.adds.pop(column, None)
            elif type(change) is Add:
                _add(row, change.counters)

    def _remove(self, table: Table, rows: dict[Key, Row], key: Key) -> None:
        if len(key) < len(table.primary_key.columns):
            self.prefixes.setdefault(table, {})[key] = None
            for other in [other for other in rows if other[: len(key)] == key]:
                del rows[other]
            return
        row = rows.get(key)
        if row is None:
            row = rows[key] = Row()
        row.puts, row.adds, row.fresh, row.gone = {}, {}, True, True

    def clear(self) -> None:
        """Forget everything."""
        self.rows.clear()
        self.prefixes.clear()


def _add(row: Row, counters: Mapping[str, int]) -> None:
    for column, amount in counters.items():
        if column in row.puts:
            row.puts[column] += amount
        else:
            row.adds[column] = row.adds.get(column, 0) + amount
