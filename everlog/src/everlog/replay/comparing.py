"""What if: two projections of the same history, side by side. Pure.

Tables are compared by name; where each side has one table, these two. Rows are the same if their
keys are; `workspace_id` is part of every key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Table

from chassis.projection import key_columns
from embedded.errors import Trouble
from everlog.replay.answers import Rows, text
from everlog.replay.folding import Folded

ONLY_IN_FIRST, ONLY_IN_SECOND, CHANGED = "only in the first", "only in the second", "changed"
COLUMNS = ("table", "workspace", "key", "difference", "column", "first", "second")

Difference = tuple[str, str, str, str, str, Any, Any]


def compare(first: Folded, second: Folded) -> tuple[Rows, dict[str, int]]:
    """All differences, one row a cell, and how many rows there are of each kind."""
    found: list[Difference] = []
    counts: Counter[str] = Counter({"equal": 0, ONLY_IN_FIRST: 0, ONLY_IN_SECOND: 0, CHANGED: 0})
    for here, there in _pairs(first, second):
        for kind, differences in _differences(here, there, first, second):
            counts[kind] += 1
            found += differences
    return Rows("differences", COLUMNS, found), dict(counts)


def _pairs(first: Folded, second: Folded) -> Sequence[tuple[Table, Table]]:
    here, there = first.replayed.tables, second.replayed.tables
    if len(here) == len(there) == 1:
        _same_keys(here[0], there[0])
        return [(here[0], there[0])]
    by_name = {table.name: table for table in there}
    pairs = [(table, by_name[table.name]) for table in here if table.name in by_name]
    if len(pairs) < max(len(here), len(there)):
        names = (", ".join(t.name for t in tables) for tables in (here, there))
        raise Trouble(
            "The two projections have different tables: {} and {}.".format(*names),
            "Compare projections whose tables have the same names, or one table each.",
        )
    for pair in pairs:
        _same_keys(*pair)
    return pairs


def _same_keys(here: Table, there: Table) -> None:
    if key_columns(here) != key_columns(there):
        raise Trouble(
            f"{here.name} and {there.name} have different keys: "
            f"{', '.join(key_columns(here))} and {', '.join(key_columns(there))}.",
            "Only rows with the same key can be compared.",
        )


def _differences(
    here: Table, there: Table, first: Folded, second: Folded
) -> Iterator[tuple[str, list[Difference]]]:
    ours, theirs = first.tables.rows(here), second.tables.rows(there)
    keys = set(key_columns(here))
    columns = [c.name for c in here.columns if c.name in there.columns and c.name not in keys]
    for key in sorted(ours.keys() | theirs.keys(), key=repr):
        mine, other = ours.get(key), theirs.get(key)
        place = (here.name, text(key[0]), " / ".join(text(value) for value in key[1:]))
        if mine is None or other is None:
            kind = ONLY_IN_SECOND if mine is None else ONLY_IN_FIRST
            row = mine or other or {}
            cells = [column for column in row if column not in keys] or [""]
            sides = [_sides(row.get(column), mine is None) for column in cells]
            yield kind, [(*place, kind, c, *s) for c, s in zip(cells, sides, strict=True)]
            continue
        changed = [c for c in columns if mine[c] != other[c]]
        kind = CHANGED if changed else "equal"
        yield kind, [(*place, kind, c, mine[c], other[c]) for c in changed]


def _sides(value: Any, is_second: bool) -> tuple[Any, Any]:
    return (None, value) if is_second else (value, None)
