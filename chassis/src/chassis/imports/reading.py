"""Finds out what form a file has, and reads it as a table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chassis.imports.parsing import parse
from chassis.imports.sheet import Sheet
from chassis.imports.workbook import read_workbook

Reader = Callable[[bytes], Sheet | None]
"""Reads files of one form; answers None if a file has another one."""


def read(content: bytes, readers: Sequence[Reader] = ()) -> Sheet:
    """The table in a file: in a form that the kind of import knows, a workbook, or delimited text.

    Raises BadInput if there is none in it.
    """
    for reader in (*readers, read_workbook):
        sheet = reader(content)
        if sheet is not None:
            return sheet
    return parse(content)
