"""Reads a service's event store in bulk: one COPY in one read-only snapshot, parsed by Arrow.

Nothing is written, by order of the session itself. Memory is bounded by the pipe between the two.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from uuid import UUID

import psycopg2
import pyarrow as pa
from pyarrow import csv

from everlog.history.envelope import NAMES, SCHEMA, Batch
from everlog.history.selection import Selection

_COLUMNS = """
%s, e.workspace_id, e.stream, e.version, f.number, e.id, e.type, e.occurred_at, e.recorded_at,
e.actor, e.correlation_id, e.causation_id, e.traceparent, e.key_id, encode(e.hash, 'hex'),
e.data::text
"""
_EVERYTHING = "from log.events e left join log.feed f using (position)"
_PUBLISHED_SINCE = """
from unnest(%s::uuid[], %s::bigint[], %s::bigint[]) as a(workspace_id, after, head)
join log.feed f on f.workspace_id = a.workspace_id and f.number > a.after and f.number <= a.head
join log.events e using (position)
"""
_HEADS = "select workspace_id::text, number from log.feed_head"
_BLOCK_BYTES = 8 << 20  # an event has to fit into one; Kafka takes none larger than 1 MB
_OPTIONS = (
    "-c timezone=UTC -c datestyle=ISO -c default_transaction_read_only=on "
    "-c default_transaction_isolation=repeatable\\ read -c jit=off"
)

Numbers = Mapping[str, int]
"""The last number in the feed by workspace."""


class Store:
    """One service's event store, as it was when it was opened."""

    def __init__(self, service: str, dsn: str) -> None:
        self.service = service
        self._dsn = dsn
        self._connection = self._connect()

    def _connect(self) -> Any:
        return psycopg2.connect(self._dsn, options=_OPTIONS, application_name="everlog history")

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fetch(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Rows of a small question."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def count(self, selection: Selection) -> int:
        """How many events are meant."""
        where, values = _where(selection)
        statement = f"select count(*) from log.events e {where}"  # noqa: S608
        return int(self.fetch(statement, values)[0][0])

    def heads(self) -> dict[str, int]:
        """How far the feed of each workspace is."""
        return {workspace: int(number) for workspace, number in self.fetch(_HEADS)}

    def numbering(self) -> str:
        """Which numbering the feed's numbers belong to."""
        return str(self.fetch("select id from log.numbering")[0][0])

    def keys(self, workspace: UUID, key_ids: list[UUID]) -> dict[UUID, bytes]:
        """The wrapped keys of these that have not been destroyed."""
        given = (str(workspace), [str(key_id) for key_id in key_ids])
        statement = (
            "select key_id::text, wrapped from log.subject_keys "
            "where workspace_id = %s and key_id = any(%s::uuid[]) union all "
            "select key_id::text, wrapped from road.known_keys "
            "where workspace_id = %s and key_id = any(%s::uuid[])"
        )
        return {UUID(k): bytes(wrapped) for k, wrapped in self.fetch(statement, given * 2)}

    def batches(self, selection: Selection) -> Generator[Batch, None, None]:
        """The events that are meant, in the order of the log."""
        where, values = _where(selection)
        return self._copied(f"{_EVERYTHING} {where} order by e.position", values)

    def published(self, after: Numbers, heads: Numbers) -> Iterator[Batch]:
        """All published events beyond these numbers and up to those."""
        newer = [(w, after.get(w, 0), head) for w, head in heads.items() if head > after.get(w, 0)]
        columns = [list(column) for column in zip(*newer, strict=True)] or [[], [], []]
        return self._copied(_PUBLISHED_SINCE, columns)

    def _copied(self, source: str, values: list[Any]) -> Generator[Batch, None, None]:
        with self._connection.cursor() as cursor:
            query = cursor.mogrify(f"select {_COLUMNS} {source}", [self.service, *values]).decode()
        copying = _Copy(self._connection, f"copy ({query}) to stdout (format csv)")
        try:
            yield from copying.batches()
        finally:
            copying.stop()


def _where(selection: Selection) -> tuple[str, list[Any]]:
    conditions, values = selection.conditions()
    return (f"where {' and '.join(conditions)}" if conditions else ""), values


class _Copy:
    """A COPY running in a thread of its own into a pipe; the pipe's end holds it back."""

    def __init__(self, connection: Any, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._failure: BaseException | None = None
        read, write = os.pipe()
        self._read = os.fdopen(read, "rb")
        self._thread = threading.Thread(target=self._run, args=(write,), daemon=True)

    def _run(self, write: int) -> None:
        try:
            with (
                os.fdopen(write, "wb", buffering=1 << 20) as pipe,
                self._connection.cursor() as cursor,
            ):
                cursor.copy_expert(self._statement, pipe)
        except BaseException as error:  # noqa: BLE001 - told to whoever reads
            self._failure = error

    def batches(self) -> Iterator[Batch]:
        """What arrives, as columns. Raises what made the COPY fail."""
        self._thread.start()
        try:
            yield from self._parsed()
        except pa.ArrowInvalid:
            self._thread.join()
            if self._failure is None:
                raise
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _parsed(self) -> Iterator[Batch]:
        try:
            reader = csv.open_csv(
                pa.PythonFile(self._read, "r"),
                read_options=csv.ReadOptions(column_names=NAMES, block_size=_BLOCK_BYTES),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=csv.ConvertOptions(
                    column_types={field.name: field.type for field in SCHEMA},
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    null_values=[""],
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error):
                return
            raise
        for batch in reader:
            if len(batch):
                yield batch.cast(SCHEMA)

    def stop(self) -> None:
        """End it, wherever it is."""
        if self._thread.is_alive():
            with contextlib.suppress(psycopg2.Error):
                self._connection.cancel()
        self._read.close()
        if self._thread.ident is not None:
            self._thread.join()
        if self._failure is not None:
            self._connection.rollback()
