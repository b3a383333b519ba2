"""Keeping what is to be done, so that a worker does it: the job and, sealed, its file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from chassis.http.principal import Principal
from chassis.imports.model import ImportKind, Preset
from chassis.imports.sealing import Seal
from chassis.imports.sheet import Sheet
from chassis.imports.store import CONTENT, HEADERS
from chassis.imports.watching import UPLOAD_S
from chassis.ports import Context
from chassis.postgres.commands import claim_key

_INSERT = """
insert into imports.jobs (workspace_id, id, kind, file_name, encoding, delimiter, mapping, options,
    dry_run, owners, status, rows, asked_by, asked_name, asked_at, key, format, preset)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'checking', $11, $12, $13, $14, $15, $16, $17)
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent, and what is to be done with it. `rows`: how many are in the sheet."""

    principal: Principal
    kind: ImportKind
    file_name: str
    sheet: Sheet
    rows: int
    columns: dict[str, str]
    content: bytes
    preset: Preset | None = None
    options: dict[str, Any] | None = None
    dry_run: bool = False

    def said(self) -> bytes:
        """What is asked for: the body of the request is another one each time it is sent."""
        preset = self.preset.name if self.preset else None
        parts = (self.kind.name, self.file_name, self.columns, self.options, self.dry_run, preset)
        return msgspec.json.encode((*parts, hashlib.sha256(self.content).hexdigest()))


async def enqueue(service: Any, upload: Upload, context: Context) -> str | None:
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
            upload.options or {},
            upload.dry_run,
            None if visible is None else [str(owner) for owner in visible],
            upload.rows,
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
