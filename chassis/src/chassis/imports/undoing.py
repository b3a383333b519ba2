"""Taking an import back: a job of its own, of which the rows are the records it wrote to.

Nothing is removed from the log: what takes a change back is an event like any other, by whoever
asked for it. A record that somebody changed since keeps what they wrote, and is listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from chassis.errors import Conflict
from chassis.events import id_of
from chassis.http.principal import Principal, principal_of
from chassis.http.reading import Reading
from chassis.http.writing import accepted, keyed
from chassis.imports.model import ImportKind
from chassis.imports.sealing import Seal
from chassis.imports.store import HEADERS
from chassis.imports.touching import touched
from chassis.imports.watching import UPLOAD_S, job_of
from chassis.ports import Context
from chassis.postgres.commands import claim_key
from chassis.postgres.database import Connection, Record

_LISTED = ["Name", "Field", "Now", "Before the import"]
_INSERT = """
insert into imports.jobs (workspace_id, id, kind, file_name, encoding, delimiter, mapping, options,
    dry_run, owners, status, rows, asked_by, asked_name, asked_at, key, undoes)
values ($1, $2, $3, $4, '', '', '{}', '{}', $5, $6, 'checking', $7, $8, $9, $10, $11, $12)
on conflict (workspace_id, undoes) where not dry_run and status <> 'failed' do nothing
"""


_WHOLE = """
select exists (select from imports.jobs j
    where j.workspace_id = $1 and j.id = $2 and j.kind = any($3) and j.undoes is null
      and not j.dry_run
      and not exists (select from imports.jobs u where u.workspace_id = $1 and u.undoes = j.id
                         and not u.dry_run and u.status <> 'failed'))
"""


async def can_be_taken_back(
    connection: Connection, workspace: UUID, import_id: UUID, kinds: Sequence[ImportKind]
) -> bool:
    """Whether this is an import, and one that can still be taken back as a whole."""
    undoable = [kind.name for kind in kinds if kind.undo is not None]
    return bool(await connection.fetchval(_WHOLE, workspace, import_id, undoable))


def add_undoing(router: APIRouter, kinds: Sequence[ImportKind]) -> None:
    """The endpoint that takes an import back."""
    by_name = {kind.name: kind for kind in kinds}

    @router.post("/{import_id}/undo", status_code=202)
    async def undo(
        request: Request,
        read: Reading,
        import_id: UUID,
        preview: Annotated[bool, Query(description="Only find out what it would do.")] = False,
    ) -> Response:
        """Take an import back, once: what it made goes, what it changed is as before, unless
        somebody changed it since. The answer is an import again, to be watched like one."""
        job = await job_of(read, kinds, import_id)
        undo_id, replayed = await enqueue_undoing(request, job, by_name[job["type"]], preview)
        where = f"/api/v1/imports/{undo_id}"
        return accepted(f"import-{undo_id}", replayed=replayed, Location=where)


async def enqueue_undoing(
    request: Request, job: Record, kind: ImportKind, preview: bool
) -> tuple[UUID, bool]:
    """Keep the job that takes this one back: its id, and whether this was asked for before.

    Raises Conflict if that cannot be, or was done already."""
    _check(job, kind)
    principal = await principal_of(request)
    context = keyed(request, principal, msgspec.json.encode(("undo", str(job["id"]), preview)))
    known = await _enqueue(request.app.state.service, principal, (job, kind), context, preview)
    return (id_of(known) if known else context.correlation_id), known is not None


def _check(job: Record, kind: ImportKind) -> None:
    if kind.undo is None:
        raise Conflict(f"An import of {kind.name} cannot be taken back.", code="not-undoable")
    if job["undoes"] is not None or job["dry_run"]:
        raise Conflict("A check or an undoing cannot be taken back.", code="not-undoable")
    if job["finished_at"] is None:
        raise Conflict(
            f"This {kind.noun} is under way. Take it back when it is over.", code="under-way"
        )


async def _enqueue(
    service: Any,
    principal: Principal,
    undone: tuple[Record, ImportKind],
    context: Context,
    preview: bool,
) -> str | None:
    """Keep the job. What was made of this request before, if it was made before."""
    job, kind = undone
    workspace, undo_id = principal.workspace, context.correlation_id
    owners = principal.visible_owners()
    seal, key = Seal.new(service.keyring, workspace, undo_id)
    async with (
        service.api.connection(workspace, patience_s=UPLOAD_S) as connection,
        connection.transaction(),
    ):
        now = service.clock.now()
        known = await claim_key(connection, context, f"import-{undo_id}", now)
        if known is not None:
            return known
        streams = await touched(connection, workspace, job)
        done = await connection.execute(
            _INSERT,
            workspace,
            undo_id,
            job["type"],
            job["file_name"],
            preview,
            None if owners is None else [str(owner) for owner in owners],
            len(streams),
            principal.user_id,
            principal.name,
            now,
            key,
            job["id"],
        )
        if done != "INSERT 0 1":
            raise Conflict(f"This {kind.noun} was taken back already.", code="undone-already")
        headers = seal.close(HEADERS, msgspec.json.encode(_LISTED))
        await connection.execute(
            "insert into imports.uploads (workspace_id, import_id, headers) values ($1, $2, $3)",
            workspace,
            undo_id,
            headers,
        )
    return None
