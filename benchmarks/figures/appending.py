"""How many single events a second are appended through `handle()`, against eventsourcing (PyPI)."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import uvloop

from benchmarks.orders import MANIFEST, ORDER, placed
from benchmarks.report import Result
from benchmarks.rig import ROOT, Servers, say, servers, service
from chassis.clock import SystemClock
from chassis.decider import handle
from chassis.ids import new_id
from chassis.ports import Context
from chassis.postgres.database import Database
from chassis.postgres.event_log import PostgresEventLog
from chassis.postgres.keys import PostgresSubjects

WRITERS, PEER_THREADS, SECONDS = 16, 8, 8.0
_PEERS = Path(__file__).parents[1] / "peers"
_PEER_VENV = ROOT / ".tools" / "bench-peers"


def measure(scale: float) -> list[Result]:
    """Appends per second, ours and theirs, one after the other on the same PostgreSQL."""
    seconds = max(SECONDS * min(scale, 1.0), 2.0)
    with servers() as where:
        ours = uvloop.run(_ours(where, seconds))
        theirs = _theirs(where, seconds)
    return [
        Result(
            f"append of one event, {WRITERS} writers",
            ours,
            "events/s",
            goal=4,
            reference=theirs,
            reference_name=f"eventsourcing, {PEER_THREADS} threads",
        )
    ]


async def _ours(where: Servers, seconds: float) -> float:
    async with service(MANIFEST, where) as running:
        database = Database(running.dsn("api"), name="bench", most=WRITERS)
        await database.start()
        subjects = PostgresSubjects(database, running.keyring)
        log = PostgresEventLog(database, MANIFEST.codec(), subjects, SystemClock(), lambda: None)
        workspace = new_id()

        async def write(end: float) -> int:
            done = 0
            while time.perf_counter() < end:
                order = new_id()
                context = Context(workspace, "bench", new_id())
                await handle(log, ORDER, order, placed(order, done), context, new=True)
                done += 1
            return done

        try:
            for lasting in (1.0, seconds):
                begin = time.perf_counter()
                done = await asyncio.gather(*(write(begin + lasting) for _ in range(WRITERS)))
                rate = sum(done) / (time.perf_counter() - begin)
            return rate
        finally:
            await database.stop()


def _theirs(where: Servers, seconds: float) -> float:
    parts = urlsplit(where.postgres)
    connection = psycopg2.connect(where.postgres)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("create database peer")
    connection.close()
    arguments = [parts.hostname, parts.port, parts.username, parts.password, "peer"]
    command = [
        str(_peer_python()),
        str(_PEERS / "eventsourcing_append.py"),
        *map(str, arguments),
        str(PEER_THREADS),
        str(seconds),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return float(done.stdout.strip().splitlines()[-1])


def _peer_python() -> Path:
    """Of an environment with the peer in it; made once."""
    python = _PEER_VENV / "bin" / "python"
    if not python.exists():
        say("append: installing the peer (once)")
        uv, own = (str(ROOT / ".venv" / "bin" / name) for name in ("uv", "python"))
        subprocess.run([uv, "venv", "--quiet", "--python", own, str(_PEER_VENV)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
        subprocess.run([*install, "-r", str(_PEERS / "requirements.txt")], check=True)
    return python
