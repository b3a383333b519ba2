"""The whole platform under load: writes, what a reader waits, imports, lists, the board."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.hello import ceiling
from benchmarks.load import Outcome, Plan, load
from benchmarks.people import deals, people
from benchmarks.report import Result
from benchmarks.rig import say
from everlog.api import Api, signed_in
from everlog.testing import Platform, embedded_platform

CLIENTS, SECONDS = 16, 6.0
IMPORTED, CONTACTS, DEALS, FILE_ROWS = 100_000, 1_000_000, 100_000, 100_000
OPEN_SHARE = 0.1

NEW_CONTACT = json.dumps(
    {"first_name": "Grace", "last_name": "Hopper", "email": "grace.{n}@mail.example"}
)


def measure(scale: float) -> list[Result]:
    """Everything on one platform, small first, then with all the data in it."""
    say("serving: hello")
    hello = ceiling(CLIENTS, SECONDS)
    with (
        tempfile.TemporaryDirectory(prefix="everlog-bench-") as home,
        embedded_platform(Path(home) / "home") as platform,
    ):
        return asyncio.run(_on(platform, hello, scale))


async def _on(platform: Platform, hello: Outcome, scale: float) -> list[Result]:
    credentials = platform.credentials
    async with signed_in(platform.url, credentials.email, credentials.password) as api:
        bench = Bench(platform, api, hello)
        results = [await bench.posting(), *await bench.visible()]
        results += await bench.importing(int(IMPORTED * scale), int(CONTACTS * scale))
        results += await bench.reading(int(DEALS * scale))
        return results


class Bench:
    """A platform, somebody signed in, and the ceiling."""

    def __init__(self, platform: Platform, api: Api, hello: Outcome) -> None:
        self.port = urlsplit(platform.url).port or 80
        self.api = api
        self.headers = {"Authorization": api._session.headers["Authorization"]}
        self.hello = hello
        self.people = 0

    async def ask(self, *paths: str, clients: int = CLIENTS, method: str = "GET") -> Outcome:
        """Ask these paths round and round."""
        requests = [(method, path, None) for path in paths]
        outcome = await load(Plan(self.port, requests, self.headers, clients, SECONDS))
        assert not outcome.failed, outcome
        return outcome

    async def posting(self) -> Result:
        """New contacts, as fast as it goes, the whole road running on the same cores."""
        say("serving: posting contacts")
        plan = Plan(
            self.port, [("POST", "/api/v1/contacts", NEW_CONTACT)], self.headers, CLIENTS, SECONDS
        )
        outcome = await load(plan)
        assert not outcome.failed, outcome
        await _settled(self.api)
        return Result(
            f"POST contact through the gateway, {CLIENTS} clients",
            outcome.rate_s,
            "requests/s",
            goal=0.15,
            reference=self.hello.rate_s,
            reference_name="hello",
            detail={"p50_ms": outcome.p50_ms, "p99_ms": outcome.p99_ms},
        )

    async def visible(self) -> list[Result]:
        """From the answer of a write to the list that has it, at 100 writes a second."""
        say("serving: from written to visible")
        plan = Plan(
            self.port,
            [("POST", "/api/v1/contacts", NEW_CONTACT)],
            self.headers,
            clients=8,
            seconds=SECONDS,
            rate_s=90,
            first=10_000_000,
        )
        loading = asyncio.create_task(load(plan))
        await asyncio.sleep(1.5)
        taken_ms, number = [], 0
        end = time.perf_counter() + SECONDS - 1
        while time.perf_counter() < end:
            number += 1
            taken_ms.append(await self._until_listed(20_000_000 + number))
            await asyncio.sleep(0.1)
        outcome = await loading
        assert not outcome.failed, outcome
        taken_ms.sort()
        p50, p99 = taken_ms[len(taken_ms) // 2], taken_ms[int(len(taken_ms) * 0.99)]
        return [
            Result("write → visible in the list, p50", p50, "ms", goal=15, at_most=True),
            Result("write → visible in the list, p99", p99, "ms", goal=60, at_most=True),
        ]

    async def _until_listed(self, number: int) -> float:
        body = json.loads(NEW_CONTACT.replace("{n}", str(number)))
        url = self.api._url + "/api/v1/contacts"
        async with self.api._session.post(url, json=body) as response:
            token = response.headers["Everlog-Token"]
            written = time.perf_counter()
        asked = {"sort": "-created", "limit": "100"}
        async with self.api._session.get(
            url, params=asked, headers={"Everlog-Token": token}
        ) as response:
            listed = await response.json()
            assert "Everlog-Stale" not in response.headers
        assert any(item["email"] == body["email"] for item in listed["items"])
        return (time.perf_counter() - written) * 1000

    async def importing(self, rows: int, in_all: int) -> list[Result]:
        """A first import, and one of the same size into all there is then."""
        first = await self._import("contacts", people, rows)
        while self.people + rows < in_all:
            await self._import("contacts", people, min(FILE_ROWS, in_all - rows - self.people))
        last = await self._import("contacts", people, rows)
        return [
            Result(f"import of {rows:,} contacts", first, "rows/s", goal=6_000),
            Result(
                f"growth of imports, to {self.people:,} contacts",
                last,
                "rows/s",
                goal=0.8,
                reference=first,
                reference_name="the first one",
            ),
        ]

    async def _import(self, kind: str, rows_of: Callable[[int, int], bytes], rows: int) -> float:
        content = rows_of(self.people, rows)
        begin = time.perf_counter()
        job = await self.api.import_file(content, f"{kind}.csv", {"type": kind})
        rate = rows / (time.perf_counter() - begin)
        assert (job["status"], job["created"]) == ("done", rows), job
        self.people += rows
        say(f"serving: {self.people:,} {kind}, {rate:,.0f} rows/s")
        return rate

    async def reading(self, deals_count: int) -> list[Result]:
        """Lists, searches, records and the board with all the data in it."""
        content = deals(deals_count, OPEN_SHARE)
        job = await self.api.import_file(content, "deals.csv", {"type": "deals"})
        assert job["status"] == "done", job
        await _settled(self.api)
        found = (await self.api.get("/api/v1/contacts?limit=50"))["items"]
        questions = {
            "list": ["/api/v1/contacts?limit=50", "/api/v1/contacts?limit=50&sort=name"],
            "search": [
                "/api/v1/contacts?q=hopper&limit=50",
                "/api/v1/contacts?q=tilda+var&limit=50",
            ],
            "record": [f"/api/v1/contacts/{item['id']}" for item in found],
            "board": ["/api/v1/board"],
        }
        results = []
        for name, paths in questions.items():
            results += await self._question(name, paths)
        return results

    async def _question(self, name: str, paths: list[str]) -> list[Result]:
        say(f"serving: {name}")
        many, one = await self.ask(*paths), await self.ask(*paths, clients=1)
        return [
            Result(
                f"{name}, {CLIENTS} clients",
                many.rate_s,
                "requests/s",
                goal=0.12,
                reference=self.hello.rate_s,
                reference_name="hello",
                detail={"p50_ms": many.p50_ms, "p99_ms": many.p99_ms},
            ),
            Result(f"{name}, one client, p99", one.p99_ms, "ms", goal=40, at_most=True),
        ]


async def _settled(api: Api) -> None:
    """Nothing waits any more."""
    for _ in range(600):
        services = (await api.get("/api/v1/ops/services"))["items"]
        waiting = [
            (each["outbox"] or {}).get("events", 0) + sum(x["lag_events"] for x in each["lanes"])
            for each in services
            if each.get("lanes")
        ]
        if not any(waiting):
            return
        await asyncio.sleep(0.5)
    raise RuntimeError(f"still behind: {services}")
