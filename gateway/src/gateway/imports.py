"""Imports of every service behind one path: routed by type, listed together, found by id."""

from __future__ import annotations

from typing import Annotated, Any

import aiohttp
from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile

from chassis.errors import BadInput, NotFound, Unavailable
from chassis.http.paging import Cursor, Limit, encode_cursor
from chassis.http.principal import Principal, require
from gateway.asking import as_json, ask_all, asking, backend_of, handed_on
from gateway.backend import Answer
from gateway.routing import API, IMPORT_TYPES

router = APIRouter(prefix="/imports", tags=["imports"])

Importer = Annotated[Principal, Depends(require("imports.run"))]
_PATH = f"{API}/imports"
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "type"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV or XLSX, of contacts also vCard or jCard",
                        },
                        "type": {"type": "string", "enum": sorted(IMPORT_TYPES)},
                        "mapping": {
                            "type": "string",
                            "default": "auto",
                            "description": "`auto`, or JSON: column → field.",
                        },
                        "preset": {
                            "type": "string",
                            "default": "auto",
                            "description": "Which system wrote it: `auto`, `none`, or a name.",
                        },
                        "dry_run": {"type": "boolean", "default": False},
                        "options": {"type": "string", "default": "{}"},
                    },
                }
            }
        },
    }
}


@router.post("", status_code=202, openapi_extra=_FORM)
async def start(request: Request, _: Importer) -> Response:
    """Import a file; the answer comes at once, the work is done in the background."""
    return await _send_on(request, _PATH)


@router.post("/preview", openapi_extra=_FORM)
async def preview(request: Request, _: Importer) -> Response:
    """What a file looks like: columns with samples, the guessed mapping, the fields."""
    return await _send_on(request, f"{_PATH}/preview")


@router.get("")
async def list_imports(
    request: Request, _: Importer, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Imports of all types that I may see, the latest first."""
    params = {"limit": limit, "cursor": cursor}
    bodies, down = await ask_all(request, _services(request), _PATH, params=params)
    if down and not bodies:
        raise Unavailable(next(iter(down.values())))
    items: list[dict[str, Any]] = [item for body in bodies.values() for item in body["items"]]
    # Ids are UUIDv7 and every service pages by id: one position is right for all of them.
    items.sort(key=lambda item: str(item["id"]), reverse=True)
    more = len(items) > limit or any(body["next"] for body in bodies.values())
    kept = items[:limit]
    following = encode_cursor([kept[-1]["id"]]) if more and kept else None
    return as_json({"items": kept, "next": following, "down": down})


@router.get("/{import_id}")
async def one_import(request: Request, import_id: str, _: Importer) -> Response:
    """How far an import is, and what became of its rows."""
    return handed_on(await _find(request, f"{_PATH}/{import_id}"))


@router.get("/{import_id}/errors.csv")
async def errors_file(request: Request, import_id: str, _: Importer) -> Response:
    """The rows that failed, with the reason, ready to be mended and sent again."""
    return handed_on(await _find(request, f"{_PATH}/{import_id}/errors.csv"))


@router.get("/{import_id}/errors")
async def errors(
    request: Request, import_id: str, _: Importer, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The rows that failed, cell by cell, with the reason and the field that it is about."""
    params = {"limit": limit, "cursor": cursor}
    return handed_on(await _find(request, f"{_PATH}/{import_id}/errors", params=params))


@router.get("/{import_id}/examples")
async def examples(request: Request, import_id: str, _: Importer) -> Response:
    """A few rows of a check, and what they would change: each field before and after."""
    return handed_on(await _find(request, f"{_PATH}/{import_id}/examples"))


@router.post("/{import_id}/undo", status_code=202)
async def undo(request: Request, import_id: str, _: Importer, preview: bool = False) -> Response:
    """Take an import back, once: what it made goes, what it changed is as before, unless
    somebody changed it since. The answer is an import again, to be watched like one."""
    params = {"preview": str(preview).lower()}
    path = f"{_PATH}/{import_id}/undo"
    return handed_on(await _find(request, path, method="POST", params=params))


def _services(request: Request) -> list[str]:
    running = backend_of(request).upstreams
    return [name for name in dict.fromkeys(IMPORT_TYPES.values()) if name in running]


async def _find(request: Request, path: str, method: str = "GET", **more: Any) -> Answer:
    """What the service answers whose import it is. Raises NotFound, Unavailable."""
    names = _services(request)
    found = await backend_of(request).ask_each(
        {name: asking(request, method, path, **more) for name in names}
    )
    down = None
    for answer in found.values():
        if isinstance(answer, Unavailable):
            down = answer
        elif answer.status not in (404, 422) or _is_its_own(answer):
            return answer
    if down is not None:
        raise down
    raise NotFound("There is no such import in this workspace, or it is not yours to see.")


def _is_its_own(answer: Answer) -> bool:
    """Whether a service that answers 404 knows more about it than that there is no such import."""
    return answer.status == 404 and bool(answer.json().get("code") != "not-found")


async def _send_on(request: Request, path: str) -> Response:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise BadInput("Send multipart/form-data with the fields `file` and `type`.")
    # Files beyond 1 MB lie on disk while we look which service takes them.
    async with request.form(max_files=1, max_fields=20) as form:
        type_, file = form.get("type"), form.get("file")
        service = IMPORT_TYPES.get(type_) if isinstance(type_, str) else None
        if service is None:
            raise BadInput(
                f"Say with `type` what the rows are: one of {', '.join(sorted(IMPORT_TYPES))}.",
                errors=[{"pointer": "#/type", "detail": "unknown or missing"}],
            )
        if not isinstance(file, UploadFile):
            raise BadInput(
                "Send the file in the field `file`.",
                errors=[{"pointer": "#/file", "detail": "missing"}],
            )
        # Else a blank in a name would arrive as %20.
        sent = aiohttp.FormData(quote_fields=False)
        for name, value in form.multi_items():
            if isinstance(value, str):
                sent.add_field(name, value)
        name = "".join(letter for letter in file.filename or "" if letter.isprintable())
        sent.add_field("file", file.file, filename=name or "file.csv", content_type="text/csv")
        answer = await backend_of(request).ask(service, asking(request, "POST", path, content=sent))
    return handed_on(answer)
