"""What happens right now: a snapshot of the last hour, and a stream of them (SSE)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from sse_starlette import EventSourceResponse

from analytics.live_answers import told
from analytics.live_feed import read
from chassis.http.principal import Principal, require
from chassis.http.reading import Read, Reading

router = APIRouter(tags=["analytics"])

_EVERY_S = 1.0


@router.get("/live", dependencies=[Depends(require("analytics.read"))])
async def live(request: Request, read: Reading) -> Response:
    """Events per minute, what was won within the last hour, recent events."""
    return read.json(await _now(request, read))


@router.get("/live/stream", response_class=EventSourceResponse)
async def stream(
    request: Request,
    read: Reading,
    _: Annotated[Principal, Depends(require("analytics.read"))],
) -> EventSourceResponse:
    """The same as it changes: `live` with a snapshot, `figures` when KPIs may have changed."""
    return EventSourceResponse(_changes(request, read), ping=15, sep="\n")


async def _now(request: Request, reading: Read) -> dict[str, Any]:
    principal = reading.principal
    async with reading.connection() as connection:
        row = await read(connection, principal.workspace)
    return told(row, request.app.state.service.clock.now(), principal)


async def _changes(request: Request, reading: Read) -> AsyncIterator[dict[str, str]]:
    last: dict[str, Any] = {}
    while not await request.is_disconnected():
        now = await _now(request, reading)
        if now["changes"] != last.get("changes"):
            yield {"event": "figures", "data": _text({"changes": now["changes"]})}
        if _content(now) != _content(last):
            yield {"event": "live", "data": _text(now)}
        last = now
        await asyncio.sleep(_EVERY_S)


def _content(body: dict[str, Any]) -> dict[str, Any]:
    """A snapshot but for its time."""
    return {name: value for name, value in body.items() if name not in ("at", "changes")}


def _text(body: Any) -> str:
    return msgspec.json.encode(body).decode()
