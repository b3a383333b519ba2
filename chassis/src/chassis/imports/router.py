"""Imports over HTTP: look at a file, send it, watch it, fetch the rows that failed.

Whoever may run a kind of import sees those of that kind; who sees only their own records, only
those imports that they have started: what a file says is as good as records.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from chassis.errors import BadInput, Forbidden, NotFound
from chassis.events import id_of
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import Principal, principal_of
from chassis.http.reading import Reading
from chassis.http.writing import accepted, keyed
from chassis.imports.mapping import check, guess
from chassis.imports.model import ImportKind
from chassis.imports.parsing import Sheet, formula_safe, parse
from chassis.imports.sealing import Seal
from chassis.imports.store import CONTENT, HEADERS, Refusal
from chassis.ports import Context
from chassis.postgres.commands import claim_key
from chassis.postgres.database import Record

_SAMPLES = 3
_RUN = "imports.run"
_SHOWN = """
id, kind as type, file_name, status, dry_run, rows, position, created, updated, skipped, failed,
notes, error, asked_name, asked_at, finished_at, mapping, encoding, delimiter, key
"""
_INSERT = """
insert into imports.jobs (workspace_id, id, kind, file_name, encoding, delimiter, mapping, options,
    dry_run, owners, status, rows, asked_by, asked_name, asked_at, key)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'checking', $11, $12, $13, $14, $15)
"""
_VISIBLE = "workspace_id = $1 and kind = any($2) and ($3::uuid is null or asked_by = $3)"
_LIST = f"""
select {_SHOWN} from imports.jobs where {_VISIBLE} and ($4::uuid is null or id < $4)
 order by id desc limit $5
"""  # noqa: S608 - all of it stands here
_ONE = f"select {_SHOWN} from imports.jobs where {_VISIBLE} and id = $4"  # noqa: S608
_ROWS = """
select number, sealed from imports.refusals where workspace_id = $1 and import_id = $2
 order by number
"""
_HEADERS = "select headers from imports.uploads where workspace_id = $1 and import_id = $2"
_UPLOAD_S = 60.0
"""How long the database may take for a file."""

TypeField = Annotated[str, Form(alias="type", description="What the rows are.")]
FileField = Annotated[UploadFile, File(description="CSV; encoding and delimiter are guessed.")]


KindOf = Callable[[str, Principal], ImportKind]


def import_router(kinds: Sequence[ImportKind]) -> APIRouter:
    """The endpoints for these kinds of imports."""
    router = APIRouter(prefix="/imports", tags=["imports"])
    by_name = {kind.name: kind for kind in kinds}

    def kind_of(name: str, principal: Principal) -> ImportKind:
        kind = by_name.get(name)
        if kind is None:
            raise BadInput(f"There is no import of {name} here; there are {sorted(by_name)}.")
        for permission in (_RUN, kind.permission):
            if not principal.may(permission):
                raise _lacks(principal, permission)
        return kind

    _add_sending(router, kind_of)
    _add_watching(router, kinds)
    return router


def _add_sending(router: APIRouter, kind_of: KindOf) -> None:
    @router.post("/preview")
    async def preview(request: Request, type_: TypeField, file: FileField) -> Response:
        """What a file looks like: columns with samples, the guessed mapping, the fields."""
        kind = kind_of(type_, await principal_of(request))
        sheet = parse(await file.read())
        return _json(_preview(sheet, kind))

    @router.post("", status_code=202)
    async def start(
        request: Request,
        type_: TypeField,
        file: FileField,
        mapping: Annotated[str, Form(description="`auto`, or JSON: column → field.")] = "auto",
        dry_run: Annotated[bool, Form(description="Only check; nothing is written.")] = False,
        options: Annotated[str, Form(description="JSON; depends on the type.")] = "{}",
    ) -> Response:
        """Import a file; the answer comes at once, the work is done in the background."""
        principal = await principal_of(request)
        kind = kind_of(type_, principal)
        content = await file.read()
        sheet = parse(content)
        upload = Upload(
            principal=principal,
            kind=kind,
            file_name=file.filename or "file.csv",
            sheet=sheet,
            columns=_mapping_of(mapping, sheet, kind),
            content=content,
            options=_json_object(options, "options"),
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
    columns: dict[str, str]
    content: bytes
    options: dict[str, Any]
    dry_run: bool

    def said(self) -> bytes:
        """What is asked for: the body of the request is another one each time it is sent."""
        parts = (self.kind.name, self.file_name, self.columns, self.options, self.dry_run)
        return msgspec.json.encode((*parts, hashlib.sha256(self.content).hexdigest()))


async def _enqueue(service: Any, upload: Upload, context: Context) -> str | None:
    """Keep the file and the job; a worker takes it from there. What was made of this request
    before, if it was made before."""
    principal, import_id = upload.principal, context.correlation_id
    workspace, visible = principal.workspace, principal.visible_owners()
    seal, key = Seal.new(service.keyring, workspace, import_id)
    async with (
        service.api.connection(workspace, patience_s=_UPLOAD_S) as connection,
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
        )
        await connection.execute(
            "insert into imports.uploads values ($1, $2, $3, $4)",
            workspace,
            import_id,
            seal.close(HEADERS, msgspec.json.encode(upload.sheet.headers)),
            seal.close(CONTENT, upload.content),
        )
    return None


def _add_watching(router: APIRouter, kinds: Sequence[ImportKind]) -> None:
    @router.get("")
    async def list_imports(read: Reading, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Imports of this workspace that I may see, the latest first."""
        before = decode_cursor(cursor, [UUID])[0] if cursor else None
        visible = _visible(read.principal, kinds)
        async with read.connection() as connection:
            rows = await connection.fetch(_LIST, *visible, before, limit + 1)
        items, following = page(rows, limit, lambda row: [row["id"]])
        return read.json({"items": [_shown(row) for row in items], "next": following})

    @router.get("/{import_id}")
    async def one_import(read: Reading, import_id: UUID) -> Response:
        """How far an import is, and what became of its rows."""
        return read.json(_shown(await _job(read, kinds, import_id)))

    @router.get("/{import_id}/errors.csv")
    async def errors(request: Request, read: Reading, import_id: UUID) -> Response:
        """The rows that failed, with the reason, ready to be mended and sent again."""
        job = await _job(read, kinds, import_id)
        workspace = read.principal.workspace
        if job["failed"] and job["key"] is None:
            raise NotFound(
                "The rows with errors of this import are not kept any more: their time is over, or "
                "somebody in this workspace was erased since. Send the file again to get them.",
                code="not-kept",
            )
        text = "row,error\r\n"
        if job["key"] is not None:
            async with read.connection(patience_s=_UPLOAD_S) as connection:
                rows = await connection.fetch(_ROWS, workspace, import_id)
                headers = await connection.fetchval(_HEADERS, workspace, import_id)
            seal = Seal.of(request.app.state.service.keyring, workspace, import_id, job["key"])
            refusals = [Refusal.opened(seal, row["number"], row["sealed"]) for row in rows]
            text = _errors_csv(msgspec.json.decode(seal.open(HEADERS, headers)), refusals)
        text = f"\ufeff{text}"
        name = f'attachment; filename="import-{import_id}-errors.csv"'
        return Response(text, media_type="text/csv", headers={"Content-Disposition": name})


def _visible(who: Principal, kinds: Sequence[ImportKind]) -> tuple[UUID, list[str], UUID | None]:
    """Workspace, kinds, and whose imports somebody may see (None: all). Raises Forbidden."""
    if not who.may(_RUN):
        raise _lacks(who, _RUN)
    own = None if who.visible_owners() is None else who.user_id
    return who.workspace, [kind.name for kind in kinds if who.may(kind.permission)], own


def _lacks(who: Principal, permission: str) -> Forbidden:
    return Forbidden(
        f"The role {who.role} lacks the permission '{permission}'. Ask an administrator of your "
        "workspace.",
        permission=permission,
    )


async def _job(read: Reading, kinds: Sequence[ImportKind], import_id: UUID) -> Record:
    async with read.connection() as connection:
        row = await connection.fetchrow(_ONE, *_visible(read.principal, kinds), import_id)
    if row is None:
        raise NotFound("There is no such import in this workspace, or it is not yours to see.")
    return row


def _shown(row: Record) -> dict[str, Any]:
    shown = dict(row)
    kept = shown.pop("key") is not None and row["failed"] > 0
    shown["errors_url"] = f"/api/v1/imports/{row['id']}/errors.csv" if kept else None
    return shown


def _preview(sheet: Sheet, kind: ImportKind) -> dict[str, Any]:
    samples: list[list[str]] = [[] for _ in sheet.headers]
    rows = 0
    for number, cells in sheet.rows():
        rows = number
        for index, cell in enumerate(cells[: len(samples)]):
            if cell.strip() and len(samples[index]) < _SAMPLES:
                samples[index].append(cell.strip())
    return {
        "type": kind.name,
        "encoding": sheet.encoding,
        "delimiter": sheet.delimiter,
        "rows": rows,
        "columns": [
            {"name": header, "samples": found}
            for header, found in zip(sheet.headers, samples, strict=True)
        ],
        "mapping": guess(sheet.headers, kind.fields),
        "fields": [{"name": f.name, "label": f.label, "required": f.required} for f in kind.fields],
    }


def _mapping_of(mapping: str, sheet: Sheet, kind: ImportKind) -> dict[str, str]:
    if mapping.strip() in ("", "auto"):
        return check(guess(sheet.headers, kind.fields), sheet.headers, kind.fields)
    given = _json_object(mapping, "mapping")
    return check({str(k): str(v or "") for k, v in given.items()}, sheet.headers, kind.fields)


def _json_object(text: str, name: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise BadInput(f"{name} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{name} must be a JSON object.")
    return value


def _errors_csv(headers: Sequence[str], refusals: Sequence[Refusal]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*headers, "row", "error"])
    for refusal in refusals:
        padded = [*refusal.cells, *[""] * (len(headers) - len(refusal.cells))]
        row = [formula_safe(cell) for cell in padded[: len(headers)]]
        writer.writerow([*row, refusal.number, refusal.reason])
    return out.getvalue()


def _json(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        msgspec.json.encode(body), status, headers=headers, media_type="application/json"
    )
