"""Nobody gets into another workspace: by no route of the service, by no statement of its role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from chassis.testing.isolation import BreakIn
from identity.testing import PASSWORD, Identity, new_email

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def break_in(
    identity: Identity, installation: Identity, postgres_dsn: str
) -> AsyncIterator[BreakIn]:
    administrator = await identity.sign_in()
    _, team, _ = await administrator("POST", "/teams", {"name": "Zephyr team"})
    user = {"name": "Zephyr Hopper", "email": new_email(), "password": PASSWORD}
    more = {"role": "sales_representative", "team_id": team["id"]}
    status, made, _ = await administrator("POST", "/users", {**user, **more})
    assert status == 201, made
    status, made, _ = await administrator(
        "POST", "/api-tokens", {"name": "Zephyr token", "scopes": ["ops"]}
    )
    assert status == 201, made
    elsewhere = await (await installation.another()).sign_in()
    victim, intruder = (
        identity.client.other(
            workspace=UUID(who.principal["workspace"]), user_id=UUID(who.principal["user_id"])
        )
        for who in (administrator, elsewhere)
    )
    yield BreakIn(
        "identity",
        victim,
        intruder,
        postgres_dsn,
        marks=("Zephyr",),
        repair=("users", "user"),
        # The router of imports is the chassis': contacts and pipeline knock at these doors.
        unreached=(
            "GET /api/v1/imports/{import_id}",
            "GET /api/v1/imports/{import_id}/errors",
            "GET /api/v1/imports/{import_id}/errors.csv",
            "GET /api/v1/imports/{import_id}/examples",
        ),
        bodies={
            "POST /api/v1/sessions": {"email": "{id}@example.org", "password": "{id}"},
            "POST /api/v1/users": {
                "name": "{id}",
                "email": "{id}@example.org",
                "role": "sales_representative",
            },
        },
        malformed=("POST /api/v1/imports", "POST /api/v1/imports/preview"),
        shared=("access.attempts",),  # sign-ins that failed: nobody knows yet for which workspace
    )
    await victim.close()
    await intruder.close()


async def test_no_route_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_every_route()


async def test_no_statement_leads_into_another_workspace(break_in: BreakIn) -> None:
    await break_in.by_sql()
