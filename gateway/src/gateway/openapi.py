"""One OpenAPI document for the whole platform, merged from what the services say of themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request, Response

from chassis.http.problems import MEDIA_TYPE
from gateway.asking import as_json, sort_out
from gateway.backend import Backend
from gateway.backend import Request as Sent
from gateway.routing import COMPOSED, PREFIXES, SERVICES, word_of

log = structlog.get_logger("openapi")
router = APIRouter(include_in_schema=False)

_KEPT_FOR_S = 60.0
_PUBLIC = {("post", "/api/v1/sessions")}
_VERBS = ("get", "put", "post", "delete", "patch")
_REF = "#/components/schemas/"

ABOUT = """\
Everlog is a CRM in which nothing that happened is ever lost. A request either writes (it answers
with id and version, as ETag and Everlog-Token) or reads. Send the Everlog-Token back with a read
and it waits until your write shows. Every write takes an Idempotency-Key; a change of fields takes
If-Match. Lists take limit and cursor. Errors are problem+json (RFC 9457) and say what to do.
"""

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do."},
        "code": {"type": "string"},
        "instance": {"type": "string"},
        "trace_id": {"type": "string", "description": "Quote it when you report the problem."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"detail": {"type": "string"}, "pointer": {"type": "string"}},
            },
        },
    },
}

_HEADERS = {
    "IdempotencyKey": (
        "Idempotency-Key",
        "The same key with the same request gives the same answer and one effect.",
    ),
    "IfMatch": ("If-Match", "The ETag you last saw; 412 if somebody wrote in between."),
    "EverlogToken": ("Everlog-Token", "From your writes: the read waits until they show."),
}
_HEADERS_OF = {
    "get": ("EverlogToken",),
    "post": ("IdempotencyKey",),
    "put": ("IdempotencyKey", "IfMatch"),
    "patch": ("IdempotencyKey", "IfMatch"),
    "delete": ("IdempotencyKey",),
}


class Document:
    """The merged document; asked anew after a minute. A service that is away keeps its last one."""

    def __init__(self, backend: Backend, public_url: str) -> None:
        self._backend = backend
        self._public_url = public_url
        self._parts: dict[str, Any] = {}
        self._merged: tuple[float, dict[str, Any] | None] = (0.0, None)
        self._lock = asyncio.Lock()

    async def get(self, own: dict[str, Any]) -> dict[str, Any]:
        """The document, with the gateway's own operations in it."""
        async with self._lock:
            at, merged = self._merged
            if merged is not None and time.monotonic() - at < _KEPT_FOR_S:
                return merged
            asked = {
                name: Sent("GET", "/openapi.json")
                for name in SERVICES
                if name in self._backend.upstreams
            }
            bodies, down = sort_out(await self._backend.ask_each(asked))
            self._parts.update(bodies)
            parts = {name: self._parts[name] for name in SERVICES if name in self._parts}
            document = merge(parts, own, self._public_url)
            if not down:  # else ask again at the next request
                self._merged = (time.monotonic(), document)
            return document


@router.get("/api/openapi.json")
async def document(request: Request) -> Response:
    """The public API."""
    app: FastAPI = request.app
    gateway: Any = app.state.service
    return as_json(await gateway.document.get(_own(app)))


def _own(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi()
    assert app.openapi_schema is not None
    return app.openapi_schema


def merge(parts: dict[str, Any], own: dict[str, Any], public_url: str) -> dict[str, Any]:
    """One document out of many. Of a service only what is reachable through the gateway."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    for service, part in (*parts.items(), ("gateway", own)):
        renamed = _take_schemas(schemas, service, part)
        for path, operations in part.get("paths", {}).items():
            if _is_public(service, path):
                taken = _with_refs(operations, renamed)
                paths[path] = {v: _complete(taken[v], v, path, service) for v in taken}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Everlog", "version": "1", "description": ABOUT},
        "servers": [{"url": public_url}],
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in sorted(_tags(paths))],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "parameters": {
                key: {
                    "name": name,
                    "in": "header",
                    "required": False,
                    "description": about,
                    "schema": {"type": "string"},
                }
                for key, (name, about) in _HEADERS.items()
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A session's token (POST /api/v1/sessions) or an API token.",
                }
            },
        },
    }


def _is_public(service: str, path: str) -> bool:
    word = word_of(path)
    return word in COMPOSED if service == "gateway" else PREFIXES.get(word) == service


def _take_schemas(schemas: dict[str, Any], service: str, part: dict[str, Any]) -> dict[str, str]:
    """Take over a part's schemas; one whose name is taken by another one gets the service's."""
    theirs = part.get("components", {}).get("schemas", {})
    renamed = {
        name: f"{service.title()}{name}"
        for name, schema in theirs.items()
        if name in schemas and schemas[name] != schema
    }
    for name, schema in theirs.items():
        if name not in ("HTTPValidationError", "ValidationError"):  # ours are problems
            schemas[renamed.get(name, name)] = _with_refs(schema, renamed)
    return renamed


def _with_refs(node: Any, renamed: dict[str, str]) -> Any:
    """A copy in which references point to the new names."""
    if isinstance(node, list):
        return [_with_refs(item, renamed) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: _with_refs(value, renamed) for key, value in node.items()}
    reference = copy.get("$ref")
    if isinstance(reference, str) and reference.startswith(_REF):
        name = reference.removeprefix(_REF)
        copy["$ref"] = _REF + renamed.get(name, name)
    return copy


def _complete(operation: Any, verb: str, path: str, service: str) -> Any:
    """An operation with what all of them have in common."""
    if verb not in _VERBS:
        return operation
    refused = {
        "description": "Refused; the problem says why and what to do.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}}},
    }
    responses = {k: v for k, v in operation.get("responses", {}).items() if k != "422"}
    given = operation.get("parameters", [])
    names = {str(p.get("name", "")).lower() for p in given}
    added = [
        {"$ref": f"#/components/parameters/{key}"}
        for key in _HEADERS_OF[verb]
        if _HEADERS[key][0].lower() not in names
    ]
    return {
        **operation,
        "tags": operation.get("tags") or [service],
        "parameters": [*given, *added],
        "responses": {**responses, "default": refused},
        **({"security": []} if (verb, path) in _PUBLIC else {}),
    }


def _tags(paths: dict[str, Any]) -> Iterator[str]:
    found = set()
    for operations in paths.values():
        for operation in operations.values():
            if isinstance(operation, dict):
                found.update(operation.get("tags", []))
    yield from found
