"""What the composed operations share: asking services as the caller, handing answers on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import Request as Incoming
from fastapi import Response

from chassis.errors import Unavailable
from gateway.backend import Answer, Backend, Request

_SENT_ON = (
    "authorization",
    "accept-language",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "everlog-token",
    "x-request-id",
)
_SENT_BACK = (
    "content-disposition",
    "content-type",
    "etag",
    "everlog-stale",
    "everlog-token",
    "idempotent-replayed",
    "location",
    "retry-after",
)


def backend_of(incoming: Incoming) -> Backend:
    """The gateway's client of the services."""
    backend: Backend = incoming.app.state.service.backend
    return backend


def as_caller(incoming: Incoming) -> dict[str, str]:
    """The headers that ask a service on behalf of whoever asks us."""
    return {name: incoming.headers[name] for name in _SENT_ON if name in incoming.headers}


def asking(incoming: Incoming, method: str, path: str, **more: Any) -> Request:
    """A request to a service on behalf of whoever asks us."""
    return Request(method, path, headers=as_caller(incoming), **more)


def handed_on(answer: Answer) -> Response:
    """A service's answer as ours."""
    headers = {name: answer.headers[name] for name in _SENT_BACK if name in answer.headers}
    return Response(answer.body, answer.status, headers=headers)


def as_json(body: Any, status: int = 200) -> Response:
    """Our own answer."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


async def ask_all(
    incoming: Incoming, names: list[str], path: str, **more: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """What each service answers to the same question, and why some did not.

    A refusal of the caller (401, 403) is not hidden among those: it is raised as it is.
    """
    found = await backend_of(incoming).ask_each(
        {name: asking(incoming, "GET", path, **more) for name in names}
    )
    return sort_out(found)


def sort_out(found: Mapping[str, Answer | Unavailable]) -> tuple[dict[str, Any], dict[str, str]]:
    """Bodies of good answers; for the others what went wrong."""
    bodies: dict[str, Any] = {}
    down: dict[str, str] = {}
    for name, answer in found.items():
        if isinstance(answer, Unavailable):
            down[name] = answer.detail
        elif answer.ok:
            bodies[name] = answer.json()
        elif answer.status != 404:
            down[name] = _reason(answer)
    return bodies, down


def _reason(answer: Answer) -> str:
    try:
        return str(answer.json()["detail"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"it answered {answer.status}"
