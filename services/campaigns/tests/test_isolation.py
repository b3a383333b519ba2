"""Nobody gets into another workspace: by no route of the service, by no statement of its role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from chassis.ids import new_id
from chassis.testing.isolation import BreakIn

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

_TEMPLATE = {"name": "{id}", "subject": "{id}", "html": "<p>{id}</p>"}


@pytest_asyncio.fixture(loop_scope="module")
async def break_in(world: Any, postgres_dsn: str) -> AsyncIterator[BreakIn]:
    await world.person("Zephyr", "zephyr")
    template = await world.template(name="Zephyr news", subject="Zephyr for {{ first_name }}")
    await world.send({"tag": "zephyr"}, template=template, name="Zephyr spring")
    intruder = world.ask.other(workspace=new_id())
    yield BreakIn(
        "campaigns",
        world.ask,
        intruder,
        postgres_dsn,
        marks=("Zephyr", "zephyr"),
        repair=("broadcasts", "broadcast"),
        bodies={
            "POST /api/v1/templates": _TEMPLATE,
            "PUT /api/v1/templates/{template_id}": _TEMPLATE,
            "POST /api/v1/templates/preview": _TEMPLATE,
            "POST /api/v1/audiences/count": {"tag": "zephyr"},
        },
        shared=("sending.server_away",),
    )
    await intruder.close()


async def test_no_route_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_every_route()


async def test_no_statement_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_sql()
