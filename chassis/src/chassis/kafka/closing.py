"""Stops aiokafka's clients, for a bounded time, without letting their cancellations out.

A client that is stopped cancels its own tasks and waits for them. One that is just pausing, because
its broker is away, then ends with a cancellation, and aiokafka lets that one out to whoever stopped
the client: who would take it for his own, and end in silence.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

_HANG_UP_S = 2.0

log = structlog.get_logger("kafka")


async def leave(client: Any, connections: Any, *, patience_s: float) -> None:
    """Stop a client; one that does not stop in `patience_s` seconds is hung up on.

    `connections`: what the client talks to the brokers with.
    """
    if await _ended(client.stop(), patience_s):
        return
    log.warning("a client was hung up on", client=type(client).__name__)
    await _ended(connections.close(), _HANG_UP_S)


async def _ended(work: Any, patience_s: float) -> bool:
    """Whether it came to a good end in time. It runs as a task of its own: how that ends is not
    how this one ends."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=patience_s)
    finally:
        task.add_done_callback(_seen)
        task.cancel()
    return task.done() and not task.cancelled() and task.exception() is None


def _seen(task: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more: whatever it ends with is not reported as forgotten."""
    if not task.cancelled():
        task.exception()
