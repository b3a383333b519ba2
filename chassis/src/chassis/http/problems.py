"""Every error as `application/problem+json` (RFC 9457), in one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from chassis.errors import DomainError, StaleVersion, TooManyRequests, Unavailable
from chassis.postgres.database import CONNECTION_ENDED
from chassis.telemetry import trace_id

_TYPE = "urn:everlog:problem:"
MEDIA_TYPE = "application/problem+json"
_DATABASE_AWAY = (
    *CONNECTION_ENDED,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidCatalogNameError,  # the database was lost, and is being restored
    TimeoutError,
)

log = structlog.get_logger("http")


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    instance: str = "",
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """A problem as a response; `extra` holds further members."""
    body = {
        "type": _TYPE + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": instance,
        "trace_id": trace_id(),
        **(extra or {}),
    }
    return Response(
        msgspec.json.encode(body), status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def of_error(error: DomainError, instance: str = "") -> Response:
    """A refusal as a response."""
    headers = {}
    if isinstance(error, TooManyRequests | Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, StaleVersion) and "stream" in error.extra:
        # Whoever looks at what changed meanwhile waits for it, and sees it.
        headers["Everlog-Token"] = f"{error.extra['stream']}@{error.extra['actual']}"
    return problem(
        error.status,
        error.problem,
        error.title,
        error.detail,
        instance=instance,
        headers=headers,
        extra=error.extra,
    )


def _pointer(location: Sequence[Any]) -> str:
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location[1:]]
    prefix = "#/" if location and location[0] == "body" else f"{location[0] if location else ''}:"
    return prefix + "/".join(parts)


def _told(message: str) -> str:
    """As a sentence; what our own validators say has pydantic's words before it."""
    said = message.removeprefix("Value error, ")
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith(('.', '!', '?')) else '.'}"


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    return of_error(error, request.url.path)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [{"detail": _told(e["msg"]), "pointer": _pointer(e["loc"])} for e in error.errors()]
    told = "; ".join(f"{e['pointer']}: {e['detail']}" for e in errors[:5])
    return problem(
        422,
        "bad-input",
        "The request is malformed",
        f"Correct these and send it again: {told}",
        instance=request.url.path,
        extra={"errors": errors},
    )


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    return problem(
        error.status_code,
        code,
        str(error.detail),
        f"{request.method} {request.url.path}: {error.detail}. See /api/openapi.json.",
        instance=request.url.path,
        headers=error.headers,
    )


async def _on_database_away(request: Request, error: Exception) -> Response:
    log.warning("database away", error=error)
    return of_error(
        Unavailable(
            "The database does not answer at the moment. Nothing is known to be lost: send the "
            "request again with the same Idempotency-Key.",
            retry_after_s=2,
        ),
        request.url.path,
    )


async def _on_disk_full(request: Request, error: Exception) -> Response:
    log.error("the database's disk is full", error=error)
    return of_error(
        Unavailable(
            "The database has no room left on its disk: nothing of this was written. Make room "
            "(runbook, 'The disk is full'), then send the request again with the same "
            "Idempotency-Key.",
            code="disk-full",
            retry_after_s=10,
        ),
        request.url.path,
    )


async def _on_tables_gone(request: Request, error: Exception) -> Response:
    log.warning("tables are gone", error=repr(error))
    told = "What this is read from has been lost and is being rebuilt. Try again in a moment."
    return of_error(Unavailable(told, retry_after_s=5), request.url.path)


async def _on_refused(request: Request, error: Exception) -> Response:
    """A database that is being restored lets nobody in; any other refusal is a mistake of ours."""
    closed = str(error).startswith("permission denied for database")
    return await (_on_database_away if closed else _on_bug)(request, error)


async def _on_too_slow(request: Request, error: Exception) -> Response:
    log.warning("statement took too long", error=repr(error), path=request.url.path)
    return of_error(
        Unavailable(
            "The database did not get this done in time, and undid it. Ask for less at a time, or "
            "send the request again later.",
            code="too-slow",
            retry_after_s=5,
        ),
        request.url.path,
    )


async def _on_bug(request: Request, error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(
        500,
        "internal-error",
        "Something broke on our side",
        "The request failed for a reason we did not foresee. Quote the trace_id in your report.",
        instance=request.url.path,
    )


def install(app: FastAPI) -> None:
    """Answer every error of an app in this shape."""
    app.add_exception_handler(DomainError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    for kind in _DATABASE_AWAY:
        app.add_exception_handler(kind, _on_database_away)
    app.add_exception_handler(asyncpg.DiskFullError, _on_disk_full)
    app.add_exception_handler(asyncpg.UndefinedTableError, _on_tables_gone)
    app.add_exception_handler(asyncpg.InsufficientPrivilegeError, _on_refused)
    app.add_exception_handler(asyncpg.QueryCanceledError, _on_too_slow)
    app.add_exception_handler(Exception, _on_bug)
