"""Slows down whoever guesses passwords: a bucket of failed sign-ins per address.

Per process and in memory: it spares identity the work. What really guards an account is identity's
own lock-out, which all processes share.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from chassis.errors import TooManyRequests

_KEPT = 50_000


class SignIns:
    """Every attempt costs one; one that succeeds is given back. The bucket refills with time."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._per_s = per_minute / 60
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def begin(self, address: str) -> None:
        """An attempt begins. Raises TooManyRequests."""
        now = time.monotonic()
        left = self._refilled(address, now)
        if left < 1:
            wait_s = int((1 - left) / self._per_s) + 1
            raise TooManyRequests(
                f"Too many failed sign-ins from your address. Try again in {wait_s} seconds.",
                retry_after_s=wait_s,
            )
        self._put(address, left - 1, now)

    def succeeded(self, address: str) -> None:
        """It was a good one."""
        now = time.monotonic()
        self._put(address, self._refilled(address, now) + 1, now)

    def _refilled(self, address: str, now: float) -> float:
        left, at = self._left.get(address, (self._most, now))
        return min(self._most, left + (now - at) * self._per_s)

    def _put(self, address: str, left: float, now: float) -> None:
        self._left[address] = (min(self._most, left), now)
        self._left.move_to_end(address)
        if len(self._left) > _KEPT:
            self._left.popitem(last=False)
