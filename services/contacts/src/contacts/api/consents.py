"""The ledger of consents over HTTP: every change of every consent, with how it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.http.paging import Cursor, Limit
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.postgres.database import Connection
from contacts.api.access import Names, fetch_names, user_in
from contacts.api.csv_files import csv_answer, csv_text, note_export, refuse_more
from contacts.api.points import Span, span
from contacts.domain import export
from contacts.domain.person import PERSON
from contacts.read_models.consent_ledger import LedgerWanted, fetch_ledger, fetch_ledger_words
from contacts.read_models.survivors import fetch_records, fetch_survivors

router = APIRouter(prefix="/consents", tags=["contacts"])
reads = Depends(require("contacts.read"))

_AT_ONCE = 1_000
_PATIENCE_S = 60.0
_IMPORTS = """
select id, file_name, undoes is not null as taken_back from imports.jobs
 where workspace_id = $1 and id = any($2)
"""
_COLUMNS = (
    "at",
    "recorded_at",
    "person_id",
    "person",
    "channel",
    "purpose",
    "agreed",
    "text_version",
    "source",
    "known_by",
    "written_down_by",
    "agrees_now",
    "event_id",
)
_SAID = {True: "yes", False: "no", None: ""}


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What the ledger can be narrowed to; a dependency."""

    time: Annotated[Span, Depends(span)]
    channel: Annotated[str | None, Query(max_length=30)] = None
    purpose: Annotated[str | None, Query(max_length=200)] = None
    state: Annotated[Literal["given", "withdrawn"] | None, Query()] = None
    source: Annotated[str | None, Query(max_length=200, description="A part of it.")] = None
    person: Annotated[UUID | None, Query(description="With all records merged into theirs.")] = None

    def told(self) -> dict[str, str]:
        """The filters as the register of exports keeps them: not what somebody typed to search."""
        said = {
            "channel": self.channel,
            "purpose": self.purpose,
            "state": self.state,
            "source": "(some words)" if self.source else None,
            "from": self.time.since and self.time.since.isoformat(),
            "to": self.time.until and self.time.until.isoformat(),
        }
        return {name: value for name, value in said.items() if value}


Asked = Annotated[LedgerFilter, Depends()]


@router.get("", dependencies=[reads])
async def list_consents(
    read: Reading, asked: Asked, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Changes of consents, the latest first, with how each is known and whether it holds now."""
    async with read.connection() as connection:
        wanted = replace(await _wanted(connection, read, asked), limit=limit, cursor=cursor)
        items, following = await _page(connection, wanted)
    return read.json({"items": items, "next": following})


@router.get("/words", dependencies=[reads])
async def list_words(read: Reading) -> Response:
    """The channels and purposes of which the ledger tells."""
    read.principal.visible_owners()
    async with read.connection() as connection:
        return read.json(await fetch_ledger_words(connection, read.principal.workspace))


@router.get("/export", dependencies=[reads])
async def export_consents(request: Request, read: Reading, asked: Asked) -> Response:
    """The same as CSV, all of it; the register of exports notes who took it."""
    rows: list[dict[str, Any]] = []
    async with read.connection(patience_s=_PATIENCE_S) as connection:
        wanted = replace(await _wanted(connection, read, asked), limit=_AT_ONCE)
        while True:
            items, following = await _page(connection, wanted)
            rows += map(_row, items)
            refuse_more(len(rows))
            if following is None:
                break
            wanted = replace(wanted, cursor=following)
    people = {row["person_id"] for row in rows}
    noted = await note_export(
        request,
        read.principal,
        export.CONSENTS,
        rows=len(rows),
        people=len(people),
        person_id=asked.person,
        filters=asked.told(),
    )
    return csv_answer("consents.csv", csv_text(_COLUMNS, rows), noted)


async def _wanted(connection: Connection, read: Read, asked: LedgerFilter) -> LedgerWanted:
    workspace = read.principal.workspace
    people: tuple[UUID, ...] = ()
    if asked.person is not None:
        into = await fetch_survivors(connection, workspace, [asked.person])
        answering = into.get(asked.person, asked.person)
        people = tuple(await fetch_records(connection, workspace, answering))
    return LedgerWanted(
        workspace,
        read.principal.visible_owners(),
        people,
        asked.channel,
        asked.purpose,
        None if asked.state is None else asked.state == "given",
        asked.source,
        asked.time.since,
        asked.time.until,
    )


async def _page(
    connection: Connection, wanted: LedgerWanted
) -> tuple[list[dict[str, Any]], str | None]:
    rows, following = await fetch_ledger(connection, wanted)
    runs = {row["correlation_id"] for row in rows}
    imports = {
        found["id"]: found
        for found in await connection.fetch(_IMPORTS, wanted.workspace, list(runs))
    }
    users = {user_in(row["actor"]) for row in rows}
    names = await fetch_names(connection, wanted.workspace, users=users)
    return [_shown(row, imports, names) for row in rows], following


_NOT_SHOWN = ("origin", "via", "broadcast", "correlation_id", "causation_id")


def _shown(
    row: Mapping[str, Any], imports: Mapping[UUID, Mapping[str, Any]], names: Names
) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in _NOT_SHOWN}
    return {
        **shown,
        "proof": _proof(row, imports.get(row["correlation_id"])),
        "actor": names.actor(row["actor"]),
    }


def _proof(row: Mapping[str, Any], job: Mapping[str, Any] | None) -> dict[str, Any]:
    """How a change is known: a link in a mail, a file, an undo, or somebody who wrote it down."""
    if row["origin"] != PERSON.category:
        return {"kind": "unsubscribe", "via": row["via"], "broadcast": row["broadcast"]}
    if job is not None:
        kind = "import-taken-back" if job["taken_back"] else "import"
        return {"kind": kind, "import_id": job["id"], "file_name": job["file_name"]}
    if row["causation_id"] is not None:
        return {"kind": "undo", "change_id": row["causation_id"]}
    return {"kind": "written-down"}


def _known_by(proof: Mapping[str, Any]) -> str:
    match proof["kind"]:
        case "unsubscribe":
            mailing = (proof["broadcast"] or {}).get("name")
            return f"unsubscribed: {proof['via']}" + (f", {mailing}" if mailing else "")
        case "import" | "import-taken-back" as kind:
            return f"{kind.replace('-', ' ')}: {proof['file_name']}"
        case "undo":
            return f"undo of the change {proof['change_id']}"
        case _:
            return "written down"


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: item[name] for name in _COLUMNS if name in item},
        "person_id": item["person"]["id"],
        "person": item["person"]["name"],
        "agreed": _SAID[item["given"]],
        "known_by": _known_by(item["proof"]),
        "written_down_by": item["actor"]["name"],
        "agrees_now": _SAID[item["now"]],
        "event_id": item["id"],
    }
