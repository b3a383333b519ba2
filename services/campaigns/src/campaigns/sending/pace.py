"""Keeps a pace: so many a second at most, evenly."""

from __future__ import annotations

from datetime import datetime, timedelta

from chassis.clock import Clock


class Pace:
    """Shared by everybody who has to keep it."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._gap = timedelta(seconds=1 / per_second)
        self._next: datetime | None = None

    async def wait(self) -> None:
        """Wait for one's turn."""
        now = self._clock.now()
        turn = max(now, self._next) if self._next is not None else now
        self._next = turn + self._gap
        if turn > now:
            await self._clock.sleep((turn - now).total_seconds())
