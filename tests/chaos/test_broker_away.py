"""Kafka is away: writes are answered all the time, read models say that they are stale, and then
everything catches up. Half a minute here, three minutes in `make chaos`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest

from chassis.testing.service_bench import Client
from tests.chaos.asking import people
from tests.chaos.grounds import Grounds
from tests.chaos.reckoning import all_shown, everything_is_there_once, is_stale
from tests.chaos.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

UNNOTICED_S = 5.0
"""No writer waits so long for an answer. On an idle machine it is some tens of milliseconds."""
CATCHES_UP_WITHIN_S = 60.0


@pytest.mark.parametrize("seconds", [30, pytest.param(180, marks=pytest.mark.long)])
async def test_writes_are_answered_while_the_broker_is_away_and_are_all_there_afterwards(
    grounds: Grounds, contacts: Site, ada: Client, seconds: int
) -> None:
    with contacts.process("both"):
        await contacts.ready(ada)
        async with people(ada, pause_s=0.1) as asking:
            await asking.until_answered(10)
            before = len(asking.made)
            async with away(grounds):
                await asyncio.sleep(seconds / 2)
                assert await is_stale(ada, asking)
                await asyncio.sleep(seconds / 2)
                written = len(asking.made) - before
            back = time.monotonic()
            await all_shown(contacts, ada, asking, CATCHES_UP_WITHIN_S)
            took = time.monotonic() - back
            print(
                f"Kafka away for {seconds} s: {written} writes answered meanwhile, longest wait "
                f"{asking.longest_silence_s:.2f} s; caught up {took:.1f} s after it was back"
            )
            assert written > seconds
            assert asking.longest_silence_s < UNNOTICED_S
            assert not asking.refused
            await everything_is_there_once(contacts, ada, asking)


@asynccontextmanager
async def away(grounds: Grounds) -> AsyncIterator[None]:
    """Without a broker, which the supervisor starts again and again; afterwards it is back."""
    keeping = asyncio.create_task(keep_away(grounds))
    try:
        yield
    finally:
        keeping.cancel()
        async with asyncio.timeout(60):
            while not grounds.answers("kafka"):
                await asyncio.sleep(0.05)


async def keep_away(grounds: Grounds) -> NoReturn:
    """End the broker whenever it is there."""
    while True:
        if (broker := grounds.process("kafka")) is not None:
            broker.kill()
        await asyncio.sleep(0.1)
