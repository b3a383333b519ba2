"""A backup as one file: a zip of table contents, and a manifest with the SHA-256 of each.

The manifest is written last and the file gets its name when it is complete: whatever bears the name
of a backup is a whole one, as far as its writer could tell. Only its owner may read it.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol, Self

import msgspec

from chassis.errors import Tampered

FORMAT = 1
SUFFIX = ".everlog-backup"
_MANIFEST = "manifest.json"
_LEVEL = 3
_BLOCK = 1 << 20


class Content(msgspec.Struct, frozen=True):
    """What one table of one service held: COPY's text format."""

    service: str
    table: str
    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str

    @property
    def member(self) -> str:
        """Where it lies in the file."""
        return f"{self.service}/{self.table}.copy"


class BackupManifest(msgspec.Struct, frozen=True):
    """What a backup holds. `key`: the fingerprint of the master key that its contents need."""

    format: int
    taken_at: datetime
    key: str
    services: tuple[str, ...]
    contents: tuple[Content, ...]


class Writer(Protocol):
    """What COPY writes to."""

    def write(self, data: bytes) -> int: ...


class _Counted:
    """Passes on what is written, and knows its length and its hash."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes = 0
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.bytes += len(data)
        return self._file.write(data)


class BackupFile:
    """A backup being written; see `writing`."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._contents: list[Content] = []

    def add(
        self, service: str, table: str, columns: tuple[str, ...], copy: Callable[[Writer], int]
    ) -> None:
        """Add a table; `copy` writes it and says how many rows there were."""
        empty = Content(service, table, columns, 0, 0, "")
        with self._file.open(empty.member, "w", force_zip64=True) as member:
            counted = _Counted(member)
            rows = copy(counted)
        digest = counted.hash.hexdigest()
        self._contents.append(Content(service, table, columns, rows, counted.bytes, digest))

    def finish(self, taken_at: datetime, key: bytes, services: tuple[str, ...]) -> BackupManifest:
        """Write the manifest."""
        manifest = BackupManifest(FORMAT, taken_at, key.hex(), services, tuple(self._contents))
        self._file.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        return manifest


@contextmanager
def writing(path: Path) -> Iterator[BackupFile]:
    """A new backup. The file is there under its name only when the block has ended well."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_RDWR, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            zipped = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
            with zipped:
                yield BackupFile(zipped)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


class Backup:
    """A backup that is there. Raises Tampered if it is none, or of a format not known here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = zipfile.ZipFile(path)
            text = self._file.read(_MANIFEST)
            self.manifest = msgspec.json.decode(text, type=BackupManifest)
        except (zipfile.BadZipFile, KeyError, msgspec.MsgspecError) as error:
            raise Tampered(f"{path} is no backup, or not a whole one: {error}") from error
        if self.manifest.format != FORMAT:
            raise Tampered(f"{path} has format {self.manifest.format}; this release reads {FORMAT}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def of(self, service: str) -> list[Content]:
        """What it holds of a service."""
        return [each for each in self.manifest.contents if each.service == service]

    def reader(self, content: Content) -> IO[bytes]:
        """The content of a table."""
        return self._file.open(content.member)

    def check(self, told: Callable[[int, int], None] = lambda *_: None) -> None:
        """Read everything and compare it with the manifest. Raises Tampered."""
        total, done = sum(each.bytes for each in self.manifest.contents), 0
        for content in self.manifest.contents:
            found = hashlib.sha256()
            try:
                with self.reader(content) as file:
                    while block := file.read(_BLOCK):
                        found.update(block)
                        done += len(block)
                        told(done, total)
            except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError) as error:
                raise Tampered(f"{self.path}: {content.member} is damaged: {error}") from error
            if found.hexdigest() != content.sha256:
                raise Tampered(f"{self.path}: {content.member} is not what was backed up")
