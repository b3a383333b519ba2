"""Runs import jobs: chunk by chunk, each chunk's events and outcome in one transaction."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import structlog
from prometheus_client import Counter as Metric

from chassis.errors import Conflict, DomainError, Fault, Fenced, StaleVersion
from chassis.imports.model import (
    SEVERAL,
    Create,
    Fail,
    ImportKind,
    ImportRow,
    ImportRun,
    Joined,
    Outcome,
    Remove,
    Update,
)
from chassis.imports.parsing import unmarked
from chassis.imports.reading import read
from chassis.imports.sheet import Sheet
from chassis.imports.store import Chunk, Jobs
from chassis.imports.touching import rows_of
from chassis.kafka.topics import partitions_of
from chassis.lane import LIVE
from chassis.ports import Append
from chassis.postgres.database import Connection, Record
from chassis.reactor import INFRASTRUCTURE
from chassis.service import Service
from chassis.telemetry import work

ROWS = Metric("everlog_import_rows", "Rows of files, by what came of them.", ("kind", "outcome"))

log = structlog.get_logger("imports")

_CHUNK_ROWS = 1000
_POLL_S = 0.25
_TRIES = 5
_SETTLE_S = 120.0
_SWEEP_S = 600.0
_DAY_S = 24 * 3600.0


def import_worker(
    kinds: Sequence[ImportKind], name: str = "run_imports"
) -> Callable[[Service], Awaitable[None]]:
    """A worker task that runs the imports of these kinds, one after the other."""
    by_name = {kind.name: kind for kind in kinds}
    for outcome in ("created", "updated", "skipped", "failed"):
        for kind in by_name:
            ROWS.labels(kind, outcome)  # from 0 on, so that the first row is seen as an increase

    async def run_imports(service: Service) -> None:
        jobs = Jobs(service.work, service.instance, service.keyring)
        loop, sweep_at = asyncio.get_running_loop(), 0.0
        while True:
            if loop.time() >= sweep_at:
                await jobs.sweep(service.settings.import_errors_days * _DAY_S)
                sweep_at = loop.time() + _SWEEP_S
            job = await jobs.take(list(by_name))
            if job is None:
                await asyncio.sleep(_POLL_S)
                continue
            await Import(service, jobs, by_name[job["kind"]], job).run()

    run_imports.__name__ = name
    return run_imports


class Import:
    """One job under way in this process."""

    def __init__(self, service: Service, jobs: Jobs, kind: ImportKind, job: Record) -> None:
        self._service = service
        self._jobs = jobs
        self._kind = kind
        self._job = job
        self._notes: Counter[str] = Counter(job["notes"])
        undo = kind.undo if job["undoes"] is not None else None
        self._handle = undo or kind.handle

    async def run(self) -> None:
        """To the end; a refusal of the file as a whole ends the job as failed."""
        job = self._job
        try:
            await caught_up(self._service)
            self._seen = await self._jobs.seen(job)
            run = self._run_of(job["workspace_id"])
            rows = await self._rows()
            if job["undoes"] is None and self._kind.prepare is not None:
                await self._kind.prepare(run, rows)
            left = iter(row for row in rows if row.number > job["position"])
            while chunk := list(islice(left, _CHUNK_ROWS)):
                await self._chunk(run, chunk)
            if not run.dry_run:
                await caught_up(self._service)
        except Fenced:
            return
        except INFRASTRUCTURE:
            raise
        except (DomainError, Fault) as error:
            await self._jobs.finish(job, str(error))
            return
        except Exception as error:
            log.error("import failed", import_id=str(job["id"]), exc_info=error)
            # Not what it says, which may be what is in the file: this is kept in clear.
            await self._jobs.finish(
                job,
                f"The import broke off because of a mistake on our side ({type(error).__name__}). "
                "Quote the import's id in your report; what it has taken so far stays.",
            )
            return
        await self._jobs.finish(job)

    async def _rows(self) -> Iterable[ImportRow]:
        """The rows of the file; of an undoing, the records that the import wrote to."""
        job = self._job
        if job["undoes"] is not None:
            return list(rows_of(await self._jobs.touched(job)))
        sheet = read(await self._jobs.content(job), self._kind.readers)
        preset = self._kind.preset(job["preset"])
        return Rows(sheet, job["mapping"], preset is not None and preset.marked)

    def _run_of(self, workspace: UUID) -> ImportRun:
        job = self._job
        return ImportRun(
            service=self._service,
            id=job["id"],
            workspace=workspace,
            actor=str(job["asked_by"]),
            now=job["asked_at"],
            owners=None if job["owners"] is None else frozenset(map(UUID, job["owners"])),
            dry_run=job["dry_run"],
            position=job["position"],
            options=job["options"],
            seen=self._seen,
            undoes=job["undoes"],
        )

    async def _chunk(self, run: ImportRun, rows: Sequence[ImportRow]) -> None:
        """A chunk is decided and written together; if somebody wrote between, decided again: they
        may have changed a record, or made one that a row was to make (and hold its number)."""
        while rows:
            for attempt in range(_TRIES):
                part, outcomes = await self._decided(run, rows)
                chunk = Chunk.of(run, rows[:part], outcomes[:part], self._seen.hashed)
                try:
                    with work(f"import {self._kind.name}"):
                        await self._write(run, chunk, outcomes[:part])
                    break
                except (StaleVersion, Conflict):
                    if attempt == _TRIES - 1:
                        raise
                    await asyncio.sleep(0.1 * 2**attempt)
            run.settle_fresh()
            rows = rows[part:]

    async def _decided(
        self, run: ImportRun, rows: Sequence[ImportRow]
    ) -> tuple[int, Sequence[Outcome]]:
        """How many rows go together, and what becomes of them; `run` remembers these rows only."""
        run.forget_fresh()
        outcomes = await self._handle(run, rows)
        part = _until_a_stream_repeats(outcomes)
        if part < len(rows):
            run.forget_fresh()
            outcomes = await self._handle(run, rows[:part])
        _check(rows[:part], outcomes)
        return part, outcomes

    async def _write(self, run: ImportRun, chunk: Chunk, outcomes: Sequence[Outcome]) -> None:
        notes = self._notes + chunk.notes

        async def within(connection: Connection) -> None:
            await self._jobs.write(connection, self._job, chunk, notes)

        appends = _appends(outcomes)
        if run.dry_run or not appends:
            await self._jobs.write_alone(self._job, chunk, notes)
        else:
            context = run.context(ImportRow(chunk.position, {}))
            before = self._jobs.sparing(self._job) if run.undoes is not None else None
            log_ = self._service.work_log
            await log_.append_many(context, appends, before=before, within=within)
        if not run.dry_run:
            for outcome, count in chunk.counts.items():
                ROWS.labels(self._kind.name, outcome).inc(count)
        self._notes = notes


def _appends(outcomes: Sequence[Outcome]) -> list[Append]:
    found = (o.append for o in outcomes if isinstance(o, Create | Update | Remove | Fail))
    return [append for append in found if append is not None]


def _check(rows: Sequence[ImportRow], outcomes: Sequence[Outcome]) -> None:
    """Every row has an outcome, and none joins what is never written: it would be lost and yet
    counted. Raises Fault."""
    written: set[int] = set()
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, Create | Update | Remove):
            written.add(row.number)
        elif isinstance(outcome, Joined) and outcome.row not in written:
            raise Fault(f"row {row.number} joins row {outcome.row}, which appends nothing")


def _until_a_stream_repeats(outcomes: Sequence[Outcome]) -> int:
    """How many rows go together: a second change of the same record waits for the first."""
    streams: set[str] = set()
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Create | Update | Remove):
            if outcome.append.stream in streams:
                return number
            streams.add(outcome.append.stream)
    return len(outcomes)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file with the fields of their columns. Every time one goes through them they
    are read anew: a large file is never held as rows."""

    sheet: Sheet
    mapping: Mapping[str, str]
    marked: bool = False

    def __iter__(self) -> Iterator[ImportRow]:
        columns = [
            (index, self.mapping[header])
            for index, header in enumerate(self.sheet.headers)
            if header in self.mapping
        ]
        marked = self.marked
        for number, cells in self.sheet.rows():
            values: dict[str, str] = {}
            for index, field in columns:
                if index < len(cells) and (text := cells[index].strip()):
                    text = unmarked(text, marked) if text[0] == "'" else text
                    values[field] = f"{values[field]}{SEVERAL}{text}" if field in values else text
            yield ImportRow(number, values, cells)


async def caught_up(service: Service) -> None:
    """Wait until everything appended here is on its topic, and the read models are where the
    topics end now. Raises TimeoutError after two minutes."""
    async with asyncio.timeout(_SETTLE_S):
        async with service.work.connection(None) as connection:
            last = await connection.fetchval("select max(position) from log.events") or 0
            waiting = "select exists (select 1 from log.outbox where position <= $1)"
            while await connection.fetchval(waiting, last):  # noqa: ASYNC110 - a table
                await asyncio.sleep(0.05)
        partitions = partitions_of(service.manifest.consumed_topics())
        source = service.open_source(dict.fromkeys(partitions, 0))
        try:
            await source.start()
            ends = await source.ends(partitions)
        finally:
            await source.stop()
        while True:
            state = await service.lanes.open(LIVE, partitions)
            if all(state.offsets[p] >= end for p, end in ends.items()):
                return
            await asyncio.sleep(0.05)
