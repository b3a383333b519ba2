"""Imports over HTTP: look at a file, send it, watch it, fetch the rows that failed.

Whoever may run a kind of import sees those of that kind; who sees only their own records, only
those imports that they have started: what a file says is as good as records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from chassis.errors import BadInput
from chassis.events import id_of
from chassis.http.principal import Principal, principal_of
from chassis.http.writing import accepted, keyed
from chassis.imports.mapping import check, suggest
from chassis.imports.model import ImportKind, Preset
from chassis.imports.previewing import AUTO, options_of, preset_of, preview
from chassis.imports.queueing import Upload, enqueue
from chassis.imports.reading import read
from chassis.imports.sheet import Sheet
from chassis.imports.undoing import add_undoing
from chassis.imports.watching import RUN, add_watching, lacks

TypeField = Annotated[str, Form(alias="type", description="What the rows are.")]
FileField = Annotated[
    UploadFile, File(description="CSV or XLSX, of contacts vCard or jCard; found out by itself.")
]
PresetField = Annotated[
    str,
    Form(description="Which system wrote the file: `auto` (told by its columns), `none`, a name."),
]


KindOf = Callable[[str, Principal], ImportKind]


def import_router(kinds: Sequence[ImportKind]) -> APIRouter:
    """The endpoints for these kinds of imports."""
    router = APIRouter(prefix="/imports", tags=["imports"])
    by_name = {kind.name: kind for kind in kinds}

    def kind_of(name: str, principal: Principal) -> ImportKind:
        kind = by_name.get(name)
        if kind is None:
            raise BadInput(f"There is no import of {name} here; there are {sorted(by_name)}.")
        for permission in (RUN, kind.permission):
            if not principal.may(permission):
                raise lacks(principal, permission)
        return kind

    _add_looking(router, kinds, kind_of)
    _add_sending(router, kind_of)
    add_watching(router, kinds)
    add_undoing(router, kinds)
    return router


def _add_looking(router: APIRouter, kinds: Sequence[ImportKind], kind_of: KindOf) -> None:
    @router.post("/preview")
    async def preview_file(
        request: Request, type_: TypeField, file: FileField, preset: PresetField = AUTO
    ) -> Response:
        """What a file looks like: columns with samples, the system that wrote it, the guessed
        mapping, the fields."""
        kind = kind_of(type_, await principal_of(request))
        sheet = read(await file.read(), kind.readers)
        return _json(preview(sheet, kind, preset_of(preset, sheet, kind), kinds))


def _add_sending(router: APIRouter, kind_of: KindOf) -> None:
    @router.post("", status_code=202)
    async def start(
        request: Request,
        type_: TypeField,
        file: FileField,
        mapping: Annotated[str, Form(description="`auto`, or JSON: column → field.")] = AUTO,
        preset: PresetField = AUTO,
        dry_run: Annotated[bool, Form(description="Only check; nothing is written.")] = False,
        options: Annotated[str, Form(description="JSON; depends on the type.")] = "{}",
    ) -> Response:
        """Import a file; the answer comes at once, the work is done in the background."""
        principal = await principal_of(request)
        kind = kind_of(type_, principal)
        content = await file.read()
        sheet = read(content, kind.readers)
        told = preset_of(preset, sheet, kind)
        columns = _mapping_of(mapping, sheet, kind, told)
        upload = Upload(
            principal=principal,
            kind=kind,
            file_name=file.filename or "file.csv",
            sheet=sheet,
            rows=sum(1 for _ in sheet.rows()),
            preset=told,
            columns=columns,
            content=content,
            options=options_of(_json_object(options, "options"), told, sheet, columns, kind),
            dry_run=dry_run,
        )
        context = keyed(request, principal, upload.said())
        known = await enqueue(request.app.state.service, upload, context)
        thing = known or f"import-{context.correlation_id}"
        where = f"/api/v1/imports/{id_of(thing)}"
        return accepted(thing, replayed=known is not None, Location=where)


def _mapping_of(
    mapping: str, sheet: Sheet, kind: ImportKind, preset: Preset | None
) -> dict[str, str]:
    if mapping.strip() in ("", AUTO):
        given = suggest(sheet.headers, kind, preset)
    else:
        said = _json_object(mapping, "mapping")
        given = {str(column): str(field or "") for column, field in said.items()}
    return check(given, sheet.headers, kind.fields, kind.own)


def _json_object(text: str, name: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise BadInput(f"{name} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{name} must be a JSON object.")
    return value


def _json(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        msgspec.json.encode(body), status, headers=headers, media_type="application/json"
    )
