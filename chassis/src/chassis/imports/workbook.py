"""Reads Excel workbooks: the first sheet that has a table in it. Pure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import python_calamine

from chassis.errors import BadInput
from chassis.imports.sheet import Grid, header_at

_ZIP = b"PK\x03\x04"
_PARTS = "xl/"
_UNPACKED_MOST = 512 * 1024 * 1024
_LOOKED_AT = 20


def read_workbook(content: bytes) -> Grid | None:
    """The table of a workbook; None if the file is something else.

    Raises BadInput if it is a workbook that cannot be read, or that has no table.
    """
    if not content.startswith(_ZIP):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if not any(name.startswith(_PARTS) for name in parts.namelist()):
                return None
            if sum(part.file_size for part in parts.infolist()) > _UNPACKED_MOST:
                raise BadInput("This workbook is too large unpacked. Save its sheet as CSV.")
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [(name, _sheet(workbook, name)) for name in workbook.sheet_names]
    except (zipfile.BadZipFile, python_calamine.CalamineError) as error:
        raise BadInput(
            f"This workbook cannot be read ({error}). Open it in Excel, save the sheet as CSV and "
            "send that."
        ) from error
    filled = [(name, records) for name, records in sheets if records]
    if not filled:
        raise BadInput("The workbook is empty. The first row of a sheet must name the columns.")
    records = filled[0][1]
    at = header_at(list(islice(records, _LOOKED_AT)))
    headers = tuple(cell.strip() for cell in records[at])
    others = tuple(f"sheet {other}: {len(found)} rows" for other, found in filled[1:])
    above = tuple(f"above the table: {' '.join(filter(None, each))[:80]}" for each in records[:at])
    return Grid("xlsx", headers, records[at + 1 :], (*above, *others))


def _sheet(workbook: Any, name: str) -> Sequence[list[str]]:
    rows = ([_text(cell) for cell in row] for row in workbook.get_sheet_by_name(name).to_python())
    return [row for row in rows if any(map(str.strip, row))]


def _text(cell: Any) -> str:
    """A cell as one would write it: 3.0 is 3, a day has no hour."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime() if cell.time() == time(0):
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
        case None:
            return ""
        case _:
            return str(cell)
