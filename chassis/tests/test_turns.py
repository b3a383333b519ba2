"""Turns: one process at a time, whoever is killed or frozen, and whoever wakes up too late."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import pytest

from chassis.errors import Fenced
from chassis.ids import new_id
from chassis.postgres import turns
from chassis.postgres.turns import Turn
from chassis.testing.road import Road

pytestmark = pytest.mark.integration

SILENT_S = 0.6
HOLDER = f"""
import asyncio, sys
from chassis.errors import Fenced
from chassis.postgres import turns
from chassis.postgres.database import Database

async def main():
    turns.SILENT_S = {SILENT_S}
    database = Database(sys.argv[1], name="holder")
    await database.start()
    turn = turns.Turn(database, sys.argv[2])
    assert await turn.take()
    print("mine", flush=True)
    try:
        await turn.during(asyncio.Event().wait())
    except Fenced as error:
        print(error, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def name() -> str:
    return f"work {new_id()}"


@pytest.fixture
async def holder(road: Road, name: str) -> AsyncIterator[Process]:
    """A process whose turn it is, and which is at work."""
    command = (sys.executable, "-c", HOLDER, road.worker._dsn, name)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert await said(process) == "mine"
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def said(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return (await process.stdout.readline()).decode().strip()


async def has_it(turn: Turn, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await turn.take():
            await asyncio.sleep(0.05)


async def test_whoever_is_at_work_keeps_the_turn_and_whoever_is_frozen_does_not(
    road: Road, name: str, holder: Process
) -> None:
    heir = Turn(road.worker, name)
    with pytest.raises(TimeoutError):
        await has_it(heir, within_s=3 * SILENT_S)
    holder.send_signal(signal.SIGSTOP)
    await has_it(heir)
    holder.send_signal(signal.SIGCONT)
    assert await said(holder) == f"the turn is lost: {name}"
    await heir.hold()
    heir.give_up()


async def test_the_turn_of_a_process_that_is_killed_is_free(
    road: Road, name: str, holder: Process
) -> None:
    heir = Turn(road.worker, name)
    holder.kill()
    await has_it(heir)
    heir.give_up()


async def test_work_ends_when_the_turn_is_lost(
    road: Road, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SILENT_S", SILENT_S)
    turn, ended = Turn(road.worker, name), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    assert await turn.take()
    working = asyncio.create_task(turn.during(work()))
    await asyncio.sleep(0.1)
    assert turn._session is not None
    turn._session.terminate()
    async with asyncio.timeout(10):
        with pytest.raises(Fenced, match="the turn is lost"):
            await working
    assert ended.is_set()
    with pytest.raises(Fenced):
        await turn.hold()


async def test_what_work_returns_or_raises_comes_through(road: Road, name: str) -> None:
    turn = Turn(road.worker, name)
    assert await turn.take()

    async def work(fails: bool) -> int:
        if fails:
            raise ValueError("no")
        return 7

    assert await turn.during(work(fails=False)) == 7
    with pytest.raises(ValueError, match="no"):
        await turn.during(work(fails=True))
    turn.give_up()
