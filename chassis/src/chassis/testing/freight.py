"""A service that imports parcels, for the tests of imports; and somebody who sends it files."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import aiohttp

from chassis.ids import new_id
from chassis.imports import (
    IMPORT_SCHEMA,
    Create,
    Fail,
    ImportField,
    ImportKind,
    ImportRow,
    ImportRun,
    Outcome,
    Skip,
    import_router,
    import_worker,
)
from chassis.imports.likeness import likeness, recall, repeats
from chassis.manifest import Manifest
from chassis.testing.parcels import ON_THE_WAY, PARCEL, Send
from chassis.testing.service_bench import Client

FIELDS = (ImportField("receiver", "Receiver", required=True), ImportField("city", "City"))
MAY = frozenset({"imports.run", "parcels.write"})
_REPEATS = "repeats"


async def prepare(run: ImportRun, rows: Iterable[ImportRow]) -> None:
    """Which rows say what others have said."""
    run.memory[_REPEATS] = repeats(rows)


async def handle(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """A parcel per row and never twice; nothing goes to Atlantis."""
    before = run.memory[_REPEATS]
    alike = {row.number: likeness(run, "parcels", row, before.get(row.number, 0)) for row in rows}
    made = await recall(run, "parcels", alike.values())
    outcomes: list[Outcome] = []
    for row in rows:
        parcel, receiver = new_id(), row.values["receiver"]
        if row.get("city") == "Atlantis":
            outcomes.append(Fail(f"No post goes to {receiver}.", "city"))
        elif alike[row.number] in made:
            outcomes.append(Skip("imported before"))
        else:
            run.remember(f"receiver {receiver}", parcel)
            run.recognise(alike[row.number], parcel)
            events = PARCEL.decide(Send(parcel, parcel, receiver, "Oslo", run.now), None)
            append = PARCEL.append_of(parcel, events, 0)
            outcomes.append(Create(replace(append, context=run.context(row))))
    return outcomes


async def break_off(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """A mistake in the code, with what the file says in its message."""
    raise ValueError(f"cannot read {rows[0].values['receiver']}")


KINDS = (
    ImportKind("parcels", FIELDS, "parcels.write", handle, prepare),
    ImportKind("letters", FIELDS, "letters.write", handle, prepare),
    ImportKind("broken", FIELDS, "parcels.write", break_off),
)
MANIFEST = Manifest(
    "freight",
    deciders=(PARCEL,),
    projections=(ON_THE_WAY,),
    routers=(import_router(KINDS),),
    workers=(import_worker(KINDS),),
    schema=IMPORT_SCHEMA,
)
FILE = b"Receiver,City,Remark\nAda Lovelace,Oslo,x\nBea Smith,Atlantis,=secret\nCleo,Atlantis\n"


async def start(
    ask: Client, content: bytes = FILE, kind: str = "parcels", **headers: str
) -> tuple[int, Any, Any]:
    """Send a file: (status, body, headers). Headers: underscores stand for dashes."""
    form = aiohttp.FormData({"type": kind})
    form.add_field("file", content, filename="parcels.csv")
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with ask.session.post(f"{ask.base}/api/v1/imports", data=form, headers=sent) as response:
        return response.status, await response.json(), response.headers


async def finished(ask: Client, import_id: str) -> dict[str, Any]:
    """Wait for the end of an import."""
    async with asyncio.timeout(30):
        while True:
            status, job, _ = await ask("GET", f"/api/v1/imports/{import_id}")
            assert status == 200, job
            if job["status"] in ("done", "failed"):
                return dict(job)
            await asyncio.sleep(0.05)


async def send(ask: Client, content: bytes = FILE, kind: str = "parcels") -> dict[str, Any]:
    """Send a file and wait for the end of its import."""
    status, started, _ = await start(ask, content, kind)
    assert status == 202, started
    return await finished(ask, started["id"])


def counts(job: dict[str, Any]) -> tuple[int, int, int]:
    """Created, skipped, failed."""
    return job["created"], job["skipped"], job["failed"]


async def errors(ask: Client, job: dict[str, Any]) -> list[dict[str, str]]:
    """The rows that failed, as they can be fetched."""
    text = (await ask.get_text(f"/api/v1/imports/{job['id']}/errors.csv")).removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))
