"""Given these events, then these rows: tests of an analyst's projection, without any server.

log = Log(tmp_path)
log.add("deal", deal_id, DealWon(…))
assert log.fold("my_projection.py") == {"my_table": [{"deal_id": …}]}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb

from chassis.events import Event, Stored, service_of, stream_name, wire_name
from chassis.ids import new_id
from chassis.testing.projections import WORKSPACE
from chassis.vault import Keyring
from everlog.history.envelope import batch_of, without_sealed
from everlog.history.selection import select
from everlog.history.writing import ParquetEvents
from everlog.manifests import all_manifests
from everlog.replay import duck
from everlog.replay.answers import Rows, of_reader
from everlog.replay.comparing import compare
from everlog.replay.folding import Folded, Folding
from everlog.replay.loading import load

_KEYRING = Keyring(bytes(32))


class Log:
    """A log in a folder: what is added is recorded in this order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._manifests = {manifest.service: manifest for manifest in all_manifests()}
        self._events: dict[str, list[Stored]] = defaultdict(list)
        self._versions: dict[tuple[UUID, str], int] = defaultdict(int)

    def add(
        self,
        category: str,
        id_: UUID,
        event: Event,
        *,
        recorded_at: datetime | None = None,
        workspace: UUID = WORKSPACE,
    ) -> Stored:
        """Record an event; unless said otherwise it was recorded when it happened."""
        type_ = wire_name(type(event))
        service, stream, event_id = service_of(type_), stream_name(category, id_), new_id()
        codec = self._manifests[service].codec()
        key = _KEYRING.new_key(workspace, new_id())[0] if codec.personal(event) else None
        self._versions[workspace, stream] += 1
        stored = Stored(
            workspace=workspace,
            stream=stream,
            version=self._versions[workspace, stream],
            id=event_id,
            type=type_,
            occurred_at=event.occurred_at,
            recorded_at=recorded_at or event.occurred_at,
            actor="user-1",
            correlation_id=new_id(),
            causation_id=None,
            traceparent=None,
            key_id=key.id if key is not None else None,
            data=codec.encode(event, event_id.bytes, key),
            hash=b"",
        )
        self._events[service].append(stored)
        return stored

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The log in DuckDB, with the views that `everlog replay --sql` has."""
        files: dict[str, list[Path]] = {}
        for service, events in self._events.items():
            path = self._folder / f"{service}.parquet"
            file = ParquetEvents(path)
            file.write(without_sealed(batch_of(events, range(1, len(events) + 1))))
            file.close()
            files[service] = [path]
        classes = [event for m in self._manifests.values() for event in m.published()]
        with duck.over(files, classes, clear=False, spill=self._folder / "spilled") as connection:
            yield connection

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """The rows that SQL answers."""
        with self.opened() as connection:
            return list(of_reader("answer", duck.ask(connection, sql)).dicts())

    def fold(self, projection: str | Path, **options: Any) -> dict[str, list[dict[str, Any]]]:
        """The rows a projection comes to, by table; `options` as `everlog replay` has them."""
        [folded] = self._folded([str(projection)], options)
        return {rows.name: list(rows.dicts()) for rows in folded.rows()}

    def compare(self, first: str | Path, second: str | Path) -> tuple[Rows, dict[str, int]]:
        """How the rows of two projections differ."""
        here, there = self._folded([str(first), str(second)], {})
        return compare(here, there)

    def _folded(self, names: list[str], options: dict[str, Any]) -> list[Folded]:
        folding = Folding([load(name, self._manifests) for name in names], clear=False)
        selection = select(self._manifests, **options)
        with self.opened() as connection:
            return folding.over(connection, selection, lambda _: None)
