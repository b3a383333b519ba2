"""Work whose time will come: rows taken with SKIP LOCKED, driven by the injected clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.clock import Clock
from chassis.ids import new_id
from chassis.orders import Origin, run_orders
from chassis.ports import EventLog
from chassis.postgres.database import Connection, Database, Record
from chassis.reaction import Due, Later, NoLonger
from chassis.telemetry import work

_GIVE_UP_AFTER = 10

_LATER = """
insert into road.due (workspace_id, kind, key, due_at, try_at, payload)
values ($1, $2, $3, $4, $4, $5)
on conflict (workspace_id, kind, key) do update
   set due_at = excluded.due_at, try_at = excluded.try_at, payload = excluded.payload,
       attempts = 0, error = null
"""
_TAKE = """
select workspace_id, kind, key, due_at, payload, attempts from road.due
 where try_at <= $1 and kind = any($2) order by try_at limit $3 for update skip locked
"""
_DONE = "delete from road.due where workspace_id = $1 and kind = $2 and key = $3 and due_at = $4"
_FAILED = """
update road.due set attempts = attempts + 1, try_at = $4, error = $5
 where workspace_id = $1 and kind = $2 and key = $3
"""


class PostgresReminders:
    """See chassis.orders.Reminders; `step` carries out what is due."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def later(self, workspace: UUID, order: Later) -> None:
        """Remember to act at a time."""
        async with self._database.connection(None) as connection:
            await connection.execute(
                _LATER, workspace, order.kind, order.key, order.due_at, dict(order.payload)
            )

    async def no_longer(self, workspace: UUID, order: NoLonger) -> None:
        """Take it back."""
        async with self._database.connection(None) as connection:
            await connection.execute(
                "delete from road.due where workspace_id = $1 and kind = $2 and key = $3",
                workspace,
                order.kind,
                order.key,
            )

    async def step(self, dues: Sequence[Due], log: EventLog, *, most: int = 50) -> int:
        """Carry out what is due now; returns how much there was.

        The row stays locked while its orders run, and goes when they are done; a crash between
        is a repetition, which the inbox key of the orders makes harmless.
        """
        by_kind = {due.kind: due for due in dues}
        async with self._database.connection(None) as connection, connection.transaction():
            rows = await connection.fetch(_TAKE, self._clock.now(), list(by_kind), most)
            for row in rows:
                with work(f"due {row['kind']}"):
                    await self._act(connection, by_kind[row["kind"]], row, log)
        return len(rows)

    async def _act(self, connection: Connection, due: Due, row: Record, log: EventLog) -> None:
        workspace, kind, key = row["workspace_id"], row["kind"], row["key"]
        inbox = f"due:{kind}:{key}:{row['due_at'].isoformat()}"
        origin = Origin(workspace, f"due:{kind}", new_id(), None, inbox)
        try:
            orders = list(due.act(workspace, key, row["payload"], row["due_at"]))
            await run_orders(log, _Inside(connection), origin, orders)
        except Exception as error:  # noqa: BLE001 - kept with the row, for ops to see
            await connection.execute(
                _FAILED,
                workspace,
                kind,
                key,
                self._again(row["attempts"]),
                f"{type(error).__name__}: {error}",
            )
            return
        await connection.execute(_DONE, workspace, kind, key, row["due_at"])

    def _again(self, attempts: int) -> datetime | None:
        if attempts + 1 >= _GIVE_UP_AFTER:
            return None
        return self._clock.now() + timedelta(seconds=min(2**attempts, 3600))


class _Inside:
    """Reminders that belong to the transaction under way."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def later(self, workspace: UUID, order: Later) -> None:
        payload: dict[str, Any] = dict(order.payload)
        await self._connection.execute(
            _LATER, workspace, order.kind, order.key, order.due_at, payload
        )

    async def no_longer(self, workspace: UUID, order: NoLonger) -> None:
        await self._connection.execute(
            "delete from road.due where workspace_id = $1 and kind = $2 and key = $3",
            workspace,
            order.kind,
            order.key,
        )
