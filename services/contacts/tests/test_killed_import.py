"""kill -9 in the middle of an import, of changing many, and of taking that back: each goes on."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from joserfc.jwk import OKPKey

from chassis.http.principal import Principal, sign
from chassis.ids import new_id
from chassis.setup import prepare
from chassis.testing.service_bench import MASTER_KEY, Client
from contacts.manifest import MANIFEST
from contacts.settings import ContactsSettings
from embedded.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

MAY = frozenset({"contacts.read", "contacts.write", "imports.run"})
ROWS = 6000
BAD = 60


class Killable:
    """Contacts as a process of its own, and somebody who asks it."""

    def __init__(self, ask: Client, environment: Mapping[str, str], log: Path) -> None:
        self.ask = ask
        self._environment = environment
        self._log = log

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Until it is killed, at the end at the latest."""
        with self._log.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "contacts", "both"],
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=log,
            )
        try:
            yield started
        finally:
            started.kill()
            started.wait()

    async def job(self, import_id: str, path: str = "imports") -> dict[str, Any]:
        """How far the import is, as soon as the process answers."""
        async with asyncio.timeout(60):
            while True:
                try:
                    status, job, _ = await self.ask("GET", f"/api/v1/{path}/{import_id}")
                    if status == 200:
                        return dict(job)
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)


@pytest_asyncio.fixture(loop_scope="module")
async def killable(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path
) -> AsyncIterator[Killable]:
    key = OKPKey.generate_key("Ed25519")
    (tmp_path / "master.key").write_text(MASTER_KEY)
    (tmp_path / "verify.pem").write_bytes(key.as_pem(private=False))
    await prepare(MANIFEST, postgres=postgres_dsn, kafka=kafka_bootstrap, secrets=tmp_path)
    settings = ContactsSettings(
        listen=f"127.0.0.1:{free_port()}",
        kafka=kafka_bootstrap,
        postgres=postgres_dsn,
        secrets=tmp_path,
    )
    environment = {
        "EVERLOG_LISTEN": settings.listen,
        "EVERLOG_KAFKA": kafka_bootstrap,
        "EVERLOG_POSTGRES": postgres_dsn,
        "EVERLOG_SECRETS": str(tmp_path),
    }
    principal = Principal(new_id(), new_id(), "Ada", "administrator", MAY)
    token = sign(key, principal, now=time.time(), lifetime_s=600)
    ask = Client(settings, token, principal, key)
    yield Killable(ask, environment, tmp_path / "log")
    await ask.close()


def content(rows: int = ROWS) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["First name", "E-mail", "Remark"])
    for n in range(rows):
        bad = n % (rows // BAD) == 0
        writer.writerow([f"Person {n}", "bad@" if bad else f"p{n}@x.example", f"row {n + 1}"])
    return out.getvalue().encode()


async def sent(ask: Client, rows: int = ROWS) -> str:
    form = aiohttp.FormData({"type": "contacts"})
    form.add_field("file", content(rows), filename="people.csv")
    status, started = await ask.post_form("/api/v1/imports", form)
    assert status == 202, started
    return str(started["id"])


async def ready(ask: Client) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await ask("GET", "/readyz"))[0] == 200:
                    return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


async def test_a_killed_import_loses_no_row_and_takes_none_twice(killable: Killable) -> None:
    ask = killable.ask
    with killable.running():
        await ready(ask)
        import_id = await sent(ask)
        while not (before := await killable.job(import_id))["position"]:
            await asyncio.sleep(0.02)
    assert 0 < before["position"] < ROWS, "it was killed in the middle"
    with killable.running():
        async with asyncio.timeout(120):
            while (job := await killable.job(import_id))["status"] not in ("done", "failed"):
                await asyncio.sleep(0.2)
        assert (job["status"], job["created"], job["failed"]) == ("done", ROWS - BAD, BAD)
        text = (await ask.get_text(job["errors_url"])).removeprefix("\ufeff")
        errors = list(csv.DictReader(io.StringIO(text)))
        assert [row["Remark"] for row in errors] == [f"row {row['row']}" for row in errors]
        assert len(errors) == BAD
        again = await sent(ask)
        while (job := await killable.job(again))["status"] not in ("done", "failed"):
            await asyncio.sleep(0.2)
        assert (job["created"], job["skipped"], job["failed"]) == (0, ROWS - BAD, BAD)
        status, undoing, _ = await ask("POST", f"/api/v1/imports/{import_id}/undo")
        assert status == 202, undoing
        while not (before := await killable.job(undoing["id"]))["position"]:
            await asyncio.sleep(0.02)
    assert 0 < before["position"] < before["rows"], "its undoing was killed in the middle, too"
    with killable.running():
        async with asyncio.timeout(120):
            while (job := await killable.job(undoing["id"]))["status"] not in ("done", "failed"):
                await asyncio.sleep(0.2)
        assert (job["status"], job["removed"], job["rows"]) == ("done", ROWS - BAD, ROWS - BAD)


async def test_a_killed_change_of_many_leaves_nobody_out_and_changes_nobody_twice(
    killable: Killable,
) -> None:
    ask, rows = killable.ask, ROWS // 2
    people = rows - BAD
    bulk = "contacts/bulk"
    with killable.running():
        await ready(ask)
        import_id = await sent(ask, rows)
        while (await killable.job(import_id))["status"] != "done":
            await asyncio.sleep(0.2)
        body = {"filter": {}, "action": {"add_tag": "VIP"}}
        status, started, _ = await ask("POST", f"/api/v1/{bulk}", body)
        assert status == 202, started
        while not (before := await killable.job(started["id"], bulk))["done"]:
            await asyncio.sleep(0.02)
    assert 0 < before["done"] < before["total"] == people, "it was killed in the middle"
    with killable.running():
        async with asyncio.timeout(120):
            while (job := await killable.job(started["id"], bulk))["status"] != "done":
                await asyncio.sleep(0.2)
        assert (job["changed"], job["unchanged"], job["failed"]) == (people, 0, 0)
        _, undoing, _ = await ask("POST", f"/api/v1/{bulk}/{started['id']}/undo")
        while not (before := await killable.job(undoing["id"], bulk))["done"]:
            await asyncio.sleep(0.02)
    assert 0 < before["done"] < people, "its undoing was killed in the middle, too"
    with killable.running():
        async with asyncio.timeout(120):
            while (job := await killable.job(undoing["id"], bulk))["status"] != "done":
                await asyncio.sleep(0.2)
        assert (job["changed"], job["unchanged"], job["failed"]) == (people, 0, 0)
        assert (await ask("GET", "/api/v1/tags"))[1]["items"] == []
        _, page, _ = await ask("GET", "/api/v1/contacts?limit=200")
        assert {each["version"] for each in page["items"]} == {3}, "added, tagged, untagged: once"
