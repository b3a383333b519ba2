"""Given recorded events, then these rows; the same whether folded in one batch or event by event.

book = History()
rows = project(DEAL_BOARD, book.add("deal", id, opened), book.add("deal", id, moved))
assert rows[DEAL_BOARD_TABLE] == [{...}]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table

from chassis.events import Event, Recorded, stream_name, wire_name
from chassis.ids import new_id
from chassis.memory.lanes import MemoryTables
from chassis.projection import Fold, Projection

WORKSPACE = UUID("00000000-0000-7000-8000-000000000001")


class History:
    """Records events as the log would: places, versions, times."""

    def __init__(self, workspace: UUID = WORKSPACE, actor: str = "user-1") -> None:
        self.workspace = workspace
        self.actor = actor
        self._versions: dict[str, int] = defaultdict(int)

    def add(
        self, category: str, id_: UUID, event: Event, *, recorded_at: datetime | None = None
    ) -> Recorded[Any]:
        """Record an event; unless said otherwise it was recorded when it happened."""
        stream = stream_name(category, id_)
        self._versions[stream] += 1
        return Recorded(
            event,
            workspace=self.workspace,
            stream=stream,
            version=self._versions[stream],
            id=new_id(),
            type=wire_name(type(event)),
            recorded_at=recorded_at or event.occurred_at,
            actor=self.actor,
            correlation_id=new_id(),
        )


def project(
    projection: Projection, *events: Recorded[Any], workspace: UUID = WORKSPACE
) -> dict[Table, list[dict[str, Any]]]:
    """The rows after these events, by table, in key order, without the workspace's column.

    Folds them twice, all at once and one by one, and insists on the same rows.
    """
    at_once = _rows(projection, [events])
    one_by_one = _rows(projection, [[event] for event in events])
    for table in projection.tables:
        assert at_once.rows(table) == one_by_one.rows(table), f"{table.name}: batches differ"
    result = {}
    for table in projection.tables:
        rows = sorted(at_once.rows(table).items(), key=lambda item: repr(item[0]))
        result[table] = [_without_workspace(row) for key, row in rows if key[0] == workspace]
    return result


def _rows(projection: Projection, batches: Iterable[Sequence[Recorded[Any]]]) -> MemoryTables:
    tables = MemoryTables()
    for batch in batches:
        fold = Fold()
        for recorded in batch:
            if recorded.type in projection.types():
                fold.apply(recorded.workspace, projection.project(recorded))
        tables.write(fold)
    return tables


def _without_workspace(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "workspace_id"}
