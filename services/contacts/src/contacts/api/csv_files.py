"""Answers that are files for spreadsheets, and the note that somebody took them out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import Request, Response

from chassis.decider import handle
from chassis.errors import BadInput
from chassis.http.principal import Principal
from chassis.ids import new_id
from chassis.imports.parsing import formula_safe
from chassis.ports import Appended, Context
from chassis.telemetry import traceparent
from contacts.domain.export import EXPORT, MakeExport

MOST_ROWS = 100_000


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV; a cell that a spreadsheet would run begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([formula_safe(_cell(row[name])) for name in columns] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def csv_answer(name: str, content: str, noted: Appended) -> Response:
    """A CSV file to be kept, once it is noted."""
    headers = {
        **token_of(noted),
        "Content-Disposition": f"attachment; filename={name}",
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")


def refuse_more(rows: int) -> None:
    """Raises BadInput above what one file holds."""
    if rows > MOST_ROWS:
        raise BadInput(
            f"That is more than {MOST_ROWS:,} rows, too many for one file. Ask for a shorter time.",
            field="from",
        )


def token_of(noted: Appended) -> dict[str, str]:
    """The header with which the register shows what was noted."""
    return {"Everlog-Token": f"{noted.stream}@{noted.version}"}


async def note_export(request: Request, who: Principal, kind: str, **what: Any) -> Appended:
    """Note that data of people is taken out, before it is: what cannot be noted is not handed
    out."""
    service = request.app.state.service
    context = Context(who.workspace, str(who.user_id), new_id(), traceparent=traceparent())
    command = MakeExport(new_id(), kind, at=service.clock.now(), **what)
    return await handle(service.log, EXPORT, command.export_id, command, context, new=True)
