"""Export and the replays' cache on real servers, over the chassis' little domain of parcels."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psycopg2
import pytest
from pyarrow import parquet

from chassis.clock import SystemClock
from chassis.decider import handle
from chassis.ids import new_id
from chassis.manifest import Manifest
from chassis.ports import Context
from chassis.service import WORKER, Service
from chassis.testing.contracts import NOON, travel
from chassis.testing.parcels import ON_THE_WAY, PARCEL, Forget
from chassis.testing.service_bench import Client, running
from embedded.errors import Trouble
from everlog.history.exporting import Export, Exported, export
from everlog.history.origins import store_of
from everlog.history.register import entries
from everlog.history.selection import Selection, select
from everlog.history.topic import Topic
from everlog.history.writing import target_of
from everlog.home import Home
from everlog.output import Report
from everlog.replay.cache import clear_files, kept_files

pytestmark = pytest.mark.integration

# With the read model that other tests keep in this database.
MANIFESTS = {"parcels": Manifest("parcels", deciders=(PARCEL,), projections=(ON_THE_WAY,))}
QUIET = Report(as_json=True)


class Parcels:
    """A running service of parcels, and the home of its operator."""

    def __init__(self, ask: Client, service: Service, home: Home, dsn: str) -> None:
        self.home = home
        self.workspace = ask.principal.workspace
        self._ask = ask
        self._service = service
        self._dsn = dsn
        self._context = Context(self.workspace, "user-1", new_id())

    async def send(self, *cities: str) -> UUID:
        """A parcel that is scanned in these cities."""
        return await travel(self._service.log, self._context, *cities)

    async def forget(self, parcel: UUID) -> None:
        """Erase its receiver."""
        await handle(self._service.log, PARCEL, parcel, Forget(NOON), self._context)

    async def published(self, count: int) -> None:
        """Until so many events of this workspace are in the feed."""
        async with asyncio.timeout(20):
            while (await self._ask("GET", "/api/v1/events?limit=1"))[1]["head"] < count:
                await asyncio.sleep(0.02)

    async def admin(self, statement: str) -> Any:
        """What the superuser of the database answers."""
        connection = await asyncpg.connect(self._dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    @property
    def mine(self) -> Selection:
        """What happened in this workspace."""
        return Selection(("parcels",), workspaces=(self.workspace,))

    async def export(self, path: Path | str, **more: Any) -> Exported:
        """Export what happened in this workspace."""
        selection = replace(self.mine, types=tuple(more.pop("types", ())))
        target = target_of(str(path), None, overwrite=True)
        asked = Export(selection, target, **more)
        return await asyncio.to_thread(export, self.home, asked, MANIFESTS, QUIET)

    async def kept(self) -> list[Path]:
        """The files of the cache, brought up to date."""
        found = await asyncio.to_thread(kept_files, self.home, ["parcels"], QUIET)
        return found["parcels"]

    async def rows(self) -> list[dict[str, Any]]:
        """What the cache has of this workspace, in the order of the feed."""
        return self.of(await self.kept())

    def of(self, paths: Sequence[Path]) -> list[dict[str, Any]]:
        """What these files have of this workspace, in the order of the feed."""
        rows = [row for path in paths for row in parquet.read_table(path).to_pylist()]
        mine = [row for row in rows if row["workspace"] == str(self.workspace)]
        return sorted(mine, key=lambda row: row["feed_number"] or 0)


@pytest.fixture
async def parcels(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path
) -> AsyncIterator[Parcels]:
    home = Home(tmp_path, 1, {"EVERLOG_POSTGRES": postgres_dsn, "EVERLOG_KAFKA": kafka_bootstrap})
    home.secrets.mkdir()
    may = frozenset({"events.read"})
    manifest = MANIFESTS["parcels"]
    async with running(manifest, postgres_dsn, kafka_bootstrap, home.secrets, may) as client:
        service = Service(manifest, client.settings, SystemClock(), WORKER)
        await service.start()
        dsn = f"{postgres_dsn.rsplit('/', 1)[0]}/everlog_parcels"
        yield Parcels(client, service, home, dsn)
        await service.stop()


async def test_an_export_has_every_event_in_order_and_nothing_about_persons(
    parcels: Parcels,
) -> None:
    first = await parcels.send("Paris", "Rome")
    await parcels.send()
    await parcels.published(4)
    path = parcels.home.path / "all.parquet"
    done = await parcels.export(path)
    rows = parquet.read_table(path).to_pylist()
    assert done.events == {"parcels": 4}
    assert [row["feed_number"] for row in rows] == [1, 2, 3, 4]
    assert [row["version"] for row in rows if row["stream"] == f"parcel-{first}"] == [1, 2, 3]
    assert {row["occurred_at"] for row in rows} == {NOON}
    assert rows[0]["key_id"] is not None
    assert rows[1]["key_id"] is None
    body = json.loads(rows[0]["body"])
    assert body["city"] == "London"
    assert body.keys() & {"receiver", "sealed"} == set()


async def test_clear_text_is_for_the_key_and_the_erased_stay_erased(parcels: Parcels) -> None:
    gone = await parcels.send()
    await parcels.send()
    await parcels.forget(gone)
    await parcels.published(3)
    path = parcels.home.path / "clear.jsonl"
    await parcels.export(path, clear=True, types=["parcels.parcel-sent.v1"])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["data"]["receiver"] for line in lines] == ["[erased]", "Ada Lovelace"]
    [noted] = entries(parcels.home)
    assert (noted["clear"], noted["status"], noted["events"]) == (True, "done", 2)
    assert noted["selection"]["types"] == ["parcels.parcel-sent.v1"]
    (parcels.home.secrets / "master.key").unlink()
    with pytest.raises(Trouble, match="master key"):
        await parcels.export(path, clear=True)


async def test_kafka_gives_the_same_events_as_the_store(parcels: Parcels) -> None:
    gone = await parcels.send("Paris")
    await parcels.send("Rome", "Oslo")
    await parcels.forget(gone)
    await parcels.published(6)
    paths = [parcels.home.path / f"{name}.parquet" for name in ("store", "kafka")]
    await parcels.export(paths[0], clear=True)
    await parcels.export(paths[1], clear=True, from_kafka=True)
    store, kafka = (
        sorted(parquet.read_table(path).to_pylist(), key=lambda row: row["id"]) for path in paths
    )
    for row in (*store, *kafka):
        del row["feed_number"]
    assert store == kafka


async def test_what_is_on_kafka_twice_is_exported_once(parcels: Parcels) -> None:
    await parcels.send("Paris")
    await parcels.published(2)
    await parcels.admin(
        "insert into log.outbox select position, workspace_id from log.events "
        f"where workspace_id = '{parcels.workspace}'"
    )
    await parcels.send()
    await parcels.published(3)

    def found() -> list[int]:
        with Topic("parcels", parcels.home.kafka) as topic:
            return [len(batch) for batch in topic.batches(parcels.mine)]

    assert sum(await asyncio.to_thread(found)) == 3


async def test_one_type_has_its_fields_as_columns(parcels: Parcels) -> None:
    parcel = await parcels.send("Paris")
    await parcels.published(2)
    path = parcels.home.path / "sent.parquet"
    await parcels.export(path, types=["parcels.parcel-sent.v1"])
    [row] = parquet.read_table(path).to_pylist()
    assert (row["parcel_id"], row["city"], row["number"]) == (str(parcel), "London", None)
    assert "receiver" not in row
    await parcels.export(path, clear=True, types=["parcels.parcel-sent.v1"])
    [row] = parquet.read_table(path).to_pylist()
    assert row["receiver"] == "Ada Lovelace"


async def test_times_select_by_what_happened_or_by_what_was_recorded(parcels: Parcels) -> None:
    await parcels.send("Paris")
    selections = {
        "2026-03-02 occurred": {"since": "2026-03-02", "until": "2026-03-02", "by": "occurred"},
        "2026-03-01 occurred": {"until": "2026-03-01", "by": "occurred"},
        "2026-03-02 recorded": {"until": "2026-03-02", "by": "recorded"},
        "as of 2026-03-01": {"as_of": "2026-03-01"},
    }

    def counts() -> dict[str, int]:
        with store_of(parcels.home, "parcels") as store:
            return {
                name: store.count(
                    select(MANIFESTS, workspaces=[str(parcels.workspace)], **given)  # type: ignore[arg-type]
                )
                for name, given in selections.items()
            }

    assert NOON.date().isoformat() == "2026-03-02"
    assert list((await asyncio.to_thread(counts)).values()) == [2, 0, 0, 0]


async def test_reading_cannot_write(parcels: Parcels) -> None:
    def write() -> None:
        with store_of(parcels.home, "parcels") as store:
            store.fetch("delete from road.offsets returning 1")

    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        await asyncio.to_thread(write)


async def test_reading_can_stop_in_the_middle_and_fails_aloud(parcels: Parcels) -> None:
    await parcels.send("Paris")

    def stop() -> int:
        with store_of(parcels.home, "parcels") as store:
            batches = store.batches(parcels.mine)
            found = len(next(batches))
            batches.close()
            with pytest.raises(psycopg2.Error):
                list(store._copied("from log.events e join nothing using (position)", []))
            return found

    assert await asyncio.to_thread(stop) == 2


async def test_the_cache_fetches_only_what_is_new(parcels: Parcels) -> None:
    await parcels.send("Paris")
    await parcels.published(2)
    assert [row["feed_number"] for row in await parcels.rows()] == [1, 2]
    before = {path: path.stat().st_mtime_ns for path in await parcels.kept()}
    await parcels.send()
    await parcels.published(3)
    assert [row["feed_number"] for row in await parcels.rows()] == [1, 2, 3]
    after = await parcels.kept()
    assert len(after) == len(before) + 1
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert await parcels.kept() == after


async def test_many_small_parts_become_one(parcels: Parcels) -> None:
    for number in range(1, 15):
        await parcels.send()
        await parcels.published(number)
        await parcels.kept()
    paths = await parcels.kept()
    assert len(paths) < 12
    assert [row["feed_number"] for row in parcels.of(paths)] == list(range(1, 15))
    folder = parcels.home.path / "replay" / "parcels"
    former = set(folder.glob("*.parquet")) - set(paths)
    assert former, "another replay may be reading them"
    for path in former:
        os.utime(path, (0, 0))
    assert set(await parcels.kept()) == set(paths) == set(folder.glob("*.parquet"))


@pytest.mark.parametrize("what", ["restored", "damaged", "removed", "from another release"])
async def test_the_cache_begins_anew_when_it_is_not_the_log_any_more(
    parcels: Parcels, what: str
) -> None:
    await parcels.send("Paris")
    await parcels.published(2)
    [part] = await parcels.kept()
    state = part.with_name("state.json")
    match what:
        case "restored":
            await parcels.admin("select log.number_anew()")
        case "damaged":
            part.write_bytes(part.read_bytes()[:-1])
        case "removed":
            part.unlink()
        case _:
            state.write_text(json.dumps(json.loads(state.read_text()) | {"layout": 0}))
    assert [row["feed_number"] for row in await parcels.rows()] == [1, 2]
    assert part.exists()


async def test_clear_text_is_gone_after_the_replay(parcels: Parcels) -> None:
    await parcels.send()
    await parcels.published(1)
    left_over = parcels.home.path / "replay" / "clear-999999999-x"
    left_over.mkdir(parents=True)

    def look() -> list[dict[str, Any]]:
        with clear_files(parcels.home, ["parcels"], MANIFESTS, QUIET) as files:
            return parcels.of(files["parcels"])

    [row] = await asyncio.to_thread(look)
    assert json.loads(row["body"])["receiver"] == "Ada Lovelace"
    assert list((parcels.home.path / "replay").iterdir()) == []


async def test_a_database_that_is_away_is_told(parcels: Parcels) -> None:
    home = Home(parcels.home.path, 1, {"EVERLOG_POSTGRES": "postgresql://127.0.0.1:1/postgres"})
    with pytest.raises(Trouble, match="does not answer"), store_of(home, "parcels"):
        raise AssertionError("nobody is there")
