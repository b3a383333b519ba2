"""The stream process with real Faust, and what the API tells of it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics.manifest import MANIFEST
from analytics.stream import TOPICS
from analytics.testing import Story
from embedded.ports import free_port

pytestmark = pytest.mark.integration


def now() -> str:
    return datetime.now(UTC).isoformat()  # noqa: TID251 - events as they happen now


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()  # noqa: TID251


@asynccontextmanager
async def streaming(running: Any, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The stream as a process of its own, as the platform starts it."""
    settings = running.settings
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "analytics",
        "stream",
        env={
            "PATH": os.environ["PATH"],
            "EVERLOG_LISTEN": f"127.0.0.1:{port}",
            "EVERLOG_KAFKA": settings.kafka,
            "EVERLOG_POSTGRES": settings.postgres,
            "EVERLOG_SECRETS": str(settings.secrets),
        },
    )
    try:
        async with asyncio.timeout(60):
            while await running.status(f"http://127.0.0.1:{port}/readyz") != 200:
                assert process.returncode is None, "the stream has ended"
                await asyncio.sleep(0.1)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


async def until(
    running: Any, story: Story, holds: Callable[[Any], bool], seconds: float = 30
) -> Any:
    """What /live says once a condition holds."""
    body: Any = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                _, body, _ = await running.get("/api/v1/live", story)
                if holds(body):
                    return body
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"in vain: {body}") from None


def test_it_reads_every_topic_the_facts_are_made_from() -> None:
    assert set(TOPICS) == MANIFEST.consumed_topics() - {MANIFEST.topic}


async def test_what_happens_now_is_told_and_survives_a_restart(running: Any, story: Story) -> None:
    port = free_port()
    ada = story.user("Ada")
    story.deal(100_00, ago(minutes=30), owner=ada).win(ago(minutes=20))
    story.deal(900_00, ago(days=90)).win(ago(days=60), known=now())
    await running.publish(story)
    async with streaming(running, port) as process:
        before = await until(running, story, lambda b: b["events_last_hour"] == 3)
        assert before["status"] == "live"
        assert [w["amount"] for w in before["won_last_hour"]] == [100.0]
        story.deal(50_00, now(), owner=ada).win(now())
        await running.publish(story)
        after = await until(running, story, lambda b: b["events_last_hour"] == 5)
        assert [w["amount"] for w in after["won_last_hour"]] == [150.0]
        assert after["events_last_minute"] >= 2
        assert after["recent"][0]["type"] == "pipeline.deal-won.v1"
        process.kill()
        await process.wait()
        down = await until(running, story, lambda b: b["status"] == "down")
        assert "not running" in down["detail"]
        story.deal(1_00, now())
        await running.publish(story)
    async with streaming(running, port):
        again = await until(running, story, lambda b: b["status"] == "live")
        again = await until(running, story, lambda b: b["events_last_hour"] == 6)
        assert [w["amount"] for w in again["won_last_hour"]] == [150.0]


async def test_viewers_are_pushed_what_changes(running: Any, story: Story) -> None:
    async with streaming(running, free_port()):
        pushed: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        viewing = asyncio.create_task(_view(running, story, pushed))
        try:
            first = await asyncio.wait_for(_next(pushed, "live"), 30)
            assert first["events_last_hour"] == 0
            story.deal(100_00, now()).win(now())
            await running.publish(story)
            assert (await asyncio.wait_for(_next(pushed, "figures"), 30))["changes"] > 0
            told: Any = first
            while not told["won_last_hour"]:
                told = await asyncio.wait_for(_next(pushed, "live"), 30)
            assert told["won_last_hour"][0]["amount"] == 100.0
        finally:
            viewing.cancel()
            await asyncio.gather(viewing, return_exceptions=True)


async def _view(running: Any, story: Story, pushed: asyncio.Queue[tuple[str, Any]]) -> None:
    url = f"{running.base}/api/v1/live/stream"
    async with running.session.get(url, headers=running.headers(story)) as response:
        assert response.content_type == "text/event-stream"
        event = ""
        async for line in response.content:
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                pushed.put_nowait((event, json.loads(value)))


async def _next(pushed: asyncio.Queue[tuple[str, Any]], wanted: str) -> Any:
    while True:
        event, body = await pushed.get()
        if event == wanted:
            return body
