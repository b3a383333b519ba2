"""Writes events to a file, or to a folder by service: Parquet or JSON lines, all or nothing.

Everything is written beside the path and renamed in the end, so that a file that is there is whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
import pyarrow as pa
from pyarrow import parquet

from embedded.errors import Trouble
from everlog.history.envelope import SCHEMA, Batch

ROWS_IN_GROUP = 65_536
_BYTES_IN_GROUP = 32 << 20
_LEVEL = 3

_encode = msgspec.json.Encoder().encode


class Format(StrEnum):
    """What a file is written as."""

    PARQUET = "parquet"
    JSONL = "jsonl"


def format_named(name: str | None) -> Format | None:
    """A format by its name. Raises Trouble if there is none of that name."""
    if name is None:
        return None
    try:
        return Format(name)
    except ValueError as error:
        raise Trouble(f"There is no format {name!r}.", "There are parquet and jsonl.") from error


Shape = Callable[[Any], Any]
"""Makes the columns that are written out of those that are read."""


class EventFile(Protocol):
    """One file being written."""

    def write(self, batch: Batch) -> None:
        """More events."""
        ...

    def close(self) -> None:
        """No more."""
        ...


class ParquetEvents:
    """Parquet: zstd, row groups large enough to be skipped and small enough to be held."""

    def __init__(self, path: Path, shape: Shape | None = None) -> None:
        self._shape = shape
        self._schema = SCHEMA
        if shape is not None:
            self._schema = shape(SCHEMA.empty_table()).schema
        self._file = parquet.ParquetWriter(
            path, self._schema, compression="zstd", compression_level=_LEVEL
        )
        self._held: list[Batch] = []
        self._rows = 0
        self._bytes = 0

    def write(self, batch: Batch) -> None:
        """See EventFile."""
        self._held.append(batch)
        self._rows += len(batch)
        self._bytes += batch.nbytes
        if self._rows >= ROWS_IN_GROUP or self._bytes >= _BYTES_IN_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            table = pa.Table.from_batches(self._held)
            if self._shape is not None:
                table = self._shape(table)
            self._file.write_table(table, row_group_size=ROWS_IN_GROUP)
        self._held, self._rows, self._bytes = [], 0, 0

    def close(self) -> None:
        """See EventFile."""
        self._flush()
        self._file.close()


class JsonEvents:
    """A line an event, with the names that the feed uses; `data` is the body."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")

    def write(self, batch: Batch) -> None:
        """See EventFile."""
        names = [name for name in SCHEMA.names if name != "body"]
        columns = [batch.column(name).to_pylist() for name in names]
        bodies = batch.column("body").to_pylist()
        lines = []
        for values, body in zip(zip(*columns, strict=True), bodies, strict=True):
            line = dict(zip(names, values, strict=True))
            line["data"] = msgspec.Raw(body.encode())
            lines.append(_encode(line))
        self._file.write(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        """See EventFile."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Target:
    """Where an export goes. A folder has one file for each service: `service=pipeline/…`."""

    path: Path
    format: Format
    folder: bool = False
    overwrite: bool = False

    @property
    def beside(self) -> Path:
        """What is written to until it is whole."""
        return self.path.with_name(f"{self.path.name}.partial")

    def check(self) -> None:
        """Raises Trouble if it cannot be written to."""
        if not self.path.absolute().parent.is_dir():
            raise Trouble(f"There is no folder {self.path.absolute().parent}.", "Make it first.")
        taken = any(self.path.iterdir()) if self.path.is_dir() else self.path.exists()
        if taken and not self.overwrite:
            raise Trouble(f"{self.path} is there already.", "Name another one, or say --overwrite.")


def target_of(path: str, format_: Format | None, *, overwrite: bool) -> Target:
    """What PATH means: a folder if it is one or ends with a slash; the format by its ending."""
    place = Path(path)
    folder = path.endswith("/") or place.is_dir()
    if format_ is None:
        format_ = Format.JSONL if place.suffix in (".jsonl", ".ndjson") else Format.PARQUET
    return Target(place, format_, folder, overwrite)


@dataclass(slots=True)
class Writing:
    """An export being written."""

    target: Target
    shape: Shape | None = None
    events: dict[str, int] = field(default_factory=dict)
    _files: dict[str, EventFile] = field(default_factory=dict)

    def write(self, service: str, batch: Batch) -> None:
        """Events of one service."""
        self._file(service).write(batch)
        self.events[service] = self.events.get(service, 0) + len(batch)

    def _file(self, service: str) -> EventFile:
        name = service if self.target.folder else ""
        if name not in self._files:
            self._files[name] = self._open(name)
        return self._files[name]

    def _open(self, name: str) -> EventFile:
        path = self.target.beside
        if self.target.folder:
            path = path / f"service={name}" / f"events.{self.target.format}"
            path.parent.mkdir(parents=True)
        if self.target.format is Format.JSONL:
            return JsonEvents(path)
        return ParquetEvents(path, self.shape)

    def close(self) -> None:
        """Complete all files; a single file is there also if nothing was written."""
        if not self.target.folder:
            self._file("")
        self.let_go()

    def let_go(self) -> None:
        """Close what is open."""
        files, self._files = self._files, {}
        for file in files.values():
            file.close()


@contextlib.contextmanager
def writing(target: Target, shape: Shape | None = None) -> Iterator[Writing]:
    """Write to a target: at the end of the block it is whole and in its place, or as it was."""
    target.check()
    _remove(target.beside)
    if target.folder:
        target.beside.mkdir()
    under_way = Writing(target, shape)
    try:
        yield under_way
        under_way.close()
        _settle(target)
    except BaseException:
        with contextlib.suppress(Exception):
            under_way.let_go()
        _remove(target.beside)
        raise


def _settle(target: Target) -> None:
    """Make it durable and give it its name."""
    for path in [target.beside, *target.beside.rglob("*")]:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    if target.folder and target.path.exists():
        former = target.path.with_name(f"{target.path.name}.former")
        _remove(former)
        target.path.rename(former)
        target.beside.rename(target.path)
        _remove(former)
    else:
        target.beside.replace(target.path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def size_of(path: Path) -> int:
    """How many bytes a file, or all files of a folder, have."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(file.stat().st_size for file in files)
