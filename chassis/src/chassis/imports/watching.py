"""Imports as they are seen: how far they are, what a check found, and the rows that failed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response

from chassis.errors import Forbidden, NotFound
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import Principal
from chassis.http.reading import Read, Reading
from chassis.imports.model import ImportKind
from chassis.imports.parsing import formula_safe
from chassis.imports.sealing import Seal
from chassis.imports.store import HEADERS, Example, Refusal
from chassis.postgres.database import Record
from chassis.service import Service

RUN = "imports.run"
UPLOAD_S = 60.0
"""How long the database may take for a file."""
_SHOWN = """
id, kind as type, file_name, status, dry_run, rows, position, created, updated, skipped, failed,
removed, notes, error, asked_name, asked_at, finished_at, mapping, options, format, preset,
encoding, delimiter, undoes, key,
(select u.id from imports.jobs u where u.workspace_id = jobs.workspace_id and u.undoes = jobs.id
    and not u.dry_run and u.status <> 'failed') as undone_by
"""
_VISIBLE = "workspace_id = $1 and kind = any($2) and ($3::uuid is null or asked_by = $3)"
_LIST = f"""
select {_SHOWN} from imports.jobs where {_VISIBLE} and ($4::uuid is null or id < $4)
 order by id desc limit $5
"""  # noqa: S608 - all of it stands here
_ONE = f"""
select {_SHOWN}
  from imports.jobs where {_VISIBLE} and id = $4
"""  # noqa: S608 - all of it stands here
_ROWS = """
select number, sealed from imports.refusals
 where workspace_id = $1 and import_id = $2 and number > $3 order by number limit $4
"""
_EXAMPLES = """
select number, sealed from imports.examples where workspace_id = $1 and import_id = $2
 order by number
"""
_HEADERS = "select headers from imports.uploads where workspace_id = $1 and import_id = $2"
_ALL = 2**31 - 1


def add_watching(router: APIRouter, kinds: Sequence[ImportKind]) -> None:
    """The endpoints that read."""

    @router.get("")
    async def list_imports(read: Reading, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Imports of this workspace that I may see, the latest first."""
        items, following = await jobs_of(read, kinds, limit, cursor)
        return read.json({"items": [_shown(row) for row in items], "next": following})

    @router.get("/{import_id}")
    async def one_import(read: Reading, import_id: UUID) -> Response:
        """How far an import is, and what became of its rows."""
        return read.json(_shown(await job_of(read, kinds, import_id)))

    @router.get("/{import_id}/errors.csv")
    async def errors_file(request: Request, read: Reading, import_id: UUID) -> Response:
        """The rows that failed, with the reason, ready to be mended and sent again."""
        job = await job_of(read, kinds, import_id)
        headers, refusals = await refused_rows(request.app.state.service, read, job, 0, _ALL)
        text = f"\ufeff{_errors_csv(headers, refusals)}"
        name = f'attachment; filename="import-{import_id}-errors.csv"'
        return Response(text, media_type="text/csv", headers={"Content-Disposition": name})

    @router.get("/{import_id}/errors")
    async def errors(
        request: Request,
        read: Reading,
        import_id: UUID,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """The rows that failed, cell by cell, with the reason and the field that it is about."""
        job = await job_of(read, kinds, import_id)
        after = decode_cursor(cursor, [int])[0] if cursor else 0
        service = request.app.state.service
        headers, refusals = await refused_rows(service, read, job, after, limit + 1)
        items, following = page(refusals, limit, lambda each: [each.number])
        mapping = job["mapping"]
        columns = [{"name": name, "field": mapping.get(name)} for name in headers]
        rows = [
            {"row": e.number, "reason": e.reason, "field": e.field, "cells": e.cells} for e in items
        ]
        return read.json({"columns": columns, "items": rows, "next": following})

    @router.get("/{import_id}/examples")
    async def examples(request: Request, read: Reading, import_id: UUID) -> Response:
        """A few rows of a check, and what they would change: each field before and after."""
        job = await job_of(read, kinds, import_id)
        found: list[Example] = []
        if job["key"] is not None:
            async with read.connection() as connection:
                rows = await connection.fetch(_EXAMPLES, read.principal.workspace, import_id)
            seal = _seal(request.app.state.service, read, job)
            found = [Example.opened(seal, row["number"], row["sealed"]) for row in rows]
        return read.json({"items": msgspec.to_builtins(found)})


async def refused_rows(
    service: Service, read: Read, job: Record, after: int, most: int
) -> tuple[list[str], list[Refusal]]:
    """The columns and the rows that failed. Raises NotFound if they are not kept any more."""
    if job["failed"] and job["key"] is None:
        raise NotFound(
            "The rows with errors of this import are not kept any more: their time is over, or "
            "somebody in this workspace was erased since. Send the file again to get them.",
            code="not-kept",
        )
    if job["key"] is None:
        return [], []
    place = read.principal.workspace, job["id"]
    async with read.connection(patience_s=UPLOAD_S) as connection:
        rows = await connection.fetch(_ROWS, *place, after, most)
        headers = await connection.fetchval(_HEADERS, *place)
    seal = _seal(service, read, job)
    refusals = [Refusal.opened(seal, row["number"], row["sealed"]) for row in rows]
    return list(msgspec.json.decode(seal.open(HEADERS, headers))) if headers else [], refusals


def _seal(service: Service, read: Read, job: Record) -> Seal:
    return Seal.of(service.keyring, read.principal.workspace, job["id"], job["key"])


def visible(
    who: Principal, kinds: Sequence[ImportKind], needed: str = RUN
) -> tuple[UUID, list[str], UUID | None]:
    """Workspace, kinds, and whose imports somebody may see (None: all). Raises Forbidden."""
    if not who.may(needed):
        raise lacks(who, needed)
    own = None if who.visible_owners() is None else who.user_id
    return who.workspace, [kind.name for kind in kinds if who.may(kind.permission)], own


def lacks(principal: Principal, permission: str) -> Forbidden:
    """The refusal of somebody whose role does not allow this."""
    return Forbidden(
        f"The role {principal.role} lacks the permission '{permission}'. Ask an administrator of "
        "your workspace.",
        permission=permission,
    )


async def jobs_of(
    read: Read,
    kinds: Sequence[ImportKind],
    limit: int,
    cursor: str | None,
    needed: str = RUN,
) -> tuple[Sequence[Record], str | None]:
    """A page of the imports that I may see, the latest first, and the cursor of the next page."""
    before = decode_cursor(cursor, [UUID])[0] if cursor else None
    seen = visible(read.principal, kinds, needed)
    async with read.connection() as connection:
        rows = await connection.fetch(_LIST, *seen, before, limit + 1)
    return page(rows, limit, lambda row: [row["id"]])


async def job_of(
    read: Read, kinds: Sequence[ImportKind], import_id: UUID, needed: str = RUN
) -> Record:
    """An import that I may see. Raises NotFound."""
    async with read.connection() as connection:
        row = await connection.fetchrow(_ONE, *visible(read.principal, kinds, needed), import_id)
    if row is None:
        noun = kinds[0].noun
        raise NotFound(f"There is no such {noun} in this workspace, or it is not yours to see.")
    return row


def _shown(row: Record) -> dict[str, Any]:
    shown = dict(row)
    kept = shown.pop("key") is not None and row["failed"] > 0
    shown["errors_url"] = f"/api/v1/imports/{row['id']}/errors.csv" if kept else None
    return shown


def _errors_csv(headers: Sequence[str], refusals: Sequence[Refusal]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*headers, "row", "error"])
    for refusal in refusals:
        padded = [*refusal.cells, *[""] * (len(headers) - len(refusal.cells))]
        row = [formula_safe(cell) for cell in padded[: len(headers)]]
        writer.writerow([*row, refusal.number, refusal.reason])
    return out.getvalue()
