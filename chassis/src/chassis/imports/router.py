"""Imports over HTTP: look at a file, send it, watch it, fetch the rows that failed.

Whoever may run a kind of import sees those of that kind; who sees only their own records, only
those imports that they have started: what a file says is as good as records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from chassis.imports.reading import read
from chassis.imports.sealing import Seal
from chassis.imports.sheet import Sheet
from chassis.imports.store import CONTENT, HEADERS
from chassis.imports.undoing import add_undoing
from chassis.imports.watching import RUN, UPLOAD_S, add_watching, lacks
from chassis.ports import Context
from chassis.postgres.commands import claim_key

_INSERT = """
insert into imports.jobs (workspace_id, id, kind, file_name, encoding, delimiter, mapping, options,
    dry_run, owners, status, rows, asked_by, asked_name, asked_at, key, format, preset)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'checking', $11, $12, $13, $14, $15, $16, $17)
"""
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
            preset=told,
            columns=columns,
            content=content,
            options=options_of(_json_object(options, "options"), told, sheet, columns, kind),
            dry_run=dry_run,
        )
        context = keyed(request, principal, upload.said())
        known = await _enqueue(request.app.state.service, upload, context)
        thing = known or f"import-{context.correlation_id}"
        where = f"/api/v1/imports/{id_of(thing)}"
        return accepted(thing, replayed=known is not None, Location=where)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent, and what is to be done with it."""

    principal: Principal
    kind: ImportKind
    file_name: str
    sheet: Sheet
    preset: Preset | None
    columns: dict[str, str]
    content: bytes
    options: dict[str, Any]
    dry_run: bool

    def said(self) -> bytes:
        """What is asked for: the body of the request is another one each time it is sent."""
        preset = self.preset.name if self.preset else None
        parts = (self.kind.name, self.file_name, self.columns, self.options, self.dry_run, preset)
        return msgspec.json.encode((*parts, hashlib.sha256(self.content).hexdigest()))


async def _enqueue(service: Any, upload: Upload, context: Context) -> str | None:
    """Keep the file and the job; a worker takes it from there. What was made of this request
    before, if it was made before."""
    principal, import_id = upload.principal, context.correlation_id
    workspace, visible = principal.workspace, principal.visible_owners()
    seal, key = Seal.new(service.keyring, workspace, import_id)
    async with (
        service.api.connection(workspace, patience_s=UPLOAD_S) as connection,
        connection.transaction(),
    ):
        now = service.clock.now()
        known = await claim_key(connection, context, f"import-{import_id}", now)
        if known is not None:
            return known
        await connection.execute(
            _INSERT,
            workspace,
            import_id,
            upload.kind.name,
            upload.file_name,
            upload.sheet.encoding,
            upload.sheet.delimiter,
            upload.columns,
            upload.options,
            upload.dry_run,
            None if visible is None else [str(owner) for owner in visible],
            sum(1 for _ in upload.sheet.rows()),
            principal.user_id,
            principal.name,
            now,
            key,
            upload.sheet.format,
            upload.preset.name if upload.preset else None,
        )
        await connection.execute(
            "insert into imports.uploads values ($1, $2, $3, $4)",
            workspace,
            import_id,
            seal.close(HEADERS, msgspec.json.encode(upload.sheet.headers)),
            seal.close(CONTENT, upload.content),
        )
    return None


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
