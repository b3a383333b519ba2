"""How long to wait after wrong passwords: the lock-out of an account. Pure.

The same for addresses that nobody has, so that a lock says nothing about who is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FREE = 5
"""So many wrong ones in a row cost nothing."""
_FIRST_S = 30
_LONGEST_S = 15 * 60
_FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Wrong sign-ins in a row for one address."""

    failures: int = 0
    last_at: datetime | None = None
    locked_until: datetime | None = None

    def wait_s(self, now: datetime) -> int:
        """For how long no attempt is taken; 0 if one is."""
        if self.locked_until is None or self.locked_until <= now:
            return 0
        return int((self.locked_until - now).total_seconds()) + 1

    def failed(self, now: datetime) -> Attempts:
        """After one more wrong one. Each beyond the free ones doubles the lock."""
        forgotten = self.last_at is None or now - self.last_at > _FORGOTTEN_AFTER
        failures = 1 if forgotten else self.failures + 1
        if failures < FREE:
            return Attempts(failures, now)
        lock_s = min(_LONGEST_S, _FIRST_S * 2 ** min(failures - FREE, 10))
        return Attempts(failures, now, now + timedelta(seconds=lock_s))
