"""The log as a feed, for analysts and integrators: every published event, numbered without gaps.

`next` of an answer is the position to go on from; the numbers of a workspace's events are 1, 2, 3 …
per service, so a consumer can check that it missed nothing. With `wait_s` the request waits for the
next event (long poll). `log` names the numbering: a log that was restored may count differently,
and whoever goes on at a number of the one before is told so instead of missing events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.errors import BadInput, Conflict
from chassis.events import Stored
from chassis.http.paging import Limit
from chassis.http.principal import Principal, require
from chassis.postgres.feed import Page
from chassis.vault import DataKey

router = APIRouter(tags=["events"])

_IDS_MOST = 500


@router.get("/events")
async def events(  # noqa: PLR0913 - the question has this many parts
    request: Request,
    principal: Annotated[Principal, Depends(require("events.read"))],
    stream: str | None = None,
    type: Annotated[str | None, Query(description="A wire name.")] = None,
    ids: Annotated[str | None, Query(description="Event ids, separated by commas.")] = None,
    after: Annotated[int, Query(ge=0, description="The number of the last event you have.")] = 0,
    log: Annotated[UUID | None, Query(description="`log` of the answer you go on from.")] = None,
    limit: Limit = 100,
    wait_s: Annotated[float, Query(ge=0, le=30)] = 0,
) -> Response:
    """Published events of this service, in order, personal fields in clear text."""
    service = request.app.state.service
    if ids:
        page = await service.feed.by_ids(principal.workspace, _uuids(ids))
        return await _answer(service, page)

    async def look() -> Page:
        found: Page = await service.feed.page(principal.workspace, after, limit, stream, type)
        _refuse_another_log(found, after, log)
        return found

    if not wait_s:
        return await _answer(service, await look())
    deadline = asyncio.get_running_loop().time() + wait_s
    async with service.feed_news.of(principal.workspace) as news:
        while True:
            news.clear()
            await service.feed_news.listen()
            page = await look()
            if page.events:
                break
            try:
                async with asyncio.timeout_at(deadline):
                    await news.wait()
            except TimeoutError:
                break
    return await _answer(service, page)


def _uuids(ids: str) -> list[UUID]:
    try:
        return [UUID(each.strip()) for each in ids.split(",")[:_IDS_MOST]]
    except ValueError as error:
        raise BadInput("`ids` are event ids, separated by commas; one of these is none.") from error


def _refuse_another_log(page: Page, after: int, log: UUID | None) -> None:
    if (log is None or log == page.log) and after <= page.head:
        return
    raise Conflict(
        f"This log was restored since you read number {after}, and its numbers may mean other "
        "events now. Begin again with after=0 and without log; drop the events whose id you have.",
        code="log-restored",
        log=str(page.log),
        head=page.head,
    )


async def _answer(service: Any, page: Page) -> Response:
    keys = await _keys(service, [stored for _, stored in page.events])
    items = [
        _shown(number, stored, _readable(service, stored, keys)) for number, stored in page.events
    ]
    body = {"items": items, "next": page.next, "head": page.head, "log": page.log}
    return Response(msgspec.json.encode(body), media_type="application/json")


async def _keys(service: Any, events: list[Stored]) -> Mapping[UUID, DataKey | None]:
    """The keys of all persons on a page, asked for at once."""
    wanted = {s.key_id for s in events if s.key_id is not None and service.codec.needs_key(s.type)}
    if not wanted:
        return {}
    found: Mapping[UUID, DataKey | None] = await service.api_subjects.keys(
        events[0].workspace, wanted
    )
    return found


def _readable(service: Any, stored: Stored, keys: Mapping[UUID, DataKey | None]) -> Any:
    """The body with sealed fields opened or `[erased]`; one that nobody reads as it is stored."""
    if not service.codec.knows(stored.type):
        return msgspec.Raw(stored.data)
    key = keys.get(stored.key_id) if stored.key_id is not None else None
    return service.codec.decode(stored.type, stored.data, stored.id.bytes, key)


def _shown(number: int, stored: Stored, data: Any) -> dict[str, Any]:
    return {
        "number": number,
        "id": stored.id,
        "type": stored.type,
        "stream": stored.stream,
        "version": stored.version,
        "occurred_at": stored.occurred_at,
        "recorded_at": stored.recorded_at,
        "actor": stored.actor,
        "correlation_id": stored.correlation_id,
        "causation_id": stored.causation_id,
        "hash": stored.hash.hex(),
        "data": data,
    }
