"""A file that is sent again: once is enough, and rows that nothing tells apart are known."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from chassis.ids import new_id
from chassis.postgres.database import Connection
from chassis.service import WORKER
from chassis.testing.freight import FILE, MANIFEST, MAY, counts, finished, send, start
from chassis.testing.service_bench import Client, running

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_a_file_that_is_sent_again_with_the_same_key_is_one_import(shipper: Client) -> None:
    key = str(new_id())
    first = await start(shipper, Idempotency_Key=key)
    again = [await start(shipper, Idempotency_Key=key) for _ in range(2)]
    assert {(status, body["id"]) for status, body, _ in again} == {(202, first[1]["id"])}
    assert {headers["Idempotent-Replayed"] for _, _, headers in again} == {"true"}
    assert {headers["Location"] for _, _, headers in (first, *again)} == {
        f"/api/v1/imports/{first[1]['id']}"
    }
    _, listed, _ = await shipper("GET", "/api/v1/imports")
    assert len(listed["items"]) == 1
    status, problem, _ = await start(shipper, FILE + b"Gil,Oslo\n", Idempotency_Key=key)
    assert (status, problem["code"]) == (422, "idempotency-key-reused")
    assert (await start(shipper))[1]["id"] != first[1]["id"]


async def test_rows_without_any_key_are_known_by_all_they_say(shipper: Client) -> None:
    content = b"Receiver,City\nAda,Oslo\nBea,Oslo\n ada ,OSLO\nAda,Oslo\n"
    assert counts(await send(shipper, content)) == (4, 0, 0)
    assert counts(await send(shipper, content)) == (0, 4, 0)
    # One that is alike more often than before is new, in whatever order they stand.
    more = b"City,Receiver,Remark\nOslo,Bea,x\nOslo,Ada,\nOslo,Cleo,\nOslo,Bea,\n"
    assert counts(await send(shipper, more)) == (2, 2, 0)
    elsewhere = shipper.other(workspace=new_id(), permissions=MAY)
    assert counts(await send(elsewhere, content)) == (4, 0, 0)
    await elsewhere.close()


async def test_what_was_only_checked_is_not_known(shipper: Client) -> None:
    form = aiohttp.FormData({"type": "parcels", "dry_run": "true"})
    form.add_field("file", FILE, filename="x.csv")
    _, started = await shipper.post_form("/api/v1/imports", form)
    assert counts(await finished(shipper, started["id"])) == (1, 0, 2)
    assert counts(await send(shipper)) == (1, 0, 2)


async def test_two_imports_of_the_same_rows_at_once_make_no_doubles(
    shipper: Client, postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    rows = b"".join(b"Person %d,Oslo\n" % n for n in range(1500))
    roles = (WORKER,)
    async with running(MANIFEST, postgres_dsn, kafka_bootstrap, tmp_path, MAY, roles=roles):
        started = [await start(shipper, b"Receiver,City\n" + rows) for _ in range(2)]
        jobs = [await finished(shipper, body["id"]) for _, body, _ in started]
    assert sum(job["created"] for job in jobs) == 1500
    assert sum(job["skipped"] for job in jobs) == 1500


async def test_an_erased_record_is_not_known_by_its_row(
    shipper: Client, archive: Connection
) -> None:
    await send(shipper, b"Receiver,City\nAda,Oslo\nBea,Oslo\n")
    statement = "select record from imports.likenesses where workspace_id = $1 limit 1"
    record = await archive.fetchval(statement, shipper.principal.workspace)
    await archive.execute(
        "insert into log.subject_keys values ($1, $2, $3, 'wrapped')"
        "on conflict (workspace_id, subject) do nothing",
        shipper.principal.workspace,
        record,
        new_id(),
    )
    await archive.execute("delete from log.subject_keys where subject = $1", record)
    left = "select count(*) from imports.likenesses where workspace_id = $1"
    assert await archive.fetchval(left, shipper.principal.workspace) == 1
    assert counts(await send(shipper, b"Receiver,City\nAda,Oslo\nBea,Oslo\n")) == (1, 1, 0)
