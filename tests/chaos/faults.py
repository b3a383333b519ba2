"""What is done to processes: kill -9, an immediate shutdown, a killed backend, a deep sleep."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import psutil

from everlog import pids
from everlog.home import Home

Fault = Callable[[Home, random.Random], Awaitable[str]]
"""Does something bad; says to whom. Whatever it freezes it thaws again."""

_RECOVERS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Named:
    """A fault by its name."""

    name: str
    do: Fault


def process_of(home: Home, name: str) -> psutil.Process | None:
    """A process of this home, if it is alive."""
    return pids.read(home.run / f"{name}.pid")


async def alive(home: Home, name: str) -> psutil.Process:
    """The process once the supervisor has it running."""
    async with asyncio.timeout(_RECOVERS_WITHIN_S):
        while (process := process_of(home, name)) is None:
            await asyncio.sleep(0.1)
    return process


def kill(name: str) -> Named:
    """kill -9."""

    async def do(home: Home, _: random.Random) -> str:
        process = await alive(home, name)
        process.kill()
        return f"pid {process.pid}"

    return Named(f"kill -9 {name}", do)


def freeze(name: str, seconds: float) -> Named:
    """SIGSTOP, and later SIGCONT: its connections stay open and nobody answers on them."""

    async def do(home: Home, _: random.Random) -> str:
        process = await alive(home, name)
        process.suspend()
        try:
            await asyncio.sleep(seconds)
        finally:
            process.resume()
        return f"pid {process.pid}, {seconds:g} s"

    return Named(f"freeze {name}", do)


async def _stop_immediately(home: Home, _: random.Random) -> str:
    process = await alive(home, "postgres")
    process.send_signal(signal.SIGQUIT)  # pg_ctl stop -m immediate
    return f"pid {process.pid}"


async def _kill_backend(home: Home, chance: random.Random) -> str:
    """One backend dies; the server ends all the others and recovers."""
    process = await alive(home, "postgres")
    backends = [p for p in process.children() if "everlog_" in " ".join(p.cmdline())]
    if not backends:
        return "there was none"
    victim = chance.choice(backends)
    told = " ".join(victim.cmdline())
    victim.kill()
    return told


FAULTS: tuple[Named, ...] = (
    *(kill(n) for n in ("identity", "contacts", "pipeline", "campaigns", "analytics")),
    kill("analytics-stream"),
    kill("gateway"),
    kill("kafka"),
    kill("postgres"),
    Named("postgres -m immediate", _stop_immediately),
    Named("kill -9 a backend of postgres", _kill_backend),
    # Longer than Kafka waits for a member of a group, and the server for a relay: others take
    # over, and what the sleepers still have in hand must be refused when they wake up.
    freeze("pipeline", 40.0),
    freeze("analytics", 15.0),
    freeze("kafka", 8.0),
    freeze("postgres", 6.0),
)

BY_NAME: Mapping[str, Named] = {fault.name: fault for fault in FAULTS}
