"""The first administrator is made once, and can always get in; on real servers."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from chassis.clock import SystemClock
from chassis.service import BOTH, Service
from identity import access
from identity.housekeeping import make_first_administrator
from identity.manifest import MANIFEST
from identity.testing import PASSWORD, Identity

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def make_again(installation: Identity) -> None:
    service = Service(MANIFEST, installation.client.settings, SystemClock(), BOTH)
    await service.start()
    try:
        await make_first_administrator(service)
    finally:
        await service.stop()


async def count(postgres_dsn: str, installation: Identity, statement: str) -> int:
    connection = await asyncpg.connect(postgres_dsn.rpartition("/")[0] + "/everlog_identity")
    try:
        found: int = await connection.fetchval(statement, installation.workspace)
    finally:
        await connection.close()
    return found


EVENTS = "select count(*) from log.events where workspace_id = $1"


async def test_starting_again_makes_nothing_again(
    installation: Identity, postgres_dsn: str
) -> None:
    before = await count(postgres_dsn, installation, EVENTS)
    await asyncio.gather(make_again(installation), make_again(installation))
    assert await count(postgres_dsn, installation, EVENTS) == before == 3


async def test_a_password_that_was_changed_stays(installation: Identity) -> None:
    admin = await installation.sign_in()
    body = {"current": PASSWORD, "new": "another fine long password"}
    assert (await admin("POST", "/me/password", body))[0] == 200
    await make_again(installation)
    assert (await installation.sign_in(password=body["new"])).principal == admin.principal


async def test_credentials_that_were_lost_are_set_again(
    installation: Identity, postgres_dsn: str
) -> None:
    lost = "with gone as (delete from access.credentials where workspace_id = $1 returning 1) "
    assert await count(postgres_dsn, installation, lost + "select count(*) from gone") == 1
    await make_again(installation)
    await installation.sign_in()


async def test_what_has_expired_is_cleared_away(installation: Identity, postgres_dsn: str) -> None:
    await installation.sign_in()
    expire = (
        "with old as (update access.tokens set expires_at = now() - interval '1 minute' "
        "where workspace_id = $1 returning 1) select count(*) from old"
    )
    assert await count(postgres_dsn, installation, expire) >= 1
    service = Service(MANIFEST, installation.client.settings, SystemClock(), BOTH)
    await service.start()
    try:
        async with service.work.connection(None) as connection:
            await access.tidy(connection, service.clock.now())
    finally:
        await service.stop()
    left = "select count(*) from access.tokens where workspace_id = $1"
    assert await count(postgres_dsn, installation, left) == 0
