"""Nobody gets into another workspace: by no route of the service, by no statement of its role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from chassis.ids import new_id
from chassis.testing.isolation import BreakIn
from pipeline.testing.desk import Deals, send

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def break_in(shop: Any, postgres_dsn: str) -> AsyncIterator[BreakIn]:
    victim, others = shop
    deals = Deals(victim)
    (owner,), users = await others.users("Zephyr Hopper")
    (company,), companies = await others.companies("Zephyr Books")
    person, people = await others.person("Zephyr", "Lovelace")
    for token in (users, companies, people):
        deals.tokens |= dict([token.rsplit("@", 1)])
    product = await deals.write("POST", "/products", {"name": "Zephyr", "series": "Zephyr"})
    await deals.open(
        title="Zephyr deal",
        owner_id=str(owner),
        company_id=str(company),
        contact_id=str(person),
        product_id=product["id"],
    )
    await send(victim, "products", "Name\nZephyr map\n;;;bad\n")
    intruder = victim.other(workspace=new_id())
    yield BreakIn(
        "pipeline",
        victim,
        intruder,
        postgres_dsn,
        marks=("Zephyr",),
        repair=("deal_list", "deal"),
        bodies={
            "POST /api/v1/deals": {
                "title": "{id}",
                "value": {"amount_minor": 1, "currency": "EUR"},
                "contact_id": "{id}",
                "company_id": "{id}",
                "owner_id": "{id}",
                "product_id": "{id}",
            },
            "POST /api/v1/pipelines": {"name": "{id}", "template": "sales"},
        },
        malformed=("POST /api/v1/imports", "POST /api/v1/imports/preview"),
    )
    await intruder.close()


async def test_no_route_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_every_route()


async def test_no_statement_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_sql()
