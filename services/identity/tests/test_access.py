"""Tokens as they are written, and operational tables that show one workspace at a time."""

from __future__ import annotations

import pytest

from chassis.clock import SystemClock
from chassis.ids import new_id
from chassis.service import API, Service
from identity import access
from identity.access import API_PREFIX, SESSION_PREFIX, Secret
from identity.manifest import MANIFEST
from identity.testing import Identity


@pytest.mark.parametrize("prefix", [SESSION_PREFIX, API_PREFIX])
def test_a_token_says_its_kind_and_leads_to_its_workspace(prefix: str) -> None:
    workspace = new_id()
    made = Secret.new(prefix, workspace)
    assert made.text.startswith(prefix)
    assert Secret.read(made.text) == made
    assert made.workspace == workspace
    assert Secret.new(prefix, workspace) != made
    assert len(made.hash) == 32


def test_a_repeated_request_gets_the_same_secret() -> None:
    workspace = new_id()
    first, second = (Secret.new(API_PREFIX, workspace, b"x" * 32) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("text", ["", "everlog_", "everlog_s_", "everlog_x_AAAA", "eyJhbGciOi"])
def test_what_is_no_token_is_not_read(text: str) -> None:
    assert Secret.read(text) is None


@pytest.mark.integration
@pytest.mark.asyncio(loop_scope="module")
async def test_requests_see_credentials_and_tokens_of_their_workspace_only(
    installation: Identity, identity: Identity
) -> None:
    await installation.sign_in()
    await identity.sign_in()
    service = Service(MANIFEST, installation.client.settings, SystemClock(), API)
    await service.start()
    try:
        for workspace in (identity.workspace, installation.workspace):
            async with service.api.connection(workspace) as connection:
                for table in ("credentials", "tokens"):
                    rows = await connection.fetch(f"select workspace_id from access.{table}")
                    assert {row["workspace_id"] for row in rows} == {workspace}
        async with service.api.connection(None) as connection:
            assert await connection.fetch("select * from access.credentials") == []
            blind = access.email_hash(service.keyring, identity.email)
            found = await connection.fetch("select * from access.find($1)", blind)
            assert [row["workspace_id"] for row in found] == [identity.workspace]
        async with service.api.connection(identity.workspace) as connection:
            done = await connection.execute(
                "delete from access.tokens where workspace_id = $1", installation.workspace
            )
            assert done == "DELETE 0"
    finally:
        await service.stop()
