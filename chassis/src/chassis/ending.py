"""Ends tasks for certain, whatever the libraries in them do with a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

_CANCEL_AGAIN_S = 8.0


async def end(tasks: Collection[asyncio.Task[Any]], again_s: float = _CANCEL_AGAIN_S) -> None:
    """Cancel tasks until they have ended, whatever their end; after `again_s` seconds once more.

    Once is not enough: libraries that use `asyncio.wait_for` lose, before Python 3.12, a
    cancellation that arrives together with the result they wait for, and go on as if nothing had
    happened.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s)
    await asyncio.gather(*tasks, return_exceptions=True)
