"""The log of one service, found by what the question says about it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.errors import BadInput
from chassis.events import category_of, service_of
from chassis.http.principal import Principal, principal_of
from gateway.asking import asking, backend_of, handed_on
from gateway.routing import API, CATEGORIES, SERVICES

router = APIRouter(tags=["events"])


@router.get("/events")
async def events(  # noqa: PLR0913 - the question has this many parts
    request: Request,
    _: Annotated[Principal, Depends(principal_of)],
    service: Annotated[
        str | None, Query(description="Whose log; numbers count per service.")
    ] = None,
    stream: Annotated[str | None, Query(description="One record, e.g. deal-0190….")] = None,
    type: Annotated[str | None, Query(description="A wire name.")] = None,
    ids: Annotated[str | None, Query(description="Event ids, separated by commas.")] = None,
    after: Annotated[int, Query(ge=0, description="The number of the last event you have.")] = 0,
    log: Annotated[UUID | None, Query(description="`log` of the answer you go on from.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    wait_s: Annotated[float, Query(ge=0, le=30, description="Wait for the next event.")] = 0,
) -> Response:
    """Published events of one service, in order, numbered without gaps."""
    name = service or _service_meant(stream, type)
    if name not in SERVICES:
        raise BadInput(
            "Say whose log you mean: ?service= one of "
            f"{', '.join(SERVICES)} (or name a stream or a type, which say it too).",
            services=list(SERVICES),
        )
    params = {
        "stream": stream,
        "type": type,
        "ids": ids,
        "after": after,
        "log": str(log) if log else None,
        "limit": limit,
        "wait_s": wait_s or None,
    }
    asked = asking(request, "GET", f"{API}/events", params=params)
    return handed_on(await backend_of(request).ask(name, asked))


def _service_meant(stream: str | None, type_: str | None) -> str:
    if stream is not None and category_of(stream) in CATEGORIES:
        return CATEGORIES[category_of(stream)]
    return service_of(type_) if type_ is not None else ""
