"""Everything that is kept of one person, in one file, for whoever has a right to it.

GDPR Art. 15 (access) and Art. 20 (portability): JSON and CSV for programs and spreadsheets, a vCard
for address books. What other services know of the person is in the timeline.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from chassis.errors import NotFound
from chassis.events import Recorded
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from contacts.api.access import fetch_names, user_in
from contacts.api.csv_files import csv_text, note_export, token_of
from contacts.api.histories import Page, person_history
from contacts.api.records import answering, load, not_there, shown_person
from contacts.api.timelines import shown_timeline
from contacts.domain.export import PERSON_FILE
from contacts.domain.person import PERSON
from contacts.domain.person.events import ConsentGiven, ConsentWithdrawn
from contacts.domain.vcard_file import vcard
from contacts.read_models.person_record import fetch_person
from contacts.read_models.purchases import PurchasesWanted, fetch_purchases
from contacts.read_models.survivors import fetch_records
from contacts.read_models.timeline import TimelineWanted

router = APIRouter(prefix="/contacts/{person_id}", tags=["contacts"])

_AT_ONCE = 200
_ABOUT = """\
What is kept of you, as of {at}.

person.json     the record: names, addresses, numbers, companies, tags, what you agreed to
contact.vcf     the same for an address book (vCard 4.0)
consents.csv    when you agreed to what, and when not any more: on which channel, for what purpose,
                under which text, and who wrote it down
timeline.json   notes, calls, mailings, deals and purchases, the latest first
purchases.json  what you bought, line by line
history.json    every change of the record: who changed what and when, from what to what

Times are in UTC. Cells of CSV files that a spreadsheet would run as a formula begin with an
apostrophe.
"""

Rows = Sequence[Mapping[str, Any]]
Paged = Callable[[str | None], Awaitable[tuple[Rows, str | None]]]


@router.get("/export", dependencies=[Depends(require("contacts.read"))])
async def export(person_id: UUID, request: Request, read: Reading) -> Response:
    """Everything that is kept of a person: a zip of JSON, CSV and a vCard. The register of exports
    notes who took it."""
    person, records = await _record(person_id, request, read)
    consents = await _consents(request, read, records)
    files: dict[str, str | bytes] = {
        "README.txt": _ABOUT.format(at=f"{request.app.state.service.clock.now():%Y-%m-%d %H:%M}"),
        "person.json": _json(person),
        "contact.vcf": vcard(person),
        "consents.csv": csv_text(_CONSENT_COLUMNS, consents),
        "timeline.json": _json(await _all(_timeline(read, records))),
        "purchases.json": _json(await _all(_purchases(read, records))),
        "history.json": _json(
            [entry for record in records for entry in await _all(_history(request, read, record))]
        ),
    }
    noted = await note_export(
        request, read.principal, PERSON_FILE, rows=1, people=1, person_id=person["id"]
    )
    name = f"attachment; filename=contact-{person['id']}.zip"
    return Response(
        _zipped(files),
        headers={"Content-Disposition": name, "Cache-Control": "no-store", **token_of(noted)},
        media_type="application/zip",
    )


async def _record(
    person_id: UUID, request: Request, read: Read
) -> tuple[dict[str, Any], Sequence[UUID]]:
    """The record that answers for a person, and the ids of all records of them."""
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    async with read.connection() as connection:
        person_id = await answering(connection, workspace, person_id)
        found = await fetch_person(connection, workspace, person_id, owners)
        if found is None:
            raise await not_there(request, read, PERSON, person_id)
        shown = await shown_person(connection, workspace, found[0])
        return shown, await fetch_records(connection, workspace, person_id)


async def _all(paged: Paged) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = []
    cursor: str | None = None
    while True:
        found, cursor = await paged(cursor)
        items += found
        if cursor is None:
            return items


def _timeline(read: Read, records: Sequence[UUID]) -> Paged:
    workspace, owners = read.principal.workspace, read.principal.visible_owners()

    async def paged(cursor: str | None) -> tuple[Rows, str | None]:
        wanted = TimelineWanted(
            workspace, owners, people=tuple(records), limit=_AT_ONCE, cursor=cursor
        )
        async with read.connection() as connection:
            shown = await shown_timeline(connection, wanted, None)
        return shown["items"], shown["next"]

    return paged


def _purchases(read: Read, records: Sequence[UUID]) -> Paged:
    async def paged(cursor: str | None) -> tuple[Rows, str | None]:
        wanted = PurchasesWanted(read.principal.workspace, tuple(records), _AT_ONCE, cursor)
        async with read.connection() as connection:
            return await fetch_purchases(connection, wanted)

    return paged


def _history(request: Request, read: Read, record: UUID) -> Paged:
    async def paged(cursor: str | None) -> tuple[Rows, str | None]:
        shown = await person_history(request, read, record, Page(_AT_ONCE, cursor))
        return shown["items"], shown["next"]

    return paged


async def _consents(request: Request, read: Read, records: Sequence[UUID]) -> list[dict[str, Any]]:
    """Every yes and no, the first one first, with who wrote it down."""
    found: list[Recorded[Any]] = []
    for record in records:
        try:
            events = await load(request, read, PERSON, record)
        except NotFound:  # a merged record of somebody else's, whom the caller may not see
            continue
        found += [r for r in events if isinstance(r.event, ConsentGiven | ConsentWithdrawn)]
    async with read.connection() as connection:
        users = {user_in(recorded.actor) for recorded in found}
        names = await fetch_names(connection, read.principal.workspace, users=users)
    return [
        {
            "at": recorded.event.occurred_at.isoformat(),
            "recorded_at": recorded.recorded_at.isoformat(),
            "channel": recorded.event.channel,
            "purpose": recorded.event.purpose,
            "agreed": "yes" if isinstance(recorded.event, ConsentGiven) else "no",
            "source": recorded.event.source or "",
            "text_version": recorded.event.text_version or "",
            "written_down_by": (names.actor(recorded.actor) or {}).get("name") or "",
            "event_id": str(recorded.id),
        }
        for recorded in sorted(found, key=lambda r: (r.event.occurred_at, r.recorded_at))
    ]


_CONSENT_COLUMNS = (
    "at",
    "recorded_at",
    "channel",
    "purpose",
    "agreed",
    "source",
    "text_version",
    "written_down_by",
    "event_id",
)


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)


def _zipped(files: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
