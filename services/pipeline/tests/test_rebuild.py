"""Read models that are rebuilt from the topic are what they were, to the byte."""

from __future__ import annotations

from typing import Any

import pytest

from chassis.clock import SystemClock
from chassis.errands import rebuild
from chassis.ids import new_id
from chassis.postgres.generations import schema_of
from chassis.service import WORKER, Service
from chassis.testing.projections import History
from pipeline.domain.pipeline import PipelineDesigned
from pipeline.manifest import MANIFEST
from pipeline.testing.lives import SALES, lives, on

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_a_rebuilt_read_model_equals_the_live_one(shop: Any, publish: Any) -> None:
    ask, others = shop
    workspace = ask.principal.workspace
    pipeline_id = new_id()
    designed = PipelineDesigned(
        pipeline_id=pipeline_id, name="Other", stages=SALES.stages, occurred_at=on(1)
    )
    many = lives(3, workspace, 40)
    await publish([[History(workspace).add("pipeline", pipeline_id, designed)], *many])
    await others.users("Grace Hopper")
    await others.companies("Acme")
    person, _ = await others.person("Ada", "Lovelace")
    tokens = [await others.erased(person), *(f"{r[-1].stream}@{r[-1].version}" for r in many)]
    _, _, headers = await ask("POST", "/api/v1/products", {"name": "Atlas"})
    tokens.append(headers["Everlog-Token"])
    await ask.fresh("/api/v1/deals", ",".join(tokens))
    worker = Service(MANIFEST, ask.settings, SystemClock(), WORKER)
    await worker.start()
    try:
        for projection in MANIFEST.projections:
            before = await _live(worker, projection.name)
            after = await rebuild(worker, projection.name)
            for table in projection.tables:
                pair = [f"{schema_of(projection.name, g)}.{table.name}" for g in (before, after)]
                rows = [await _rows(worker, name, workspace) for name in pair]
                assert rows[0], f"{table.name} is empty: nothing is compared"
                assert rows[0] == rows[1], table.name
    finally:
        await worker.stop()


async def _live(worker: Service, name: str) -> int:
    async with worker.work.connection(None) as connection:
        found: int = await connection.fetchval(
            "select generation from road.generations where name = $1 and status = 'live'", name
        )
    return found


async def _rows(worker: Service, table: str, workspace: Any) -> list[str]:
    async with worker.work.connection(None) as connection:
        rows = await connection.fetch(
            f"select t::text as line from {table} t where workspace_id = $1 order by 1", workspace
        )
    return [row["line"] for row in rows]
