"""The only place that asks the machine for the time; everything else is handed a Clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time (UTC) and waits."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the place

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SetClock:
    """A clock that stands still until it is moved: for tests and for replays of the past."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def move(self, delta: timedelta) -> None:
        """Move the time on."""
        self._at += delta

    async def sleep(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)
        await asyncio.sleep(0)
