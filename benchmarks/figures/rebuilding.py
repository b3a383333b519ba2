"""How fast a read model is rebuilt from Kafka: against plain consuming, and against Faust."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from benchmarks.consuming import plain_rate
from benchmarks.orders import MANIFEST, publish
from benchmarks.report import Result
from benchmarks.rig import Servers, Stopwatch, peak_memory_mb, say, servers, service
from chassis.errands import rebuilding
from chassis.ids import new_id

EVENTS = 1_000_000
FAUST_SHARE = 20
"""Faust gets a twentieth of the events: it would need minutes for them all."""
_FAUST = Path(__file__).parents[1] / "peers" / "faust_agent.py"


def measure(scale: float) -> list[Result]:
    """Rebuild rates at the full size and at a tenth of it."""
    full = max(int(EVENTS * scale), 10_000)
    results = []
    tenth = uvloop.run(_of_size(full // 10))
    plain, rebuilt, faust, memory = uvloop.run(_of_size(full))
    results.append(
        Result(
            f"rebuild, {full:,} events, 10 columns",
            rebuilt,
            "events/s",
            goal=0.4,
            reference=plain,
            reference_name="aiokafka + JSON",
            detail={"peak_memory_mb": memory},
        )
    )
    results.append(
        Result(
            "rebuild against a Faust agent",
            rebuilt,
            "events/s",
            goal=10,
            reference=faust,
            reference_name="Faust",
        )
    )
    results.append(
        Result(
            f"growth of rebuild, {full // 10:,} → {full:,}",
            rebuilt,
            "events/s",
            goal=0.8,
            reference=tenth[1],
            reference_name="at a tenth",
        )
    )
    return results


async def _of_size(count: int) -> tuple[float, float, float, int]:
    """(plain, rebuilt, Faust) in events/s, and the peak memory of the rebuild."""
    with servers() as where:
        async with service(MANIFEST, where) as running:
            say(f"rebuild: publishing {count:,} events")
            there = await publish(where.kafka, count, new_id())
            plain = await plain_rate(where, [MANIFEST.topic])
            with Stopwatch() as watch:
                await rebuilding(running, "order_list").run()
            rebuilt = there / watch.wall_s
            memory = peak_memory_mb()
        return plain, rebuilt, await _faust(where, there // FAUST_SHARE), memory


async def _faust(where: Servers, count: int) -> float:
    """Events/s of a Faust agent that decodes the same topic into a table of the same columns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(_FAUST),
        where.kafka,
        MANIFEST.topic,
        str(count),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=where.home,
        env=dict(os.environ),
    )
    output, _ = await asyncio.wait_for(process.communicate(), 600)
    told = [line for line in output.decode().splitlines() if line.startswith("rate ")]
    return float(told[-1].split()[1])
