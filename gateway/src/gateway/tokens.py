"""Exchanges session and API tokens for signed ones at identity; remembers them for half a minute.

A token that was revoked therefore stops working here within that time; at once if the revocation
came through this gateway (`forget_all`).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chassis.errors import Unauthenticated, Unavailable

PREFIX = "everlog_"
_KEPT = 10_000
_KEPT_FOR_S = 30.0
_MARGIN_S = 10.0
_LONGEST = 200


class Told(Protocol):
    """What identity answered."""

    @property
    def status(self) -> int: ...

    def json(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A signed token and whom it stands for. `session`: the session's id, None for API tokens."""

    jwt: str
    principal: Mapping[str, Any]
    session: str | None
    fresh_until: float


class Tokens:
    """`exchange` asks identity. Simultaneous requests with the same secret ask once."""

    def __init__(self, exchange: Callable[[str], Awaitable[Told]]) -> None:
        self._exchange = exchange
        self._kept: OrderedDict[str, Exchanged] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Exchanged]] = {}
        self._generation = 0

    async def of(self, secret: str) -> Exchanged:
        """The signed token for a secret. Raises Unauthenticated, Unavailable."""
        kept = self._kept.get(secret)
        if kept is not None and kept.fresh_until > time.monotonic():
            return kept
        if not secret.startswith(PREFIX) or len(secret) > _LONGEST:
            raise _no_good()
        asking = self._asking.get(secret)
        if asking is None:
            asking = self._asking[secret] = asyncio.create_task(self._ask(secret))
            asking.add_done_callback(lambda done: self._asked(secret, done))
        return await asyncio.shield(asking)

    def _asked(self, secret: str, task: asyncio.Task[Exchanged]) -> None:
        if self._asking.get(secret) is task:
            del self._asking[secret]
        if not task.cancelled():
            task.exception()  # seen, even if everybody who waited has left

    def forget_all(self) -> None:
        """Ask anew for everybody: something about users or their tokens has changed."""
        self._kept.clear()
        self._asking.clear()
        self._generation += 1

    async def _ask(self, secret: str) -> Exchanged:
        generation = self._generation
        answer = await self._exchange(secret)
        if answer.status == 401:
            self._kept.pop(secret, None)
            raise _no_good()
        if answer.status != 200:
            raise Unavailable("Sign-in cannot be checked at the moment. Try again shortly.")
        told = answer.json()
        left_s = min(_KEPT_FOR_S, told["expires_in_s"] - _MARGIN_S)
        exchanged = Exchanged(
            told["token"], told["principal"], told["session"], time.monotonic() + left_s
        )
        if generation == self._generation:
            self._kept[secret] = exchanged
            self._kept.move_to_end(secret)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return exchanged


def _no_good() -> Unauthenticated:
    return Unauthenticated(
        "The token is unknown, has expired or was revoked. Sign in again (POST /api/v1/sessions) "
        "or make a new API token under Settings.",
        code="token-invalid",
    )
