"""Who sees an import, what is kept of its file, and for how long."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chassis.clock import SystemClock
from chassis.http.principal import AGGREGATE, OWN
from chassis.ids import new_id
from chassis.imports.store import Jobs
from chassis.postgres.database import Connection
from chassis.service import WORKER, Service
from chassis.testing.freight import FILE, MANIFEST, MAY, counts, errors, finished, send, start
from chassis.testing.service_bench import Client, running

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def stored(archive: Connection, shipper: Client) -> bytes:
    """Everything that is kept of the imports of a workspace, as one heap."""
    heap = b""
    for table in ("jobs", "uploads", "refusals", "matches", "likenesses"):
        statement = f"select * from imports.{table} where workspace_id = $1"
        for row in await archive.fetch(statement, shipper.principal.workspace):
            for value in row.values():
                heap += value if isinstance(value, bytes) else str(value).encode()
    return heap


async def count(archive: Connection, table: str, shipper: Client) -> int:
    statement = f"select count(*) from imports.{table} where workspace_id = $1"
    found: int = await archive.fetchval(statement, shipper.principal.workspace)
    return found


async def test_whoever_may_run_a_kind_and_sees_all_records_sees_its_imports(
    shipper: Client,
) -> None:
    job = await send(shipper)
    colleague = shipper.other(permissions=MAY)
    assert (await finished(colleague, job["id"]))["created"] == 1
    assert len(await errors(colleague, job)) == 2
    _, listed, _ = await colleague("GET", "/api/v1/imports")
    assert [item["id"] for item in listed["items"]] == [job["id"]]
    await colleague.close()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"permissions": {"imports.run"}}, 404),
        ({"permissions": {"imports.run", "letters.write"}}, 404),
        ({"permissions": {"parcels.write"}}, 403),
        ({"permissions": MAY, "sees": AGGREGATE}, 403),
        ({"permissions": MAY, "sees": OWN}, 404),
        ({"permissions": MAY, "workspace": new_id()}, 404),
    ],
    ids=["no kind", "another kind", "no imports", "figures only", "own records", "elsewhere"],
)
async def test_others_see_neither_an_import_nor_its_rows(
    shipper: Client, changes: dict[str, Any], status: int
) -> None:
    job = await send(shipper)
    other = shipper.other(**changes)
    for path in (f"/{job['id']}", f"/{job['id']}/errors.csv"):
        found, problem, _ = await other("GET", f"/api/v1/imports{path}")
        assert (found, "Bea" in str(problem)) == (status, False)
    found, listed, _ = await other("GET", "/api/v1/imports")
    if status == 403:
        assert found == 403
    else:
        assert (found, listed["items"]) == (200, [])
    await other.close()


async def test_who_sees_their_own_records_sees_the_imports_they_started(shipper: Client) -> None:
    theirs = await send(shipper)
    me = new_id()
    own = shipper.other(permissions=MAY, sees=OWN, owners=[me, new_id()], user_id=me)
    mine = await send(own, FILE.replace(b"Ada", b"Eve"))
    _, listed, _ = await own("GET", "/api/v1/imports")
    assert [item["id"] for item in listed["items"]] == [mine["id"]]
    assert len(await errors(own, mine)) == 2
    _, listed, _ = await shipper("GET", "/api/v1/imports")
    assert [item["id"] for item in listed["items"]] == [mine["id"], theirs["id"]]
    await own.close()


async def test_nothing_that_a_file_says_is_kept_in_clear(
    shipper: Client, archive: Connection, kept_waiting: Any
) -> None:
    async with kept_waiting(shipper):
        _, waiting, _ = await start(shipper)
        heap = await stored(archive, shipper)
        assert await count(archive, "uploads", shipper) == 1
        for said in (b"Ada", b"Bea", b"Oslo", b"secret", b"Remark"):
            assert said not in heap, said
    job = await finished(shipper, waiting["id"])
    heap = await stored(archive, shipper)
    for said in (b"Ada", b"Bea", b"Cleo", b"Atlantis", b"secret", b"Remark"):
        assert said not in heap, said
    assert counts(job) == (1, 0, 2)


@pytest.fixture
def kept_waiting(archive: Connection) -> Any:
    """Nobody takes jobs meanwhile, as if every worker was busy."""

    class Waiting:
        def __init__(self, shipper: Client) -> None:
            self._ask = shipper

        async def __aenter__(self) -> None:
            self._transaction = archive.transaction()
            await self._transaction.start()
            await archive.execute("lock table imports.refusals in access exclusive mode")

        async def __aexit__(self, *_: object) -> None:
            await self._transaction.rollback()

    return Waiting


async def test_the_file_goes_with_the_end_and_rows_with_errors_can_be_fetched(
    shipper: Client, archive: Connection
) -> None:
    job = await send(shipper)
    assert await archive.fetchval(
        "select content is null from imports.uploads where import_id = $1", job["id"]
    )
    assert await count(archive, "matches", shipper) == 0
    assert await errors(shipper, job) == [
        {"Receiver": "Bea Smith", "City": "Atlantis", "Remark": "'=secret", "row": "2"}
        | {"error": "No post goes to Bea Smith."},
        {"Receiver": "Cleo", "City": "Atlantis", "Remark": "", "row": "3"}
        | {"error": "No post goes to Cleo."},
    ]
    clean = await send(shipper, b"Receiver,City\nFay,Oslo\n")
    assert (clean["errors_url"], await errors(shipper, clean)) == (None, [])
    for table in ("uploads", "refusals"):
        statement = f"select count(*) from imports.{table} where import_id = $1"
        assert await archive.fetchval(statement, clean["id"]) == 0
    key = "select key from imports.jobs where id = $1"
    assert await archive.fetchval(key, clean["id"]) is None


async def test_rows_with_errors_are_destroyed_when_their_time_is_over(
    shipper: Client, archive: Connection
) -> None:
    old, new = await send(shipper), await send(shipper)
    await archive.execute(
        "update imports.jobs set finished_at = now() - interval '31 days' where id = $1", old["id"]
    )
    worker = Service(MANIFEST, shipper.settings, SystemClock(), WORKER)
    await worker.start()
    jobs = Jobs(worker.work, "sweeper", worker.keyring)
    await jobs.sweep(shipper.settings.import_errors_days * 24 * 3600)
    await worker.stop()
    assert len(await errors(shipper, new)) == 2
    status, problem, _ = await shipper("GET", f"/api/v1/imports/{old['id']}/errors.csv")
    assert (status, problem["code"]) == (404, "not-kept")
    assert "Send the file again" in problem["detail"]
    _, job, _ = await shipper("GET", f"/api/v1/imports/{old['id']}")
    assert (job["failed"], job["errors_url"]) == (2, None)
    assert await count(archive, "refusals", shipper) == 2
    assert await count(archive, "uploads", shipper) == 1


async def test_a_worker_sweeps_by_itself(
    shipper: Client,
    archive: Connection,
    postgres_dsn: str,
    kafka_bootstrap: str,
    tmp_path: Path,
) -> None:
    job = await send(shipper)
    sweeping = running(MANIFEST, postgres_dsn, kafka_bootstrap, tmp_path, MAY, import_errors_days=0)
    async with sweeping:
        async with asyncio.timeout(10):
            while await count(archive, "refusals", shipper):
                await asyncio.sleep(0.05)
    _, job, _ = await shipper("GET", f"/api/v1/imports/{job['id']}")
    assert job["errors_url"] is None


@pytest.mark.parametrize("erased", ["here", "elsewhere"])
async def test_when_somebody_is_erased_rows_that_may_be_about_them_go(
    shipper: Client, archive: Connection, erased: str
) -> None:
    neighbour = shipper.other(workspace=new_id(), permissions=MAY)
    job, theirs = await send(shipper), await send(neighbour)
    place = (shipper.principal.workspace, new_id(), b"wrapped")
    if erased == "here":
        await archive.execute("insert into log.subject_keys values ($1, $2, $2, $3)", *place)
        await archive.execute("delete from log.subject_keys where subject = $1", place[1])
    else:
        await archive.execute("insert into road.known_keys values ($1, $2, $3)", *place)
        await archive.execute("delete from road.known_keys where key_id = $1", place[1])
    status, problem, _ = await shipper("GET", f"/api/v1/imports/{job['id']}/errors.csv")
    assert (status, problem["code"]) == (404, "not-kept")
    key = "select key from imports.jobs where id = $1"
    assert await archive.fetchval(key, job["id"]) is None
    for table in ("uploads", "refusals"):
        assert await count(archive, table, shipper) == 0
    assert len(await errors(neighbour, theirs)) == 2
    await neighbour.close()


async def test_a_mistake_of_ours_does_not_tell_what_is_in_the_file(shipper: Client) -> None:
    job = await send(shipper, kind="broken")
    assert (job["status"], "Ada" in job["error"]) == ("failed", False)
    assert "ValueError" in job["error"]
