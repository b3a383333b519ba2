"""A load of HTTP requests from a process of its own: `python -m benchmarks.load` reads a plan as
JSON from its input and prints what came of it.

Deliberately plain: keep-alive connections, one request at a time on each, answers read by their
length. What it costs is the same for everything it asks, so ratios mean something.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Plan:
    """`requests`: (method, path, body or None), asked round and round. `rate_s`: so many a second
    in all, None: as fast as it goes. `{n}` in a body is a number that never comes twice."""

    port: int
    requests: Sequence[tuple[str, str, str | None]]
    headers: dict[str, str] = field(default_factory=dict)
    clients: int = 16
    seconds: float = 5.0
    warm_up_s: float = 1.0
    rate_s: float | None = None
    first: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of a load: requests a second, milliseconds, how many were no success."""

    rate_s: float
    p50_ms: float
    p99_ms: float
    requests: int
    failed: int
    sample: str


async def load(plan: Plan) -> Outcome:
    """Put the load on, from another process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    output, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    return Outcome(**json.loads(output))


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of one answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lower = head.lower()
        at = lower.find(b"content-length:")
        if at >= 0:
            length = int(lower[at + 15 : lower.index(b"\r\n", at)])
            return status, await self._reader.readexactly(length)
        return status, await self._chunks()

    async def _chunks(self) -> bytes:
        found = b""
        while True:
            length = int(await self._reader.readline(), 16)
            found += (await self._reader.readexactly(length + 2))[:-2]
            if not length:
                return found

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def _wire(plan: Plan) -> Iterator[bytes]:
    """The requests as bytes, round and round."""
    extra = "".join(f"{name}: {value}\r\n" for name, value in plan.headers.items())
    number = plan.first
    while True:
        for method, path, body in plan.requests:
            number += 1
            text = (body or "").replace("{n}", str(number)).encode()
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{extra}"
            if body is not None:
                head += f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n"
            yield head.encode() + b"\r\n" + text


async def _run(plan: Plan) -> Outcome:
    requests, taken_ms, failed, sample = _wire(plan), [], 0, ""
    begin = time.perf_counter()
    counted_from, end = begin + plan.warm_up_s, begin + plan.warm_up_s + plan.seconds
    turn = 0

    async def work() -> None:
        nonlocal failed, sample, turn
        client = Client(plan.port)
        await client.open()
        while time.perf_counter() < end:
            if plan.rate_s is not None:
                due = begin + turn / plan.rate_s
                turn += 1
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked = time.perf_counter()
            status, body = await client.ask(next(requests))
            now = time.perf_counter()
            if status >= 400:
                failed, sample = failed + 1, f"{status} {body[:300]!r}"
            if asked >= counted_from:
                taken_ms.append((now - asked) * 1000)
        client.close()

    await asyncio.gather(*(work() for _ in range(plan.clients)))
    taken_ms.sort()
    return Outcome(
        rate_s=len(taken_ms) / plan.seconds,
        p50_ms=_at(taken_ms, 0.5),
        p99_ms=_at(taken_ms, 0.99),
        requests=len(taken_ms),
        failed=failed,
        sample=sample,
    )


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def main() -> None:
    """Read the plan, run it, print the outcome."""
    import uvloop

    told: dict[str, Any] = json.load(sys.stdin)
    outcome = uvloop.run(_run(Plan(**told)))
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
