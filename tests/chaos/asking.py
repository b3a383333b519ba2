"""People who write to one service, each write repeated under its key until it is answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from chassis.ids import new_id
from chassis.testing.service_bench import Client

_PAUSE_S = 0.1
_PATIENCE_S = 8.0
_MOST_S = 120.0

Body = Callable[[int], Any]


@dataclass
class Asking:
    """What was asked for and what came of it. `made`: the ids in the answers, in their order;
    `refused`: how often with which problem; `broken`: answers that should never be given."""

    ask: Client
    path: str
    body: Body
    pause_s: float = 0.01
    made: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    longest_silence_s: float = 0.0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: int = 0
    _answered_at: float = field(default_factory=time.monotonic)

    async def __aenter__(self) -> Asking:
        self._people = [asyncio.create_task(self._person()) for _ in range(3)]
        return self

    async def __aexit__(self, *problem: object) -> None:
        if problem[0] is not None:  # nobody will answer any more
            for person in self._people:
                person.cancel()
            await asyncio.gather(*self._people, return_exceptions=True)
            return
        await self.finish()

    async def finish(self) -> None:
        """Ask for nothing new, and wait for the answers to what was begun."""
        self._stop.set()
        await asyncio.gather(*self._people)

    async def until_answered(self, more: int, within_s: float = 60.0) -> None:
        """Wait until so many more writes were answered."""
        wanted = len(self.made) + more
        async with asyncio.timeout(within_s):
            while len(self.made) < wanted:
                await asyncio.sleep(0.02)

    async def _person(self) -> None:
        while not self._stop.is_set():
            self._asked += 1
            body, key = self.body(self._asked), str(new_id())
            async with asyncio.timeout(_MOST_S):
                while (id_ := await self._once(body, key)) is None:
                    await asyncio.sleep(_PAUSE_S)
            now = time.monotonic()
            self.longest_silence_s = max(self.longest_silence_s, now - self._answered_at)
            self._answered_at = now
            self.made.append(id_)
            await asyncio.sleep(self.pause_s)

    async def _once(self, body: Any, key: str) -> str | None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                status, said, headers = await self.ask("POST", self.path, body, Idempotency_Key=key)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self.refused[type(error).__name__] += 1
            return None
        if status == 201:
            return str(said["id"])
        self.refused[f"{status} {said['code']}"] += 1
        clear = status == 503 and said["detail"] and int(headers.get("Retry-After", 0)) > 0
        if not clear:
            self.broken.append(f"{status} {said}")
        return None


def people(ada: Client, pause_s: float = 0.01) -> Asking:
    """Who enters people into contacts."""
    body = {"last_name": "Lovelace" * 10, "tags": ["x"]}
    return Asking(ada, "/api/v1/contacts", lambda n: {"first_name": f"Ada {n}", **body}, pause_s)
