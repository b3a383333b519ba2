"""The send ledger: effects on the world, claimed before and settled after, never done twice.

claim row → effect → result event → settled. Whoever dies between the claim and the result leaves
an effect of which nobody knows whether it happened: it is marked `uncertain` and not repeated.
An effect that is known not to have happened (`again`) gives its claim back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.clock import Clock
from chassis.postgres.database import Database

_CLAIM = """
insert into road.effects (workspace_id, id, kind, status, claimed_at, claimed_by)
values ($1, $2, $3, 'claimed', $4, $5) on conflict do nothing
"""
_SETTLE = """
update road.effects set status = $3, settled_at = $4, detail = $5
 where workspace_id = $1 and id = $2 and status = 'claimed'
"""
_RELEASE = """
delete from road.effects where workspace_id = $1 and id = $2 and status = 'claimed'
"""
_ABANDONED = """
select workspace_id, id, kind, claimed_at from road.effects
 where status = 'claimed' and claimed_at < $1 order by claimed_at limit 200
"""

AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Abandoned:
    """An effect whose process died before it could say what happened."""

    workspace: UUID
    id: UUID
    kind: str
    claimed_at: datetime


class Effects:
    """The ledger of one service; `by` names this process."""

    def __init__(self, database: Database, clock: Clock, by: str) -> None:
        self._database = database
        self._clock = clock
        self._by = by

    async def once(
        self,
        workspace: UUID,
        id_: UUID,
        kind: str,
        effect: Callable[[], Awaitable[tuple[str, str | None]]],
        record: Callable[[str, str | None], Awaitable[None]],
    ) -> bool:
        """Do an effect at most once; False if it was claimed before.

        `effect` returns (`done` or `refused`, detail), or (`again`, detail) if it certainly did not
        happen and may be tried once more later; when it raises, it is uncertain. `record` appends
        the result event, under an idempotency key made of `id_`.
        """
        async with self._database.connection(None) as connection:
            claimed = await connection.execute(
                _CLAIM, workspace, id_, kind, self._clock.now(), self._by
            )
        if claimed == "INSERT 0 0":
            return False
        try:
            status, detail = await effect()
        except Exception as error:  # noqa: BLE001 - it may have happened: say so, do not repeat it
            status, detail = "uncertain", f"{type(error).__name__}: {error}"
        await record(status, detail)
        if status == AGAIN:
            await self._release(workspace, id_)
        else:
            await self.settle(workspace, id_, status, detail)
        return True

    async def _release(self, workspace: UUID, id_: UUID) -> None:
        """Give a claim back: the effect may be claimed anew."""
        async with self._database.connection(None) as connection:
            await connection.execute(_RELEASE, workspace, id_)

    async def settle(self, workspace: UUID, id_: UUID, status: str, detail: str | None) -> None:
        """Note what became of a claimed effect."""
        async with self._database.connection(None) as connection:
            await connection.execute(_SETTLE, workspace, id_, status, self._clock.now(), detail)

    async def abandoned(self, *, older_than_s: float) -> list[Abandoned]:
        """Effects claimed long ago and never settled: their process died."""
        before = self._clock.now() - timedelta(seconds=older_than_s)
        async with self._database.connection(None) as connection:
            rows = await connection.fetch(_ABANDONED, before)
        return [Abandoned(r["workspace_id"], r["id"], r["kind"], r["claimed_at"]) for r in rows]
