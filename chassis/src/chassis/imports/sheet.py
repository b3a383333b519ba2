"""A table as it was found in a file, whatever the file's form. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

_LOOKED_AT = 20
_WIDE = 3


class Sheet(Protocol):
    """`format`: csv, xlsx …; `encoding` and `delimiter` are empty where there are none.
    `left_out`: what stands in the file and is no row of the table, in words."""

    @property
    def format(self) -> str: ...

    @property
    def encoding(self) -> str: ...

    @property
    def delimiter(self) -> str: ...

    @property
    def headers(self) -> tuple[str, ...]: ...

    @property
    def left_out(self) -> tuple[str, ...]: ...

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row of data that has anything in it, numbered from 1."""
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose cells were told apart by whoever wrote the file."""

    format: str
    headers: tuple[str, ...]
    cells: Sequence[list[str]]
    left_out: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row of data that has anything in it, numbered from 1."""
        return numbered(iter(self.cells))


def numbered(records: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The records that have anything in them, numbered from 1."""
    number = 0
    for cells in records:
        if any(map(str.strip, cells)):
            number += 1
            yield number, cells


def header_at(records: Sequence[Sequence[str]]) -> int:
    """At which of the first records the table begins: lines of one cell before a wide one, that
    the next one is as wide as, are a title or a notice."""
    first = next((n for n, record in enumerate(records) if any(map(str.strip, record))), 0)
    for index, record in enumerate(records[:_LOOKED_AT]):
        filled = sum(1 for cell in record if cell.strip())
        following = next((each for each in records[index + 1 :] if any(each)), record)
        if filled >= _WIDE and len(following) == len(record):
            return index
        if filled > 1:
            return first
    return first
