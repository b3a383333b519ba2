"""Steady writes through the gateway: each is repeated under its key until it is answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from chassis.ids import new_id
from everlog.testing import Visitor
from tests.chaos.ledger import Ledger, Promise

_PATIENCE_S = 8.0
_PAUSE_S = 0.15
_UNANSWERED = frozenset({0, 429, 500, 502, 503, 504})


class Writers:
    """Several people at work in one workspace, for as long as the storm lasts."""

    def __init__(self, visitor: Visitor, url: str, ledger: Ledger, seed: int) -> None:
        self._token = visitor.token
        self._url = url
        self._ledger = ledger
        self._chance = random.Random(seed)
        self._session: aiohttp.ClientSession
        self._last_answer = time.monotonic()
        self.longest_silence_s = 0.0
        self.unanswered: Counter[str] = Counter()
        self.stop = asyncio.Event()

    async def work(self, people: int, weather: Callable[[], Awaitable[None]]) -> None:
        """Write while the weather lasts; then finish what was begun."""
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_PATIENCE_S),
            headers={"Authorization": f"Bearer {self._token}"},
        ) as self._session:
            busy = [asyncio.create_task(self._person()) for _ in range(people)]
            try:
                await weather()
            finally:
                self.stop.set()
                await asyncio.gather(*busy)

    async def _person(self) -> None:
        ledger = self._ledger
        while not self.stop.is_set():
            contact = self._promise("/api/v1/contacts", {"first_name": f"Ada {new_id()}"})
            ledger.contacts.append(contact)
            await self._keep(contact)
            amount = self._chance.randrange(100, 100_000)
            value = {"amount_minor": amount, "currency": "EUR"}
            body = {"title": "Storm", "value": value, "contact_id": contact.id}
            deal = self._promise("/api/v1/deals", body)
            ledger.deals.append(deal)
            await self._keep(deal)
            if self._chance.random() < 0.5:
                win = self._promise(f"/api/v1/deals/{deal.id}/win", {})
                ledger.wins.append(win)
                await self._keep(win)
                ledger.amount_won_minor += amount

    def _promise(self, path: str, body: Any) -> Promise:
        return Promise(str(new_id()), path, body)

    async def _keep(self, promise: Promise) -> None:
        """Ask until it is answered, and now and then once more afterwards."""
        async with asyncio.timeout(180):
            while not await self._ask(promise):
                await asyncio.sleep(_PAUSE_S)
        if self._chance.random() < 0.1:
            await self._ask(promise)

    async def _ask(self, promise: Promise) -> bool:
        promise.attempts += 1
        status, body = await self._post(promise)
        if status in _UNANSWERED:
            why = f"{status} {(body or {}).get('code', '')} {promise.path.split('/')[3]}".strip()
            self.unanswered[why] += 1
            return False
        if status not in (200, 201):
            raise AssertionError(f"{promise.path} was refused: {status} {body}")
        now = time.monotonic()
        self.longest_silence_s = max(self.longest_silence_s, now - self._last_answer)
        self._last_answer = now
        self._ledger.answered(promise, str(body["id"]))
        return True

    async def _post(self, promise: Promise) -> tuple[int, Any]:
        headers = {"Idempotency-Key": promise.key}
        try:
            async with self._session.post(
                self._url + promise.path, json=promise.body, headers=headers
            ) as response:
                return response.status, await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, None
