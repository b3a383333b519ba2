"""Turns: what one process of a service does at a time, while the others wait.

A session lock says whose turn it is, and it ends with the session. A process that is frozen would
keep its session, and with it the turn, for ever: so the server ends a session of which it has heard
nothing for a while. Whoever has the turn says something now and then; and when it is gone, because
this process slept too long or the server was started anew, the work under way is ended.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

from chassis.ending import end
from chassis.errors import Fenced
from chassis.postgres.database import CONNECTION_ENDED, Connection, Database

SILENT_S = 30.0
_TAKE = "select pg_try_advisory_lock($1)"

T = TypeVar("T")


class Turn:
    """One process's part in this; `name` says what is done in turn, within the service's database.

    It keeps the work from being done twice at a time, not from being done twice: what must have one
    effect has a fence of its own.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._lock = zlib.crc32(name.encode())
        self._silent_s = SILENT_S
        self._session: Connection | None = None

    async def take(self) -> bool:
        """Try to get the turn; False while another process has it."""
        if self._session is None:
            self._session = await self._database.dedicated("turn", silent_s=self._silent_s)
        try:
            return bool(await self._session.fetchval(_TAKE, self._lock))
        except CONNECTION_ENDED:
            self.give_up()  # whoever waits may have been frozen, too: with a new session then
            return False

    async def hold(self) -> None:
        """Let the server hear of it. Raises Fenced if the turn is lost."""
        gone = Fenced(f"the turn is lost: {self._name}")
        if self._session is None:
            raise gone
        try:
            await self._session.fetchval("select 1", timeout=self._silent_s)
        except CONNECTION_ENDED as error:
            raise gone from error

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this as long as it is this process's turn. Raises Fenced, after the work was ended,
        when it is not any more."""
        working = asyncio.create_task(work)
        holding = asyncio.create_task(self._hold_on())
        try:
            await asyncio.wait((working, holding), return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else holding.result()
        finally:
            await end((working, holding))

    async def _hold_on(self) -> NoReturn:
        while True:
            await self.hold()
            await asyncio.sleep(self._silent_s / 5)

    def give_up(self) -> None:
        """Let another process have it."""
        session, self._session = self._session, None
        if session is not None:
            session.terminate()
