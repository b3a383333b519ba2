"""Hands requests on to services and their answers back, piece by piece. Plain ASGI: it is hot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from starlette.types import Receive, Scope, Send
from yarl import URL

from chassis.http.middleware import route_of
from gateway.backend import CANNOT_REACH, Backend
from gateway.bodies import Gone, stream, whole
from gateway.calls import call
from gateway.refusals import TooLarge, too_slow

log = structlog.get_logger("proxy")

_SENT_ON = {
    name.encode(): name.title()
    for name in (
        "accept",
        "accept-language",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "everlog-token",
        "last-event-id",
        "purpose",
        "sec-gpc",
        "sec-purpose",
        "user-agent",
        "x-purpose",
        "x-request-id",
    )
}
_SENT_BACK = frozenset(
    name.encode()
    for name in (
        "cache-control",
        "content-disposition",
        "content-language",
        "content-length",
        "content-security-policy",
        "content-type",
        "etag",
        "everlog-stale",
        "everlog-token",
        "idempotent-replayed",
        "last-modified",
        "link",
        "location",
        "retry-after",
        "vary",
        "www-authenticate",
    )
)
_SMALL = 64 * 1024
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes on to. `extra` headers are the gateway's own word."""

    service: str
    path: str
    query: bytes
    extra: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it is sent on. `again`: it may be sent a second time."""

    method: str
    url: URL
    headers: dict[str, str]
    body: Any
    again: bool


class Proxy:
    """Forwards one request at a time through the backend's pool."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send, to: Target) -> None:
        """Forward. Raises Unavailable if the service cannot be reached, TooLarge."""
        url = self._backend.address(to.service) + to.path
        if to.query:
            url += "?" + to.query.decode("latin-1")
        headers, length = _headers(scope, to)
        try:
            body, buffered = await _body(headers, length, receive)
            again = buffered and (scope["method"] in _SAFE or "Idempotency-Key" in headers)
            request = Outgoing(scope["method"], URL(url, encoded=True), headers, body, again)
            with call(to.service, request.method, request.url, route_of(scope)) as called:
                headers |= called.headers
                response = await self._response(to.service, request)
                called.answered(response.status)
        except Gone:
            return
        try:
            await _answer(scope, response, receive, send)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._backend.unreachable(to.service, error) from error

    async def _response(self, service: str, request: Outgoing) -> aiohttp.ClientResponse:
        again = request.again
        while True:
            try:
                return await self._backend.session.request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=request.body,
                    allow_redirects=False,
                )
            except aiohttp.ConnectionTimeoutError as error:
                raise self._backend.unreachable(service, error) from error
            except TimeoutError as error:
                log.warning("service is too slow", upstream=service, error=error)
                raise too_slow(service) from error
            except CANNOT_REACH as error:
                # What went wrong with the client's side of the body comes wrapped.
                if isinstance(error.__cause__, Gone | TooLarge):
                    raise error.__cause__ from None
                if not again or not isinstance(error, aiohttp.ServerDisconnectedError):
                    raise self._backend.unreachable(service, error) from error
                again = False  # it was a kept connection that had just been closed


def _headers(scope: Scope, to: Target) -> tuple[dict[str, str], int | None]:
    """What is sent on, and the length of the body: None if there is none, -1 if it is not said."""
    headers: dict[str, str] = {}
    length: int | None = None
    for name, value in scope["headers"]:
        sent = _SENT_ON.get(name)
        if sent is not None:
            headers[sent] = value.decode("latin-1")
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            length = -1
    headers.update(to.extra)
    return headers, length


async def _body(headers: dict[str, str], length: int | None, receive: Receive) -> tuple[Any, bool]:
    """The body to send on, and whether it is here as a whole, so that it could be sent again."""
    if length is None or length == 0:
        return None, True
    if 0 < length <= _SMALL:
        return await whole(receive), True
    if length > 0:
        headers["Content-Length"] = str(length)
    return stream(receive), False


async def _answer(
    scope: Scope, response: aiohttp.ClientResponse, receive: Receive, send: Send
) -> None:
    headers = [(k.lower(), v) for k, v in response.raw_headers if k.lower() in _SENT_BACK]
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    length = response.content_length
    empty = response.status in (204, 304) or scope["method"] == "HEAD"
    if empty or (length is not None and length <= _SMALL):
        content = await response.read()
        await send(start)
        await send({"type": "http.response.body", "body": content})
        return
    await send(start)
    pumping = asyncio.ensure_future(_pump(response, send))
    leaving = asyncio.ensure_future(_until_gone(receive))
    try:
        await asyncio.wait({pumping, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if pumping.done():
            pumping.result()
    except (aiohttp.ClientError, TimeoutError) as error:
        # The status is out: all that is left is to break off, so that the client notices.
        log.warning("answer broken off", route=route_of(scope), error=error)
    finally:
        for task in (pumping, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        response.close()


async def _pump(response: aiohttp.ClientResponse, send: Send) -> None:
    async for piece in response.content.iter_any():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
