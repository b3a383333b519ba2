"""What holds for all that is done in turn, whichever worker does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from chassis.errors import Fenced
from chassis.postgres.turns import Turn

SILENT_S = 0.5
"""To be set for chassis.postgres.turns.SILENT_S: nobody wants to wait for half a minute here."""


async def frozen_is_succeeded_and_at_work_is_not(
    turn: Callable[[], Turn], work: Coroutine[Any, Any, object]
) -> None:
    """`work` waits for its `turn`, which somebody has who is frozen; then it keeps it."""
    frozen, third = turn(), turn()
    assert await frozen.take()  # and not a word from now on, as from a process that is stopped
    working = asyncio.create_task(work)
    try:
        await asyncio.sleep(6 * SILENT_S)
        if working.done():
            raise AssertionError("it has not kept at it") from working.exception()
        assert not await third.take(), "nobody is at work, or one at work has lost the turn"
        with pytest.raises(Fenced):
            await frozen.hold()
    finally:
        for each in (frozen, third):
            each.give_up()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
