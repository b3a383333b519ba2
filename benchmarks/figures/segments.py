"""How soon a change of a person moves them between segments, how fast a new condition goes through
everybody, and how long the live count of the builder takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import uvloop

from benchmarks.report import Result
from benchmarks.rig import Servers, Stopwatch, say, servers, service
from chassis.decider import handle
from chassis.ids import new_id
from chassis.ports import Context
from chassis.runner import serve
from chassis.service import Service
from contacts.domain.conditions.tree import parse
from contacts.domain.person import PERSON
from contacts.domain.person.commands import AddPerson, Profile, TagPerson
from contacts.domain.segment import SEGMENT, AddSegment
from contacts.manifest import MANIFEST
from contacts.read_models.segments import fetch_all_segments
from contacts.segmenting import store
from contacts.segmenting.looking_up import fetch_fulfilling
from contacts.settings import ContactsSettings
from embedded.ports import free_ports

PEOPLE, SEGMENTS, CHANGES = 1_000_000, 50, 40
CHUNK = 500
CITIES = ("Kiel", "Paris", "London", "Rome", "Oslo")
SINCE = datetime(2026, 1, 2, 12, tzinfo=UTC)


def measure(scale: float) -> list[Result]:
    """Fill a workspace, add segments, change people."""
    return uvloop.run(_measure(max(int(PEOPLE * scale), 1_000)))


async def _measure(count: int) -> list[Result]:
    with servers() as where:
        async with service(MANIFEST, where) as running, _at_work(where):
            context = Context(new_id(), "bench", new_id())
            say(f"segments: adding {count:,} people")
            people = await _people(running, context, count)
            await _until(running, lambda seen: seen >= count, context.workspace)
            say(f"segments: {SEGMENTS} conditions go through everybody")
            with Stopwatch() as watch:
                await _segments(running, context)
                await _evaluated(running, context.workspace)
            rate = count * SEGMENTS / watch.wall_s
            taken_ms = sorted([await _moved(running, context, p) for p in people[:CHANGES]])
            count_ms = await _counted(running, context.workspace)
    return [
        Result(
            f"a change moves a person, {count:,} people, {SEGMENTS} segments, p95",
            taken_ms[int(len(taken_ms) * 0.95)],
            "ms",
            goal=1_000,
            at_most=True,
        ),
        Result("new conditions, people × segments", rate, "evaluations/s"),
        Result(f"live count of a condition, {count:,} people", count_ms, "ms"),
    ]


@asynccontextmanager
async def _at_work(where: Servers) -> AsyncIterator[None]:
    """The contacts service, whole, in this process."""
    given = where.settings().model_dump() | {"listen": f"127.0.0.1:{free_ports(1)[0]}"}
    stop = asyncio.Event()
    task = asyncio.create_task(serve(MANIFEST, ContactsSettings(**given), "both", stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def _people(running: Service, context: Context, count: int) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    for start in range(0, count, CHUNK):
        appends = []
        for number, id_ in enumerate(ids[start : start + CHUNK], start):
            profile = Profile(city=CITIES[number % len(CITIES)], country="DE")
            tags = (f"group {number % SEGMENTS}",)
            command = AddPerson(id_, SINCE, f"Reader {number}", profile=profile, tags=tags)
            appends.append(PERSON.append_of(id_, PERSON.decide(command, None), 0))
        await running.work_log.append_many(context, appends)
    return ids


async def _segments(running: Service, context: Context) -> None:
    """Half of them about a tag, half of them about a city, a line in time and purchases."""
    for number in range(SEGMENTS):
        tag = {"field": "tags", "is": "has", "value": f"group {number}"}
        city = {"field": "city", "is": "is", "value": CITIES[number % len(CITIES)]}
        old = {"field": "purchases.last_at", "is": "not_in_last_days", "value": 90}
        moved = {"field": "tags", "is": "has", "value": "moved"}
        condition = {"any": [moved, tag]} if number % 2 else {"all": [city, old, tag]}
        id_, name = new_id(), f"Segment {number}"
        command = AddSegment(id_, name, "dynamic", running.clock.now(), None, condition)
        await handle(running.work_log, SEGMENT, id_, command, context, new=True)


async def _moved(running: Service, context: Context, person_id: UUID) -> float:
    """From the change until the read model has the membership, in ms."""
    entered = "select count(*) from segment_stays where workspace_id = $1 and person_id = $2"
    async with running.work.connection(None) as connection:
        before = await connection.fetchval(entered, context.workspace, person_id)
        begin = time.perf_counter()
        command = TagPerson("moved", running.clock.now())
        await handle(running.work_log, PERSON, person_id, command, context)
        after = before
        while after == before:
            await asyncio.sleep(0.005)
            after = await connection.fetchval(entered, context.workspace, person_id)
    return (time.perf_counter() - begin) * 1000


async def _counted(running: Service, workspace: UUID) -> float:
    condition = parse(
        {
            "all": [
                {"field": "city", "is": "is", "value": "Kiel"},
                {"not": {"field": "purchases.count", "is": "at_least", "value": 1}},
            ]
        }
    )
    async with running.work.connection(None) as connection:
        with Stopwatch() as watch:
            await fetch_fulfilling(connection, workspace, condition, running.clock.now(), None, 5)
    return watch.wall_s * 1000


async def _until(running: Service, enough: Any, workspace: UUID) -> None:
    """Wait until so many people are known."""
    await running.refresh()
    while True:
        async with running.work.connection(None) as connection:
            known = "select count(*) from traits where workspace_id = $1"
            if enough(await connection.fetchval(known, workspace)):
                return
        await asyncio.sleep(0.1)


async def _evaluated(running: Service, workspace: UUID) -> None:
    """Wait until everybody was looked at for every segment."""
    while True:
        async with running.work.connection(None) as connection:
            rows = await fetch_all_segments(connection, workspace)
            evaluated = await store.fetch_evaluated(connection, workspace)
        if len(rows) == SEGMENTS and all(row["id"] in evaluated for row in rows):
            return
        await asyncio.sleep(0.05)
