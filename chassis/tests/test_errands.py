"""What operators ask of workers: who may ask for what, who sees it; asking twice is asking once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from chassis.http.principal import INSTALLATION
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.postgres.database import dsn_for
from chassis.service import API
from chassis.testing.parcels import ON_THE_WAY, PARCEL
from chassis.testing.service_bench import MASTER_KEY, Client, running
from chassis.vault import Keyring

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

MANIFEST = Manifest("yard", deciders=(PARCEL,), projections=(ON_THE_WAY,))
OPERATOR = frozenset({"ops"})
REBUILD = {"kind": "rebuild", "read_model": "on_the_way"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def first(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    """An operator of the first workspace. There is no worker: what is asked for stays so."""
    secrets, may = tmp_path_factory.mktemp("secrets"), OPERATOR | {INSTALLATION}
    async with running(
        MANIFEST, postgres_dsn, kafka_bootstrap, secrets, may, roles=(API,)
    ) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def other(first: Client) -> AsyncIterator[Client]:
    """An operator of another workspace."""
    client = first.other(workspace=new_id(), permissions=OPERATOR, name="Eve")
    yield client
    await client.close()


async def ask_for(client: Client, body: Any, **headers: str) -> str:
    status, errand, _ = await client("POST", "/api/v1/ops/errands", body, **headers)
    assert status == 202, errand
    return str(errand["id"])


async def listed(client: Client) -> dict[str, Any]:
    _, found, _ = await client("GET", "/api/v1/ops/errands")
    return {item["id"]: item for item in found["items"]}


async def test_a_repair_is_seen_in_its_own_workspace_only(first: Client, other: Client) -> None:
    for kind in ("retry", "skip"):
        body = {"kind": kind, "read_model": "on_the_way", "stream": f"parcel-{new_id()}"}
        theirs = await ask_for(other, body)
        assert (await listed(other))[theirs]["asked_by"] == "Eve"
        assert theirs not in await listed(first)
        path = f"/api/v1/ops/errands/{theirs}"
        assert [(await who("GET", path))[0] for who in (other, first)] == [200, 404]


async def test_the_database_itself_keeps_repairs_apart(
    first: Client, other: Client, postgres_dsn: str
) -> None:
    body = {"kind": "retry", "read_model": "on_the_way", "stream": f"parcel-{new_id()}"}
    theirs = await ask_for(other, body)
    keyring = Keyring(bytes.fromhex(MASTER_KEY))
    connection = await asyncpg.connect(dsn_for(postgres_dsn, "yard", "api", keyring))
    try:
        for workspace, sees in ((first, 0), (other, 1)):
            id_ = str(workspace.principal.workspace)
            await connection.execute("select set_config('everlog.workspace', $1, false)", id_)
            count = "select count(*) from road.errands where id = $1"
            assert await connection.fetchval(count, theirs) == sees
    finally:
        await connection.close()


async def test_what_concerns_every_workspace_only_the_first_ones_operators_ask_for(
    first: Client, other: Client
) -> None:
    for kind in ("rebuild", "rollback", "build", "compare", "swap", "pause", "resume"):
        body = {"kind": kind, "read_model": "on_the_way"}
        status, problem, _ = await other("POST", "/api/v1/ops/errands", body)
        assert (status, problem["permission"]) == (403, INSTALLATION)
        assert "first workspace" in problem["detail"]
        ours = await ask_for(first, body)
        seen = (await listed(other))[ours]
        assert (seen["kind"], seen["asked_by"]) == (kind, None)
        assert seen["arguments"] == {"read_model": "on_the_way", "stream": None}
        assert (await listed(first))[ours]["asked_by"] == "Ada"


async def test_all_read_models_can_only_be_rebuilt(first: Client) -> None:
    assert await ask_for(first, {"kind": "rebuild", "read_model": "*"})
    for kind in ("pause", "compare", "swap"):
        body = {"kind": kind, "read_model": "*"}
        assert (await first("POST", "/api/v1/ops/errands", body))[0] == 422


async def test_what_a_rebuild_met_in_another_workspace_is_not_told(
    first: Client, other: Client, postgres_dsn: str
) -> None:
    ours = await ask_for(first, REBUILD)
    database = postgres_dsn.rpartition("/")[0] + "/everlog_yard"
    connection = await asyncpg.connect(database)
    await connection.execute(
        "update road.errands set status = 'failed', result = 'parcel-7 of Ada' where id = $1", ours
    )
    await connection.close()
    assert (await listed(first))[ours]["result"] == "parcel-7 of Ada"
    assert "parcel-7" not in str((await listed(other))[ours])
    assert "parcel-7" not in str((await other("GET", f"/api/v1/ops/errands/{ours}"))[1])


async def test_asking_again_with_the_same_key_asks_once(first: Client) -> None:
    key = str(new_id())
    before = len(await listed(first))
    asked = [await ask_for(first, REBUILD, Idempotency_Key=key) for _ in range(3)]
    assert len(set(asked)) == 1
    assert len(await listed(first)) == before + 1
    _, _, headers = await first("POST", "/api/v1/ops/errands", REBUILD, Idempotency_Key=key)
    assert headers["Idempotent-Replayed"] == "true"
    another = {"kind": "rollback", "read_model": "on_the_way"}
    status, problem, _ = await first("POST", "/api/v1/ops/errands", another, Idempotency_Key=key)
    assert (status, problem["code"]) == (422, "idempotency-key-reused")
    assert await ask_for(first, REBUILD) not in asked
