"""A new release with other read models: the old ones answer until the new ones are built beside."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from chassis import releases
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.postgres import turns
from chassis.postgres.turns import Turn
from chassis.releases import outdated
from chassis.service import API, WORKER
from chassis.testing.service_bench import Client, at_rest, parts, running
from chassis.testing.turns import SILENT_S, frozen_is_succeeded_and_at_work_is_not

pytestmark = pytest.mark.integration

# A module of its own: a rebuild is started as `python -m warehouse rebuild …`.
WAREHOUSE = '''
"""A service whose second release shouts."""

from collections.abc import Iterable
from typing import Any

from chassis.manifest import Manifest
from chassis.projection import Projection, Put
from chassis.runner import main
from chassis.testing.parcel_routes import SENDING, SHOWING
from chassis.testing.parcels import CITIES, EVENTS, PARCEL, PARCELS, on_the_way

def shouting(recorded: Any) -> Iterable[Any]:
    for change in on_the_way(recorded):
        if isinstance(change, Put) and "city" in change.columns:
            loud = {**change.columns, "city": change.columns["city"].upper()}
            change = Put(change.table, change.key, loud)
        yield change


def release(version: int) -> Manifest:
    project = shouting if version == 2 else on_the_way
    model = Projection("on_the_way", version, EVENTS, (PARCELS, CITIES), project, shared=(CITIES,))
    routers = (SENDING, SHOWING)
    return Manifest("warehouse", deciders=(PARCEL,), projections=(model,), routers=routers)


if __name__ == "__main__":
    main(release(2))
'''


@pytest.fixture
def warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str, kafka_bootstrap: str
) -> Any:
    file = tmp_path / "warehouse.py"
    file.write_text(WAREHOUSE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("EVERLOG_LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("EVERLOG_KAFKA", kafka_bootstrap)
    monkeypatch.setenv("EVERLOG_POSTGRES", postgres_dsn)
    monkeypatch.setenv("EVERLOG_SECRETS", str(tmp_path))
    spec = importlib.util.spec_from_file_location("warehouse", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_readers_have_the_old_read_model_until_the_new_one_is_complete(
    warehouse: Any, postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    workspace = new_id()

    def run(manifest: Manifest) -> Any:
        roles, may = (API, WORKER), frozenset({"ops"})
        servers = (postgres_dsn, kafka_bootstrap, tmp_path)
        return running(manifest, *servers, may, roles=roles, workspace=workspace)

    async with run(warehouse.release(1)) as old:
        _, _, headers = await old("POST", "/api/v1/parcels", {"city": "London"})
        location, token = headers["Location"], headers["Everlog-Token"]
        assert (await old("GET", location, Everlog_Token=token))[1]["city"] == "London"
        watching = asyncio.create_task(_until_another_answers(old, location))
        async with run(warehouse.release(2)) as new:
            assert (await new("GET", location))[1]["city"] == "LONDON"
            assert await watching == {"London"}
            _, _, headers = await new("POST", "/api/v1/parcels", {"city": "Rome"})
            location, token = headers["Location"], headers["Everlog-Token"]
            async with asyncio.timeout(20):  # for the old worker to hand its partitions over
                while (await new("GET", location, Everlog_Token=token))[0] != 200:
                    await asyncio.sleep(0.1)
            assert (await new("GET", location))[1]["city"] == "ROME"
            [errand] = (await new("GET", "/api/v1/ops/errands"))[1]["items"]
            assert (errand["kind"], errand["status"]) == ("rebuild", "done")
            assert await _outdated(warehouse.release(1), old) == []
            assert await _outdated(warehouse.release(2), new) == []


async def test_a_frozen_builder_is_succeeded_and_one_at_work_is_not(
    warehouse: Any,
    postgres_dsn: str,
    kafka_bootstrap: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "SILENT_S", SILENT_S)
    monkeypatch.setattr(releases, "_LOOK_S", 0.1)
    servers = (postgres_dsn, kafka_bootstrap, tmp_path)
    async with (
        at_rest(warehouse.release(1), *servers),
        at_rest(warehouse.release(3), *servers) as service,
    ):
        assert await outdated(service)
        elsewhere = Turn(service.work, "everlog rebuild on_the_way")
        assert await elsewhere.take()  # so that whoever builds has to wait
        keeping = asyncio.create_task(elsewhere.during(asyncio.Event().wait()))
        await frozen_is_succeeded_and_at_work_is_not(
            lambda: releases.turn_of(service), releases.renew(service)
        )
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        elsewhere.give_up()


async def _until_another_answers(old: Client, location: str) -> set[str]:
    """What readers of the old release saw until it was told that it is not the newest any more."""
    seen = set()
    while (await old("GET", "/readyz"))[0] == 200:
        status, parcel, _ = await old("GET", location)
        if status == 200:
            seen.add(parcel["city"])
        await asyncio.sleep(0.02)
    return seen


async def _outdated(manifest: Manifest, client: Client) -> list[str]:
    async with parts(manifest, client.settings) as service:
        return await outdated(service)
