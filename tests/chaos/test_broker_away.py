"""Kafka is away: writes are answered all the time, read models say that they are stale, and then
everything catches up. Half a minute here, three minutes in `make chaos`."""

from __future__ import annotations

import asyncio
import time

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
            keeping_away = asyncio.create_task(keep_away(grounds, seconds))
            await asyncio.sleep(seconds / 2)
            assert await is_stale(ada, asking)
            await keeping_away
            written = len(asking.made) - before
            async with asyncio.timeout(60):
                while not grounds.answers("kafka"):
                    await asyncio.sleep(0.05)
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


async def keep_away(grounds: Grounds, seconds: float) -> None:
    """End the broker whenever it is there; the supervisor starts it again and again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (broker := grounds.process("kafka")) is not None:
            broker.kill()
        await asyncio.sleep(0.1)
