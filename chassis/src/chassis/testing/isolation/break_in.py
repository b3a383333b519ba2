"""The attempt to break in, as a service's test makes it: two workspaces, and what must not happen.

    BreakIn("pipeline", victim, intruder, postgres, ("Zephyr",), repair=("deals", "deal"))

`marks`: words that stand in everything the victim's workspace has, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from chassis.testing.isolation.database import Premises, park, premises_of, try_by_sql
from chassis.testing.isolation.routes import (
    knock_everywhere,
    reading_by_id,
    try_every_route,
)
from chassis.testing.service_bench import Client

_SETTLED_S = 0.7
_MALFORMED = 422
_PARKED = "GET /api/v1/ops/parked/{read_model}/{stream}"

SHARED = ("log.numbering", "road.generations", "road.offsets", "road.workers")
"""Tables without a workspace that every service's role may read: what operators look at."""


@dataclass(frozen=True)
class BreakIn:
    """Two workspaces of one running service; the fixtures of the victim's must be in place.

    `repair`: a read model and a kind of stream, for errands of operators.
    `bodies`: of operations for which none can be made up from the schema; {id} stands for an id.
    `names`: what else can stand in a path, e.g. a KPI's name.
    `unreached`: operations that read by an id of which the victim has none. Each one is a door at
    which nobody has knocked: say why.
    `malformed`: operations whose body nobody here can make up, a file for example.
    `shared`: tables without a workspace that this service's role may read.
    """

    service: str
    victim: Client
    intruder: Client
    postgres: str
    marks: Sequence[str]
    repair: tuple[str, str]
    bodies: Mapping[str, Any] = field(default_factory=dict)
    names: Sequence[str] = ()
    unreached: Sequence[str] = ()
    malformed: Sequence[str] = ()
    shared: Sequence[str] = ()

    @property
    def workspace(self) -> UUID:
        """The victim's."""
        return self.victim.principal.workspace

    async def by_every_route(self) -> None:
        """Nothing of the victim's comes out, and nothing of it changes."""
        read_model, category = self.repair
        errand = {"kind": "retry", "read_model": read_model, "stream": category + "-{id}"}
        status, _, _ = await self.victim("POST", "/api/v1/ops/errands", errand)
        assert status == 202, "the victim has no repair under way"
        parked = (read_model, f"{category}-{new_id()}")
        await park(self.postgres, self.service, self.workspace, *parked)
        before = await self._settled()
        assert before.ids, "the victim's workspace is empty"
        bodies = {"POST /api/v1/ops/errands": errand, **self.bodies}
        words, places = (*self.names, *before.ids), {_PARKED: parked}
        attempts = await try_every_route(self.intruder, words, bodies, places)
        for attempt in attempts:
            told = [mark for mark in self.marks if mark in attempt.text]
            assert not told, f"{attempt.operation} tells {told}: {attempt.url}\n{attempt.text}"
            assert attempt.status < 500, attempt
        after = await self._settled()
        for table, rows in before.rows.items():
            assert after.rows[table] == rows, f"{table} was changed from another workspace"
        await self._knocked_everywhere(await knock_everywhere(self.victim, words, places))
        tried = {a.operation for a in attempts if a.status != _MALFORMED}
        refused = {a.operation: a.text for a in attempts if a.operation not in tried}
        assert set(refused) == set(self.malformed), (refused, self.malformed)

    async def _knocked_everywhere(self, reached: frozenset[str]) -> None:
        async with self.victim.session.get(f"{self.victim.base}/openapi.json") as response:
            doors = reading_by_id(await response.json())
        assert doors - reached == set(self.unreached), (doors - reached) ^ set(self.unreached)

    async def by_sql(self) -> None:
        """The role that answers requests gets at nothing, whatever statement it sends."""
        premises = await self._settled()
        assert premises.ids, "the victim's workspace is empty"
        found = await try_by_sql(
            self.postgres,
            self.service,
            premises,
            self.intruder.principal.workspace,
            (*SHARED, *self.shared),
        )
        assert not found, found

    async def _settled(self) -> Premises:
        """What is there once nothing changes any more."""
        async with asyncio.timeout(30):
            found = await self._premises()
            while True:
                await asyncio.sleep(_SETTLED_S)
                again = await self._premises()
                if again == found:
                    return found
                found = again

    async def _premises(self) -> Premises:
        return await premises_of(self.postgres, self.service, self.workspace)
