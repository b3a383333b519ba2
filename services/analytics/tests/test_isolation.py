"""Nobody gets into another workspace: by no route of the service, by no statement of its role."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from analytics.testing.bench import principal
from analytics.testing.story import Story
from chassis.http.principal import sign
from chassis.ids import new_id
from chassis.testing.isolation import BreakIn
from chassis.testing.service_bench import Client

pytestmark = pytest.mark.integration
MAY = ("analytics.read", "events.read", "ops")


@pytest.fixture
async def break_in(running: Any, story: Story, postgres_dsn: str) -> AsyncIterator[BreakIn]:
    story.company("Zephyr Books")
    story.product("Zephyr atlas")
    story.user("Zephyr Hopper")
    deal = story.deal(9_876_543_200, on="2018-01-02")
    deal.win("2018-01-10")
    seen = await running.publish(story)
    who = principal(story.workspace, permissions=MAY)
    token = sign(running.key, who, now=time.time(), lifetime_s=600)
    victim = Client(running.settings, token, who, running.key)
    _, answer, _ = await victim("GET", "/api/v1/kpis/revenue_won", Everlog_Token=seen)
    assert answer["value"] == 98_765_432
    intruder = victim.other(workspace=new_id())
    yield BreakIn(
        "analytics",
        victim,
        intruder,
        postgres_dsn,
        marks=("Zephyr", "98765432"),
        names=("revenue_won",),
        shared=("live.stream",),
        repair=("deal_closed", "deal"),
    )
    await victim.close()
    await intruder.close()


async def test_no_route_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_every_route()


async def test_no_statement_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_sql()
