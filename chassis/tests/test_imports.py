"""Imports on a whole service: every row has an outcome, none is lost or done twice."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psycopg2
import pytest
from sqlalchemy import select

from chassis.errors import BadInput
from chassis.ids import new_id
from chassis.imports import (
    IMPORT_SCHEMA,
    Create,
    Fail,
    ImportField,
    ImportKind,
    ImportRow,
    ImportRun,
    Joined,
    Outcome,
    Skip,
    Update,
    import_router,
    import_worker,
)
from chassis.imports.engine import Rows
from chassis.imports.mapping import check, guess
from chassis.imports.parsing import decode, formula_safe, parse
from chassis.manifest import Manifest
from chassis.ports import Append
from chassis.postgres.statements import fetch
from chassis.service import API
from chassis.testing.parcels import ON_THE_WAY, PARCEL, PARCELS, ParcelScanned, Send
from chassis.testing.service_bench import Client, running

MAY = frozenset({"imports.run", "parcels.write", "events.read", "ops"})
FIELDS = (
    ImportField("receiver", "Receiver", ("Full name",), required=True),
    ImportField("city", "City", ("Town",), required=True),
)


async def handle(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """A parcel per row, one per receiver; nothing goes to Atlantis."""
    async with run.service.work.connection(run.workspace) as connection:
        statement = select(PARCELS.c.receiver).where(PARCELS.c.workspace_id == run.workspace)
        there = {row["receiver"] for row in await fetch(connection, statement)}
    outcomes: list[Outcome] = []
    for row in rows:
        receiver, city = row.values["receiver"], row.get("city")
        if city is None or city == "Atlantis":
            outcomes.append(Fail("No post goes there.", "city"))
        elif receiver in there or receiver in run.seen:
            outcomes.append(Skip("has a parcel"))
        else:
            parcel = new_id()
            run.remember(receiver, parcel)
            events = PARCEL.decide(Send(parcel, new_id(), receiver, city, run.now), None)
            notes = ("city without accents",) if city == "Zurich" else ()
            append = Append(PARCEL.stream(parcel), events, 0, context=run.context(row))
            outcomes.append(Create(append, notes))
    return outcomes


async def handle_scans(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """A scan per row, each city once for a parcel."""
    async with run.service.work.connection(run.workspace) as connection:
        statement = select(PARCELS).where(PARCELS.c.workspace_id == run.workspace)
        parcels = {row["receiver"]: row["parcel_id"] for row in await fetch(connection, statement)}
    outcomes: list[Outcome] = []
    for row in rows:
        parcel, key = parcels[row.values["receiver"]], " ".join(row.values.values())
        if key in run.seen:
            outcomes.append(Skip("scanned there by an earlier row"))
            continue
        run.remember(key, parcel)
        scanned: list[Any] = [ParcelScanned(parcel, row.values["city"], occurred_at=run.now)]
        append = Append(PARCEL.stream(parcel), scanned, None, context=run.context(row))
        outcomes.append(Update(append))
    return outcomes


async def handle_tours(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """A parcel per receiver, and the scans of all its rows in one append."""
    tours: dict[str, list[ImportRow]] = {}
    for row in rows:
        tours.setdefault(row.values["receiver"], []).append(row)
    outcomes: dict[int, Outcome] = {}
    for receiver, stops in tours.items():
        first, *further = stops
        known = run.seen.get(receiver)
        parcel = known or new_id()
        run.remember(receiver, parcel)
        events: list[Any] = []
        if known is None:
            city = first.values["city"]
            events = PARCEL.decide(Send(parcel, new_id(), receiver, city, run.now), None)
        for row in stops:
            events.append(ParcelScanned(parcel, row.values["city"], occurred_at=run.now))
        append = Append(PARCEL.stream(parcel), events, None, context=run.context(first))
        outcomes[first.number] = Create(append)
        joins = 0 if receiver == "Nobody" else first.number
        outcomes |= {row.number: Joined(joins, ("joined",)) for row in further}
    return [outcomes[row.number] for row in rows]


async def handle_late(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """A numbered parcel per row. Somebody else sends one with the first number of the file just
    before the rows are written, and is noticed the next time."""
    outcomes: list[Outcome] = []
    for row in rows:
        number = row.values["city"]
        if number in run.memory:
            outcomes.append(Skip("was sent already"))
            continue
        events = PARCEL.decide(Send(new_id(), new_id(), "Ada", "Oslo", run.now, number), None)
        append = PARCEL.append_of(new_id(), events, 0)
        if row.number == 1:
            run.memory[number] = "sent by somebody else"
            await run.service.work_log.append(run.context(row, ":before"), append)
            append = PARCEL.append_of(new_id(), events, 0)
        outcomes.append(Create(replace(append, context=run.context(row))))
    return outcomes


async def prepare_visits(run: ImportRun, rows: Iterable[ImportRow]) -> None:
    """Look which rows there are, and up to which one they are done."""
    run.memory["found"] = f"{run.position} of {sum(1 for _ in rows)}"


async def handle_visits(run: ImportRun, rows: Sequence[ImportRow]) -> list[Outcome]:
    """Say what was found."""
    return [Skip(f"row {row.number}, {run.memory['found']} were done") for row in rows]


KINDS = (
    ImportKind("visits", FIELDS, "parcels.write", handle_visits, prepare_visits),
    ImportKind("parcels", FIELDS, "parcels.write", handle),
    ImportKind("scans", FIELDS, "parcels.write", handle_scans),
    ImportKind("tours", FIELDS, "parcels.write", handle_tours),
    ImportKind("late", FIELDS, "parcels.write", handle_late),
)
MANIFEST = Manifest(
    "customs",
    deciders=(PARCEL,),
    projections=(ON_THE_WAY,),
    routers=(import_router(KINDS),),
    workers=(import_worker(KINDS),),
    schema=IMPORT_SCHEMA,
)


@pytest.fixture
async def ask(postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[Client]:
    async with running(MANIFEST, postgres_dsn, kafka_bootstrap, tmp_path, MAY) as client:
        yield client


async def send(ask: Client, content: bytes, **fields: str) -> dict[str, Any]:
    """Send a file and wait for the end of its import."""
    form = aiohttp.FormData({"type": "parcels", **fields})
    form.add_field("file", content, filename="parcels.csv")
    status, started = await ask.post_form("/api/v1/imports", form)
    assert status == 202, started
    return await finished(ask, started["id"])


async def finished(ask: Client, import_id: str) -> dict[str, Any]:
    """Wait for the end of an import."""
    async with asyncio.timeout(30):
        while True:
            _, job, _ = await ask("GET", f"/api/v1/imports/{import_id}")
            if job["status"] in ("done", "failed"):
                return dict(job)
            await asyncio.sleep(0.05)


def table(rows: Sequence[Sequence[str]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([["Full name", "Town"], *rows])
    return out.getvalue().encode(encoding)


def counts(job: dict[str, Any]) -> tuple[int, int, int, int, int]:
    return (job["rows"], job["created"], job["updated"], job["skipped"], job["failed"])


@pytest.mark.integration
async def test_every_row_has_an_outcome_and_repeating_changes_nothing(ask: Client) -> None:
    rows = [[f"Person {n}", "London" if n % 10 else "Atlantis"] for n in range(2500)]
    content = table([*rows, ["Person 1", "Paris"], ["Ueli", "Zurich"]])
    dry = await send(ask, content, dry_run="true")
    assert counts(dry) == (2502, 2251, 0, 1, 250)
    first = await send(ask, content)
    assert (first["status"], counts(first)) == ("done", (2502, 2251, 0, 1, 250))
    assert first["notes"] == {"skipped: has a parcel": 1, "city without accents": 1}
    again = await send(ask, content)
    assert counts(again) == (2502, 0, 0, 2252, 250)
    _, feed, _ = await ask("GET", "/api/v1/events?after=2250")
    assert [event["number"] for event in feed["items"]] == [2251]
    assert feed["items"][0]["correlation_id"] == first["id"]


@pytest.mark.integration
async def test_rows_about_the_same_record_are_taken_one_after_the_other(ask: Client) -> None:
    await send(ask, table([["Ada", "London"], ["Bea", "London"]]))
    cities = [["Ada", "Paris"], ["Bea", "Paris"], ["Ada", "Oslo"], ["Ada", "Rome"]]
    job = await send(ask, table([*cities, ["Ada", "Paris"]]), type="scans")
    assert counts(job) == (5, 0, 4, 1, 0)


@pytest.mark.integration
async def test_rows_that_join_an_earlier_one_share_its_append_and_count_as_created(
    ask: Client,
) -> None:
    stops = [[f"Person {n // 10 % 30}", f"City {n}"] for n in range(1200)]
    dry = await send(ask, table(stops), type="tours", dry_run="true")
    job = await send(ask, table(stops), type="tours")
    assert counts(dry) == counts(job) == (1200, 1200, 0, 0, 0)
    assert job["notes"] == {"joined": 1200 - 30 - 20}  # the second chunk speaks of 20 people
    _, feed, _ = await ask("GET", "/api/v1/events?after=1229")
    assert [event["number"] for event in feed["items"]] == [1230]


@pytest.mark.integration
async def test_a_row_that_joins_nothing_ends_the_import_instead_of_being_lost(ask: Client) -> None:
    job = await send(ask, table([["Nobody", "Rome"], ["Nobody", "Oslo"]]), type="tours")
    assert (job["status"], job["created"], job["position"]) == ("failed", 0, 0)
    assert "row 2 joins row 0" in job["error"]


@pytest.mark.integration
async def test_a_record_that_somebody_made_in_between_is_looked_at_again(ask: Client) -> None:
    job = await send(ask, table([["Ada", "p-1"], ["Ada", "p-2"]]), type="late")
    assert counts(job) == (2, 1, 0, 1, 0)


@pytest.mark.integration
async def test_an_import_goes_on_after_the_last_row_that_was_done(
    postgres_dsn: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    rows = table([["Ada", "London"], ["Bea", "London"], ["Cleo", "London"]])
    form = aiohttp.FormData({"type": "visits"})
    form.add_field("file", rows, filename="visits.csv")
    place = postgres_dsn, kafka_bootstrap, tmp_path, MAY
    async with running(MANIFEST, *place, roles=(API,)) as alone:
        _, started = await alone.post_form("/api/v1/imports", form)
    database = f"{postgres_dsn.rpartition('/')[0]}/everlog_{MANIFEST.service}"
    with closing(psycopg2.connect(database)) as connection, connection as transaction:
        transaction.cursor().execute(  # as if a worker had died after row 2
            "update imports.jobs set status = 'running', position = 2, skipped = 2 where id = %s",
            (started["id"],),
        )
    workspace = alone.principal.workspace
    async with running(MANIFEST, *place, workspace=workspace) as ask:
        job = await finished(ask, started["id"])
    assert (job["skipped"], job["notes"]) == (3, {"skipped: row 3, 2 of 3 were done": 1})


@pytest.mark.integration
async def test_failed_rows_come_back_with_their_reason_and_no_formula(ask: Client) -> None:
    job = await send(ask, table([["=cmd()", "Atlantis"], ["Ada", "London"]]))
    text = (await ask.get_text(job["errors_url"])).removeprefix("\ufeff")
    [row] = list(csv.DictReader(io.StringIO(text)))
    assert row == {
        "Full name": "'=cmd()",
        "Town": "Atlantis",
        "row": "1",
        "error": "No post goes there.",
    }


@pytest.mark.integration
async def test_a_file_without_a_required_column_is_refused_at_once(ask: Client) -> None:
    form = aiohttp.FormData({"type": "parcels"})
    form.add_field("file", b"a,b\n1,2\n", filename="x.csv")
    status, problem = await ask.post_form("/api/v1/imports", form)
    assert (status, problem["headers"]) == (422, ["a", "b"])
    assert "Receiver, City" in problem["detail"]
    form = aiohttp.FormData({"type": "unicorns"})
    form.add_field("file", b"a,b\n1,2\n", filename="x.csv")
    status, problem = await ask.post_form("/api/v1/imports", form)
    assert (status, "parcels" in problem["detail"]) == (422, True)


@pytest.mark.integration
async def test_a_preview_shows_columns_samples_and_the_guess(ask: Client) -> None:
    form = aiohttp.FormData({"type": "parcels"})
    form.add_field("file", table([["Zoë", "Köln"]], "cp1252", ";"), filename="x.csv")
    _, preview = await ask.post_form("/api/v1/imports/preview", form)
    assert (preview["encoding"], preview["delimiter"], preview["rows"]) == ("cp1252", ";", 1)
    assert preview["columns"][0] == {"name": "Full name", "samples": ["Zoë"]}
    assert preview["mapping"] == {"Full name": "receiver", "Town": "city"}


def test_text_is_decoded_by_its_mark_or_by_what_it_can_be() -> None:
    assert decode("é".encode("utf-8-sig")) == ("é", "utf-8-sig")
    assert decode("é".encode("utf-16")) == ("é", "utf-16")
    assert decode("é".encode()) == ("é", "utf-8")
    assert decode("é".encode("cp1252")) == ("é", "cp1252")


def test_quotes_newlines_and_empty_rows_are_read_as_written() -> None:
    sheet = parse(b'a;b\r\n"x;1";"two\nlines"\r\n;\r\n3;4\r\n')
    assert list(sheet.rows()) == [(1, ["x;1", "two\nlines"]), (2, ["3", "4"])]


def test_rows_are_read_anew_each_time_with_whatever_ends_their_lines() -> None:
    for end in ("\n", "\r\n", "\r"):
        rows = Rows(parse(f"a,b{end}1, x {end}2,{end}".encode()), {"a": "one", "b": "two"})
        read = [ImportRow(1, {"one": "1", "two": "x"}), ImportRow(2, {"one": "2"})]
        assert list(rows) == list(rows) == read


def test_a_file_that_is_no_table_is_refused() -> None:
    for content in (b"", b"\n\n", b"PK\x03\x04\x00\x00"):
        with pytest.raises(BadInput):
            parse(content)


def test_a_mapping_is_guessed_from_names_and_synonyms_and_checked() -> None:
    assert guess(["TOWN", "full_name"], FIELDS) == {"TOWN": "city", "full_name": "receiver"}
    with pytest.raises(BadInput, match="no field"):
        check({"a": "nowhere"}, ["a"], FIELDS)
    with pytest.raises(BadInput, match="no column"):
        check({"z": "city"}, ["a"], FIELDS)


def test_cells_that_a_spreadsheet_would_run_are_defused() -> None:
    assert [formula_safe(c) for c in ("=1", "+1", "-1", "@x", "a=1")] == [
        "'=1",
        "'+1",
        "'-1",
        "'@x",
        "a=1",
    ]
