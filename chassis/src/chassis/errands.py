"""Carries out what operators ask of a service's workers; the table is queue, progress and audit."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal
from uuid import UUID

import structlog

from chassis.comparing import COMPARES_WITHIN_S, Compared, compare_tables
from chassis.errors import DomainError
from chassis.ids import new_id
from chassis.lane import LIVE
from chassis.parked import Parked
from chassis.postgres.database import Database
from chassis.rebuild import Rebuild, Where
from chassis.service import Service
from chassis.setup import roles_of
from chassis.swapping import is_paused, pause, retire_standbys, swap

log = structlog.get_logger("errands")

Kind = Literal[
    "rebuild", "build", "compare", "swap", "rollback", "pause", "resume", "retry", "skip"
]
"""rebuild   build a read model beside the live one and swap it in (`*`: all, one after the other)
build     build it beside and keep it up, without letting it answer
compare   compare the live one with the one built beside, or with a fold of the log
swap      let the one that stands by answer        rollback  the same: the one before stands by
pause     keep it as it is, the others go on        resume    rebuild it, from then on it is kept up
retry     try a parked sequence again               skip      the same without its first event"""

Told = Callable[[str, int, int], None]
"""Told at which step a rebuild is, how much of it is done, and how much there is in all."""

CONCERN_ONE_WORKSPACE = ("retry", "skip")
EVERY = "*"

_TAKE = """
update road.errands set status = 'running', updated_at = now()
 where id = (select id from road.errands where status = 'asked' order by asked_at
             for update skip locked limit 1)
returning id, kind, arguments
"""
_BEGIN = """
insert into road.errands (id, workspace_id, kind, arguments, asked_by, status)
values ($1, $2, $3, $4, $5, $6)
"""
_SETTLE = """
update road.errands set status = $2, result = $3, updated_at = now() where id = $1
"""
_PROGRESS = """
update road.errands set step = $2, done = $3, total = $4, updated_at = now() where id = $1
"""


async def run_errands(service: Service) -> None:
    """Carry out errands until cancelled; retire generations that nobody will roll back to."""
    while True:
        if not await step(service):
            await retire_standbys(service)
            await asyncio.sleep(0.5)


async def step(service: Service) -> bool:
    """Carry out the next errand; False if there is none."""
    async with service.work.connection(None) as connection:
        row = await connection.fetchrow(_TAKE)
    if row is None:
        return False
    try:
        await _carry_out_and_settle(service, row["id"], row["kind"], row["arguments"])
    except (DomainError, RuntimeError) as error:
        log.info("errand failed", errand=str(row["id"]), error=type(error).__name__)
    return True


async def ask(service: Service, kind: Kind, arguments: dict[str, Any], asked_by: str) -> UUID:
    """Leave an errand for a worker of the service; returns its id."""
    errand_id = new_id()
    workspace = UUID(arguments["workspace"]) if kind in CONCERN_ONE_WORKSPACE else None
    async with service.work.connection(None) as connection:
        await connection.execute(_BEGIN, errand_id, workspace, kind, arguments, asked_by, "asked")
    return errand_id


async def carry_out_now(service: Service, kind: Kind, read_model: str, asked_by: str) -> None:
    """An errand that this worker gives itself, for operators to see. Raises what made it fail."""
    errand_id, arguments = new_id(), {"read_model": read_model}
    async with service.work.connection(None) as connection:
        await connection.execute(_BEGIN, errand_id, None, kind, arguments, asked_by, "running")
    await _carry_out_and_settle(service, errand_id, kind, arguments)


@asynccontextmanager
async def noted(
    service: Service, kind: Kind, read_model: str, asked_by: str
) -> AsyncIterator[UUID]:
    """Keep what somebody does without a worker as an errand, for all operators to see."""
    errand_id, arguments = new_id(), {"read_model": read_model}
    async with service.work.connection(None) as connection:
        await connection.execute(_BEGIN, errand_id, None, kind, arguments, asked_by, "running")
    try:
        yield errand_id
    except BaseException as error:
        await _settle(service, errand_id, "failed", str(error) or repr(error))
        raise
    await _settle(service, errand_id, "done", f"{read_model}: done")


async def _carry_out_and_settle(
    service: Service, errand: UUID, kind: str, arguments: dict[str, Any]
) -> None:
    try:
        result = await _carry_out(service, errand, kind, arguments)
    except (DomainError, RuntimeError) as error:
        await _settle(service, errand, "failed", str(error))
        raise
    except Exception as error:
        await _settle(service, errand, "failed", repr(error))
        raise
    await _settle(service, errand, "done", result)


async def _settle(service: Service, errand: UUID, status: str, result: str) -> None:
    async with service.work.connection(None) as connection:
        await connection.execute(_SETTLE, errand, status, result)


async def _carry_out(service: Service, errand: UUID, kind: str, arguments: dict[str, Any]) -> str:
    name = arguments["read_model"]
    match kind:
        case "rebuild" if name == EVERY:
            return await _rebuild_every(service, errand)
        case "rebuild" | "build" | "compare":
            return await _beside(service, kind, name, errand)
        case "swap" | "rollback":
            return await swap(service, name)
        case "pause":
            return await pause(service, name)
        case "resume":
            if not await is_paused(service, name):
                raise RuntimeError(f"{name} is not paused.")
            return await _beside(service, "rebuild", name, errand)
        case "retry" | "skip":
            workspace, stream = UUID(arguments["workspace"]), arguments["stream"]
            skip = 1 if kind == "skip" else 0
            return str(await parked(service).retry(name, workspace, stream, skip=skip))
        case _:
            raise RuntimeError(f"This release does not know the errand {kind}.")


def parked(service: Service) -> Parked:
    """The parked sequences of a running service."""
    return parked_by(service, service.work)


def parked_by(service: Service, database: Database) -> Parked:
    """The same as one of its roles sees them."""
    return Parked(
        database,
        service.manifest.projections,
        service.codec,
        service.subjects,
        service.open_source,
        service.reacting,
    )


async def _rebuild_every(service: Service, errand: UUID) -> str:
    """All read models, one after the other; one that fails does not keep the others from it."""
    names = [projection.name for projection in service.manifest.projections]
    failed = []
    for number, name in enumerate(names, start=1):
        try:
            await _beside(service, "rebuild", name, errand, label=f"{number}/{len(names)} {name}: ")
        except RuntimeError as error:
            failed.append(f"{name}: {error}")
    if failed:
        done = len(names) - len(failed)
        raise RuntimeError(f"{done} of {len(names)} were rebuilt. {'; '.join(failed)}")
    return f"{len(names)} read models were rebuilt"


async def _beside(service: Service, how: str, name: str, errand: UUID, label: str = "") -> str:
    """In a process of its own: the live lane keeps its processor."""
    told = ("--how", how, "--errand", str(errand), "--label", label)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        service.manifest.service,
        "rebuild",
        name,
        *told,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(os.environ),
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    lines = output.decode(errors="replace").strip().splitlines()
    if process.returncode != 0:
        raise RuntimeError(lines[-1] if lines else f"exit status {process.returncode}")
    await service.refresh()
    return lines[-1] if lines else how


async def rebuild(
    service: Service, name: str, errand: UUID | None = None, told: Told | None = None
) -> int:
    """Rebuild a read model in this process; returns the new generation's number."""
    return await rebuilding(service, name, errand, told=told).run()


async def compare(
    service: Service, name: str, errand: UUID | None = None, label: str = ""
) -> list[Compared]:
    """Compare a read model with the one that was built beside and is kept up; if there is none,
    with a fold of the log. The live lane stands still meanwhile."""
    projection = service.manifest.projection(name)
    patiently = service.work.connection(None, patience_s=COMPARES_WITHIN_S)
    async with patiently as connection, connection.transaction():
        await connection.execute("select from road.offsets where lane = $1 for update", LIVE)
        beside = await connection.fetchval(
            "select max(generation) from road.generations "
            "where name = $1 and status = 'standby' and version = $2",
            name,
            projection.version,
        )
        if beside is not None:
            return await compare_tables(connection, projection, beside)
    return await rebuilding(service, name, errand, label).compare()


def rebuilding(
    service: Service,
    name: str,
    errand: UUID | None = None,
    label: str = "",
    told: Told | None = None,
) -> Rebuild:
    """A rebuild of a read model, not begun yet; it notes its progress with the errand, if any."""

    async def report(step_: str, done: int, total: int) -> None:
        if told is not None:
            told(step_, done, total)
        if errand is not None:
            async with service.work.connection(None) as connection:
                await connection.execute(_PROGRESS, errand, label + step_, done, total)

    where = Where(
        service.dsn("worker"),
        service.work,
        roles_of(service.manifest.service)[0],
        service.codec,
        service.subjects,
        service.open_source,
    )
    return Rebuild(service.manifest.projection(name), where, report)
