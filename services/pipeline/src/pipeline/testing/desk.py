"""A desk to work at over HTTP: opens deals, sends files, and sees what it did."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from chassis.testing.service_bench import Client


class Deals:
    """Does things with deals and sees what it did: keeps the tokens of its writes."""

    def __init__(self, ask: Client) -> None:
        self.ask = ask
        self.tokens: dict[str, str] = {}

    async def write(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        status, answer, got = await self.ask(method, f"/api/v1{path}", body, **headers)
        assert status in (200, 201), answer
        stream, _, version = got["Everlog-Token"].partition("@")
        self.tokens[stream] = version
        return answer

    async def open(self, title: str = "Autumn list", **fields: Any) -> str:
        value = {"amount_minor": 100_000, "currency": "EUR"}
        body = {"title": title, "value": value, **fields}
        return str((await self.write("POST", "/deals", body))["id"])

    async def read(self, path: str) -> Any:
        tokens = ",".join(f"{stream}@{version}" for stream, version in self.tokens.items())
        status, answer, _ = await self.ask.fresh(f"/api/v1{path}", tokens)
        assert status == 200, answer
        return answer

    async def refused(self, path: str) -> tuple[int, Any, Any]:
        tokens = ",".join(f"{stream}@{version}" for stream, version in self.tokens.items())
        return await self.ask("GET", f"/api/v1{path}", Everlog_Token=tokens)


async def send(ask: Client, kind: str, content: bytes | str, **fields: str) -> dict[str, Any]:
    """Send a file and wait for the end of its import."""
    form = aiohttp.FormData({"type": kind, **fields})
    data = content.encode() if isinstance(content, str) else content
    form.add_field("file", data, filename=f"{kind}.csv")
    status, started = await ask.post_form("/api/v1/imports", form)
    assert status == 202, started
    async with asyncio.timeout(60):
        while True:
            _, job, _ = await ask("GET", f"/api/v1/imports/{started['id']}")
            if job["status"] in ("done", "failed"):
                return dict(job)
            await asyncio.sleep(0.05)


def counts(job: dict[str, Any]) -> tuple[int, int, int, int]:
    assert job["created"] + job["updated"] + job["skipped"] + job["failed"] == job["rows"]
    return (job["created"], job["updated"], job["skipped"], job["failed"])


async def deals_of(ask: Client, query: str = "") -> dict[str, Any]:
    """All deals by their external ids."""
    found: dict[str, Any] = {}
    cursor = ""
    while True:
        _, page, _ = await ask("GET", f"/api/v1/deals?limit=200{query}{cursor}")
        found |= {item["external_id"]: item for item in page["items"]}
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"
