"""Hashes passwords with argon2id, off the event loop and only so many at a time.

Every hash takes tens of megabytes and milliseconds: without a bound a burst of sign-ins would take
the memory of the machine.
"""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 2
_MEMORY_KIB = 32 * 1024
_ROUNDS = 2


class Hashing:
    """One per process."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_ROUNDS, memory_cost=_MEMORY_KIB, parallelism=1)
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, kept: str, password: str) -> bool:
        """Whether it is the password."""
        async with self._turn:
            return await asyncio.to_thread(self._matches, kept, password)

    async def match_nobody(self, password: str) -> None:
        """Takes as long as `matches`: so that an unknown address answers no faster."""
        if self._nobodys is None:
            self._nobodys = await self.hash("nobody has this password")
        await self.matches(self._nobodys, password)

    def is_outdated(self, kept: str) -> bool:
        """Whether it was hashed with less effort than is usual now."""
        return self._hasher.check_needs_rehash(kept)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
