"""Changing many people at once over HTTP: those who are named, or all that a list has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, model_validator

from chassis.errors import BadInput
from chassis.http.paging import Cursor, Limit, decode_cursor, page
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.http.writing import Writing, accepted
from chassis.imports import (
    UPLOAD_S,
    Upload,
    enqueue,
    enqueue_undoing,
    job_of,
    jobs_of,
    refused_rows,
)
from chassis.postgres.database import Record
from contacts.api.access import check_company, check_owner
from contacts.api.bodies import Body, Language, Tag, Text, TimeZone
from contacts.api.own_fields import changed_values
from contacts.api.people import PeopleFilter
from contacts.bulk import BULK_KIND, COLUMNS, FAILED, Action, Picked
from contacts.crowds import fetch_everybody, fetch_size
from contacts.read_models.people import PeopleWanted

router = APIRouter(prefix="/contacts", tags=["contacts"])
reads = Depends(require("contacts.read"))
MAY = "contacts.write"
writes = Depends(require(MAY))

_NAMED_MOST = 10_000
_LISTED_MOST = 1_000
_KINDS = (BULK_KIND,)


class SharedFields(Body):
    """Fields that many people may have in common; null takes a value away."""

    company_id: UUID | None = None
    company_role: Text | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    city: Text | None = None
    country: Text | None = None
    source: Text | None = None
    custom: dict[str, Any] | None = None


class BulkAction(Body):
    """One of these."""

    add_tag: Annotated[Tag, Field(min_length=1)] | None = None
    remove_tag: Annotated[Tag, Field(min_length=1)] | None = None
    set_owner: Annotated[UUID | None, Field(description="null: nobody looks after them.")] = None
    set: SharedFields | None = None

    @model_validator(mode="after")
    def _one(self) -> BulkAction:
        if len(self.model_fields_set) != 1:
            raise ValueError("send one of add_tag, remove_tag, set_owner and set")
        for name in ("add_tag", "remove_tag", "set"):
            if name in self.model_fields_set and not getattr(self, name):
                raise ValueError(f"{name} needs a value")
        if self.set is not None and not self.set.model_fields_set:
            raise ValueError("set needs a field at least")
        return self


class Bulk(Body):
    """Who is meant: people by id, or all that the list has with these filters (`{}`: everybody whom
    you see). What is to be done with each: one action."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=_NAMED_MOST)] | None = None
    filter: PeopleFilter | None = None
    action: BulkAction

    @model_validator(mode="after")
    def _either(self) -> Bulk:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("send either ids or filter")
        return self


@router.get("/count", dependencies=[reads])
async def count_people(read: Reading, asked: Annotated[PeopleFilter, Depends()]) -> Response:
    """How many people the list has with these filters."""
    async with read.connection(patience_s=UPLOAD_S) as connection:
        return read.json({"people": await fetch_size(connection, _wanted(read, asked))})


@router.post("/bulk", status_code=202, dependencies=[writes])
async def change_many(body: Bulk, request: Request, write: Writing, read: Reading) -> Response:
    """Change many people: tag, untag, assign, or set fields. Who is meant by a filter is settled
    now; the work is done in the background, and can be undone as one."""
    action = await _checked(body.action, write, read)
    if body.ids is not None:
        ids = b"".join(id_.bytes for id_ in dict.fromkeys(body.ids))
    else:
        assert body.filter is not None
        async with read.connection(patience_s=UPLOAD_S) as connection:
            ids = await fetch_everybody(connection, _wanted(read, body.filter))
    picked = Picked(msgspec.json.encode(action), ids)
    upload = Upload(
        principal=write.principal,
        kind=BULK_KIND,
        file_name="",
        sheet=picked,
        rows=len(picked),
        columns=COLUMNS,
        content=picked.written(),
        options={"action": action.told()},
    )
    known = await enqueue(request.app.state.service, upload, write.context)
    thing = known or f"import-{write.context.correlation_id}"
    return _accepted(thing, replayed=known is not None)


@router.get("/bulk", dependencies=[writes])
async def list_bulk_changes(read: Reading, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Changes of many people that I may see, the latest first."""
    rows, following = await jobs_of(read, _KINDS, limit, cursor, MAY)
    return read.json({"items": [_shown(row, ()) for row in rows], "next": following})


@router.get("/bulk/{bulk_id}", dependencies=[writes])
async def one_bulk_change(bulk_id: UUID, request: Request, read: Reading) -> Response:
    """How far a change of many people is, how many it changed, and who stays as they were, by
    reason. `ids` are those of the first thousand."""
    job = await job_of(read, _KINDS, bulk_id, MAY)
    failed = await _failed(request, read, job, 0, _LISTED_MOST)
    return read.json(_shown(job, failed))


@router.get("/bulk/{bulk_id}/failures", dependencies=[writes])
async def bulk_failures(
    bulk_id: UUID, request: Request, read: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Everybody who stays as they were, with the reason."""
    job = await job_of(read, _KINDS, bulk_id, MAY)
    after = decode_cursor(cursor, [int])[0] if cursor else 0
    failed = await _failed(request, read, job, after, limit + 1)
    items, following = page(failed, limit, lambda each: [each[0]])
    people = [{"id": id_, "reason": reason} for _, id_, reason in items]
    return read.json({"items": people, "next": following})


@router.post("/bulk/{bulk_id}/undo", status_code=202, dependencies=[writes])
async def undo_bulk_change(
    bulk_id: UUID,
    request: Request,
    read: Reading,
    preview: Annotated[bool, Query(description="Only find out what it would do.")] = False,
) -> Response:
    """Take a change of many people back, once. What somebody changed since stays, and is listed.
    The answer is such a change again, to be watched like one."""
    job = await job_of(read, _KINDS, bulk_id, MAY)
    undo_id, replayed = await enqueue_undoing(request, job, BULK_KIND, preview)
    return _accepted(f"import-{undo_id}", replayed=replayed)


async def _checked(body: BulkAction, write: Writing, read: Read) -> Action:
    """The action, if the caller may do it. Raises Forbidden, NotFound."""
    if "set_owner" in body.model_fields_set:
        check_owner(write.principal, body.set_owner)
        return Action(set_owner=body.set_owner)
    if body.set is None:
        return Action(add_tag=body.add_tag, remove_tag=body.remove_tag)
    if body.set.company_id is not None:
        await check_company(write, body.set.company_id)
    elif body.set.company_role is not None:
        raise BadInput(
            "A role needs a company; send company_id too.", field="action.set.company_role"
        )
    if body.set.custom:
        body.set.custom = await changed_values(read, body.set.custom)
    return Action(set=body.set.given(*SharedFields.model_fields))


def _wanted(read: Read, asked: PeopleFilter) -> PeopleWanted:
    principal = read.principal
    return PeopleWanted(principal.workspace, principal.visible_owners(), **dict(asked))


def _accepted(thing: str, *, replayed: bool) -> Response:
    bulk_id = thing.removeprefix("import-")
    where = f"/api/v1/contacts/bulk/{bulk_id}"
    return accepted(thing, replayed=replayed, Location=where)


async def _failed(
    request: Request, read: Read, job: Record, after: int, most: int
) -> Sequence[tuple[int, str, str]]:
    """Number, id and reason of those who stay as they were, as far as that is still kept."""
    if not job["failed"] or job["key"] is None:
        return ()
    _, refusals = await refused_rows(request.app.state.service, read, job, after, most)
    return [(each.number, each.cells[0], each.reason) for each in refusals]


def _shown(job: Record, failed: Sequence[tuple[int, str, str]]) -> dict[str, Any]:
    ids: dict[str, list[str]] = {}
    for _, id_, reason in failed:
        ids.setdefault(reason, []).append(id_)
    notes = {note: count for note, count in job["notes"].items() if note.startswith(FAILED)}
    reasons = {note.removeprefix(FAILED): count for note, count in notes.items()}
    by_reason = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    same = ("id", "status", "error", "asked_name", "asked_at", "finished_at", "undoes")
    return {
        **{name: job[name] for name in same},
        "action": job["options"].get("action"),
        "preview": job["dry_run"],
        "total": job["rows"],
        "done": job["position"],
        "changed": job["updated"],
        "unchanged": job["skipped"],
        "failed": job["failed"],
        "failures": [
            {"reason": reason, "count": count, "ids": ids.get(reason, [])}
            for reason, count in by_reason
        ],
        "undone_by": job["undone_by"],
    }
