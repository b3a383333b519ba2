"""Processes of every kind die while people write: nothing is lost, nothing is doubled.

`make chaos` lets longer storms rage, with every fault there is, frozen processes among them.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from everlog.testing import EmbeddedPlatform, Platform, visiting_alone
from tests.chaos.faults import BY_NAME
from tests.chaos.storm import WRITES_BETWEEN, differences, rage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(290)]

SEED = 20_261_124
SERVICES = 5
CATCHES_UP_WITHIN_S = 60.0
SHORT = (
    "kill -9 pipeline",
    "kill -9 kafka",
    "kill -9 a backend of postgres",
    "kill -9 analytics",
    "postgres -m immediate",
    "kill -9 gateway",
)


async def test_no_answered_write_is_lost_or_doubled(platform: Platform) -> None:
    if not isinstance(platform, EmbeddedPlatform):
        pytest.skip("needs the processes: in containers they are the engine's")
    async with visiting_alone(platform, name="Storm") as visitor:
        storm = await rage(platform, visitor, [BY_NAME[name] for name in SHORT], SEED)
        print(storm.table())
        assert storm.ledger.contradictions == []
        assert await differences(visitor, storm.ledger) == []
        assert len(storm.ledger.all()) > len(SHORT) * WRITES_BETWEEN
    await every_service_catches_up(platform)
    [checked] = platform.everlog("verify", "--service", "pipeline")
    assert checked["verified"], checked


async def every_service_catches_up(platform: Platform) -> None:
    """Those that nobody asked anything, too: no worker stays dead in a process that lives."""
    limit, behind = time.monotonic() + CATCHES_UP_WITHIN_S, ["not asked yet"]
    while behind:
        assert time.monotonic() < limit, behind
        standings = await asyncio.to_thread(platform.everlog, "lag")
        assert len(standings) == SERVICES
        behind = [
            f"{standing['service']} {lane['lane']} {lane['topic']}: {lane['lag_events']}"
            for standing in standings
            for lane in standing["lanes"]
            if lane["lag_events"] != 0
        ]
