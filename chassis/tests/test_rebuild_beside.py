"""A read model is rebuilt while people write and read: nobody is refused, nobody sees less."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chassis.testing.service_bench import Client

pytestmark = pytest.mark.integration

_AT_LEAST = 50


class Crowd:
    """People who write and read; `wrong` says what they should not have met."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.written: list[tuple[str, str, str]] = []
        self.seen: dict[str, tuple[str, int]] = {}
        self.wrong: list[str] = []
        self.reads = 0

    async def write(self) -> None:
        """Send parcels, and scan some of them."""
        while True:
            status, made, headers = await self.client("POST", "/api/v1/parcels", {"city": "Oslo"})
            path, token = f"/api/v1/parcels/{made.get('id')}", headers.get("Everlog-Token", "")
            if status != 201:
                self.wrong.append(f"a write was refused: {status} {made}")
                continue
            self.written.append((path, token, "Oslo"))
            if len(self.written) % 3 == 0:
                status, _, headers = await self.client("POST", f"{path}/scans?city=Bergen")
                self.written[-1] = (path, headers["Everlog-Token"], "Bergen")

    async def read(self) -> None:
        """Read what was written, with its token; and again what was seen once, without."""
        while True:
            await asyncio.sleep(0.002)
            if not self.written:
                continue
            path, token, city = random.choice(self.written)
            fresh = path not in self.seen
            sent = {"Everlog_Token": token} if fresh else {}
            status, parcel, headers = await self.client("GET", path, **sent)
            if "Everlog-Stale" in headers and fresh:
                continue
            self.reads += 1
            known = (parcel.get("city"), parcel.get("scans"))
            if status != 200:
                self.wrong.append(f"a read was refused: {status} {parcel}")
            elif known[1] < self.seen.get(path, ("", 0))[1]:
                self.wrong.append(f"a reader saw less than before: {known}, {self.seen[path]}")
            elif fresh and known[0] != city and self.written.count((path, token, city)):
                self.wrong.append(f"a reader did not see a write: {known} instead of {city}")
            else:
                self.seen[path] = known

    async def has_worked_on(self) -> None:
        """Wait until they have done some more."""
        written, reads = len(self.written) + _AT_LEAST, self.reads + _AT_LEAST
        async with asyncio.timeout(60):
            while len(self.written) < written or self.reads < reads:
                assert not self.wrong, self.wrong
                await asyncio.sleep(0.02)


@asynccontextmanager
async def crowded(client: Client) -> AsyncIterator[Crowd]:
    crowd = Crowd(client)
    people = [asyncio.create_task(each()) for each in (crowd.write, crowd.read, crowd.read)]
    try:
        yield crowd
    finally:
        for person in people:
            person.cancel()
        ended = await asyncio.gather(*people, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
        assert not crowd.wrong, crowd.wrong[:5]


async def repair(operator: Client, kind: str) -> tuple[dict[str, Any], set[str]]:
    """Ask for a repair and wait for its end; how it ended, and which steps were seen."""
    body = {"kind": kind, "read_model": "on_the_way"}
    status, errand, _ = await operator("POST", "/api/v1/ops/errands", body)
    assert status == 202, errand
    steps: set[str] = set()
    async with asyncio.timeout(90):
        while True:
            _, told, _ = await operator("GET", f"/api/v1/ops/errands/{errand['id']}")
            steps.add(told["step"])
            assert told["done"] <= told["total"] or not told["total"]
            if told["status"] not in ("asked", "running"):
                return dict(told), steps
            await asyncio.sleep(0.02)


async def generations(operator: Client) -> dict[int, str]:
    _, standing, _ = await operator("GET", "/api/v1/ops/standing")
    models = [m for m in standing["read_models"] if m["name"] == "on_the_way"]
    return {m["generation"]: m["status"] for m in models}


async def test_people_write_and_read_on_while_it_is_built_compared_swapped_and_rolled_back(
    operator: Client,
) -> None:
    async with crowded(operator) as crowd:
        await crowd.has_worked_on()
        before = await generations(operator)
        built, steps = await repair(operator, "build")
        assert (built["status"], built["asked_by"]) == ("done", "Ada")
        assert built["total"] >= _AT_LEAST
        assert "standing by" in steps
        assert set(before.items()) <= set((await generations(operator)).items()), (
            "it answers as before"
        )
        await crowd.has_worked_on()
        compared, _ = await repair(operator, "compare")
        assert (compared["status"], "equal" in compared["result"]) == ("done", True), compared
        swapped, _ = await repair(operator, "swap")
        assert swapped["status"] == "done", swapped
        await crowd.has_worked_on()
        after = await generations(operator)
        assert after[max(after)] == "live"
        rolled_back, _ = await repair(operator, "rollback")
        assert rolled_back["status"] == "done", rolled_back
        assert {n: s for n, s in (await generations(operator)).items() if s == "live"} == before
        await crowd.has_worked_on()
        rebuilt, _ = await repair(operator, "rebuild")
        assert rebuilt["status"] == "done", rebuilt
        await crowd.has_worked_on()
    compared, _ = await repair(operator, "compare")
    assert compared["status"] == "done", compared
