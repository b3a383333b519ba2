"""Starts aiokafka's clients so that a cancellation in the middle leaves no open connection behind.

A client that is just connecting has a connection which nobody knows yet: cancelled there, it
forgets to close it, and stopping the client afterwards does not help. So its start is brought to
its end first, for a bounded time.
"""

from __future__ import annotations

import asyncio
from typing import Any

_PATIENCE_S = 3.0


async def begin(client: Any) -> None:
    """Start a client. Cancelled, it is started to the end first; stop it then as usual."""
    starting = asyncio.ensure_future(client.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait({starting}, timeout=_PATIENCE_S)
        if not starting.done():
            starting.cancel()
        elif not starting.cancelled():
            starting.exception()  # seen: nobody waits for it any more
        raise
