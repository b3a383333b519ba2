"""The one way to read over HTTP: the caller's own writes are waited for, then rows are fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request, Response

from chassis.errors import Unavailable
from chassis.http.principal import Principal, principal_of
from chassis.postgres.database import Connection

_WAIT_S = 2.0


class Read:
    """A request that reads. `stale`: the caller's own last write is not visible yet, or a read
    model of this service is paused."""

    def __init__(self, request: Request, principal: Principal, stale: bool) -> None:
        self.principal = principal
        self.stale = stale
        self._service: Any = request.app.state.service
        self._if_none_match = request.headers.get("if-none-match")

    @asynccontextmanager
    async def connection(self, *, patience_s: float | None = None) -> AsyncIterator[Connection]:
        """A connection that sees the caller's workspace and the live read models; `patience_s` for
        what may take longer than most."""
        if not self._service.readable:
            raise Unavailable(
                "This release's read models are still being built. Try again shortly.",
                retry_after_s=3,
            )
        workspace = self.principal.workspace
        async with self._service.api.connection(workspace, patience_s=patience_s) as connection:
            yield connection

    def json(self, body: Any, *, version: int | None = None, whole: bool = True) -> Response:
        """The answer; with a version also as its ETag, and 304 if the caller has it already, unless
        there is more in it than the version tells of (`whole` is not so)."""
        headers = {"Everlog-Stale": "true"} if self.stale else {}
        if version is not None:
            headers["ETag"] = f'"{version}"'
            if whole and self._if_none_match == headers["ETag"] and not self.stale:
                return Response(status_code=304, headers=headers)
        return Response(msgspec.json.encode(body), headers=headers, media_type="application/json")


async def read_of(request: Request, principal: Annotated[Principal, Depends(principal_of)]) -> Read:
    """A dependency: the request as a Read."""
    tokens = request.headers.get("everlog-token")
    service = request.app.state.service
    seen = True
    if tokens:
        seen = await service.progress.wait(principal.workspace, tokens, timeout_s=_WAIT_S)
    return Read(request, principal, stale=not seen or bool(service.paused))


Reading = Annotated[Read, Depends(read_of)]
