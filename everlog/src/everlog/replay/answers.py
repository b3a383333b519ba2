"""Rows for people and for programs: a table on the terminal, CSV, JSON, Parquet."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from rich.markup import escape
from rich.table import Table

from embedded.errors import Trouble
from everlog.output import Report

SHOWN_MOST = 100
"""Rows that a table on the terminal has; files and other formats have all."""


class Shown(StrEnum):
    """How rows are shown."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of results. `rows` may be gone through once."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Each row by its columns' names, of what JSON knows."""
        for row in self.rows:
            yield {n: plain(value) for n, value in zip(self.columns, row, strict=True)}


def of_reader(name: str, reader: Any) -> Rows:
    """What DuckDB answered. Errors in the middle of an answer are Trouble, too."""

    def rows() -> Iterator[Sequence[Any]]:
        try:
            for batch in reader:
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
        except Exception as error:
            raise Trouble("The query broke off.", "", str(error)) from error

    return Rows(name, reader.schema.names, rows())


def plain(value: Any) -> Any:
    """A value of what JSON knows."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case dict():
            return {str(name): plain(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in value]
        case bytes():
            return value.hex()
        case _:
            return str(value)


def text(value: Any) -> str:
    """A value as a cell."""
    known = plain(value)
    if known is None:
        return ""
    return json.dumps(known) if isinstance(known, dict | list | bool) else str(known)


def show(tables: Sequence[Rows], how: Shown, report: Report) -> None:
    """Print the results."""
    if how is Shown.JSON:
        found = {rows.name: list(rows.dicts()) for rows in tables}
        value: Any = next(iter(found.values())) if len(found) == 1 else found
        sys.stdout.write(json.dumps(value, indent=2) + "\n")
        return
    for rows in tables:
        if how is Shown.CSV:
            write_csv(rows, sys.stdout)
            continue
        table, left = _as_table(rows)
        if len(tables) > 1:
            report.show(None, f"[bold]{escape(rows.name)}[/]")
        report.show(None, table)
        if left:
            report.show(None, f"… and {left:,} more rows: --format csv or --output FILE has all.")


def _as_table(rows: Rows) -> tuple[Table, int]:
    table = Table(box=None, pad_edge=False, header_style="bold")
    left = 0
    for number, row in enumerate(rows.rows):
        if number == 0:
            for name, value in zip(rows.columns, row, strict=True):
                counted = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
                table.add_column(escape(name), justify="right" if counted else "left")
        if number < SHOWN_MOST:
            table.add_row(*(escape(text(value)) for value in row))
        else:
            left += 1
    if not table.columns:
        for name in rows.columns:
            table.add_column(escape(name))
    return table, left


def write_csv(rows: Rows, file: IO[str]) -> int:
    """All rows as CSV; returns how many there were."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(rows.columns)
    count = 0
    for row in rows.rows:
        writer.writerow([text(value) for value in row])
        count += 1
    return count


def save(tables: Sequence[Rows], path: Path) -> dict[str, int]:
    """Write results to files by the ending of the path; several tables need a folder of CSV."""
    if path.is_dir() or path.suffix == "":
        path.mkdir(parents=True, exist_ok=True)
        return {rows.name: _save(rows, path / f"{rows.name}.csv") for rows in tables}
    if len(tables) > 1:
        names = ", ".join(rows.name for rows in tables)
        raise Trouble(f"There are several tables: {names}.", "Let --output name a folder.")
    return {tables[0].name: _save(tables[0], path)}


def _save(rows: Rows, path: Path) -> int:
    beside = path.with_name(f"{path.name}.partial")
    try:
        match path.suffix:
            case ".csv":
                with beside.open("w", newline="") as file:
                    count = write_csv(rows, file)
            case ".json":
                found = list(rows.dicts())
                beside.write_text(json.dumps(found, indent=2) + "\n")
                count = len(found)
            case ".parquet":
                count = _save_parquet(rows, beside)
            case _:
                raise Trouble(
                    f"{path.name} has no ending that says how to write it.",
                    "Endings are .csv, .json and .parquet.",
                )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return count


def _save_parquet(rows: Rows, path: Path) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    found = [[str(v) if isinstance(v, UUID) else v for v in row] for row in rows.rows]
    columns = list(zip(*found, strict=True)) or [()] * len(rows.columns)
    table = pa.table(
        {name: _column(values) for name, values in zip(rows.columns, columns, strict=True)}
    )
    parquet.write_table(table, path, compression="zstd")
    return len(found)


def _column(values: Sequence[Any]) -> Any:
    """Types are Arrow's guess; what it cannot guess is text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except pa.ArrowException:
        return pa.array([None if value is None else text(value) for value in values])
