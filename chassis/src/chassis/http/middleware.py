"""Around every request: trace, request id, metrics, one log line. Plain ASGI, since it is hot."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import UUID

import structlog
from opentelemetry.trace import Span, StatusCode
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.ids import new_id
from chassis.logs import REQUEST_ID
from chassis.telemetry import server_span, traceparent

REQUESTS = Histogram(
    "http_server_request_duration_seconds",
    "How long requests took; of a stream of events, until it began.",
    ("http_request_method", "http_route", "http_response_status_code"),
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_QUIET = ("/livez", "/readyz", "/metrics")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "_OTHER"
_UNMATCHED = "unmatched"
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
log = structlog.get_logger("http")


class Observed:
    """Wraps an app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        request_id = headers.get("x-request-id") or str(new_id())
        seen = _Seen(time.perf_counter())

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.answer(message)
                message["headers"] = [*message["headers"], *told]
            await send(message)
            seen.whole = message["type"] == "http.response.body" and not message.get("more_body")

        with server_span(method, headers) as span:
            told = [(b"x-request-id", request_id.encode("latin-1"))]
            told.append((b"traceresponse", (traceparent() or "").encode()))
            token = REQUEST_ID.set(request_id)
            try:
                await self._app(scope, receive, answer)
            except Exception:
                if not seen.whole:  # else it was answered and logged, and is only passed on
                    raise
            finally:
                self._note(scope, method, seen, span)
                REQUEST_ID.reset(token)

    def _note(self, scope: Scope, method: str, seen: _Seen, span: Span) -> None:
        route, took = route_of(scope), seen.took()
        REQUESTS.labels(method, route, str(seen.status)).observe(took)
        if span.is_recording():
            _describe(span, scope, method, route, seen.status)
        log.debug(
            "request", method=method, route=route, status=seen.status, ms=round(took * 1e3, 2)
        )


class _Seen:
    """What was seen of an answer. Without any it counts as broken."""

    __slots__ = ("_began", "_took", "status", "whole")

    def __init__(self, began: float) -> None:
        self.status = 500
        self.whole = False
        self._began = began
        self._took: float | None = None

    def answer(self, start: Message) -> None:
        """Its beginning. A stream of events ends when its reader goes: that is no duration."""
        self.status = start["status"]
        if any(
            k == b"content-type" and v.startswith(b"text/event-stream") for k, v in start["headers"]
        ):
            self._took = self.took()

    def took(self) -> float:
        """Seconds."""
        return time.perf_counter() - self._began if self._took is None else self._took


def route_of(scope: Scope) -> str:
    """The template that matched, never the path: that would be as many names as there are ids."""
    route: Any = scope.get("route")
    # A route's own path lacks the prefix under which its router was included.
    included: Any = scope.get("fastapi", {}).get("effective_route_context")
    if included is not None and included.original_route is route:
        return str(included.path_format)
    return getattr(route, "path", None) or _UNMATCHED


def shown_path(scope: Scope, route: str) -> str:
    """The path with ids alone filled in: other parts may be words somebody chose, or secrets."""
    parameters = scope.get("path_params") or {}

    def filled(found: re.Match[str]) -> str:
        value = parameters.get(found[1])
        return str(value) if _is_id(value) else found[0]

    return _PARAMETER.sub(filled, route)


def _is_id(value: Any) -> bool:
    if isinstance(value, UUID):
        return True
    try:
        return bool(str(UUID(value)) == value)
    except (TypeError, ValueError, AttributeError):
        return False


def _describe(span: Span, scope: Scope, method: str, route: str, status: int) -> None:
    """As OpenTelemetry's conventions for HTTP servers have it; not who asked, nor with what."""
    named = method if method != _OTHER else "HTTP"
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "http.response.status_code": status,
        "url.scheme": scope.get("scheme", "http"),
    }
    if route != _UNMATCHED:
        named = f"{named} {route}"
        attributes |= {"http.route": route, "url.path": shown_path(scope, route)}
    host, port = scope.get("server") or ("", None)
    if port:
        attributes |= {"server.address": host, "server.port": port}
    if status >= 500:
        attributes["error.type"] = str(status)
        span.set_status(StatusCode.ERROR)
    span.update_name(named)
    span.set_attributes(attributes)
