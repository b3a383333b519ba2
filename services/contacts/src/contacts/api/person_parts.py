"""What belongs to one person, over HTTP: timeline, history, tags, jobs, consents."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from chassis.http.paging import Cursor, Limit
from chassis.http.principal import require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from contacts.api.access import check_company, check_person
from contacts.api.bodies import ConsentBody, NewInteraction, NewJob
from contacts.api.histories import Page, person_history
from contacts.api.points import AsOf, KnownAt, point
from contacts.api.records import answering, not_there
from contacts.api.timelines import Kinds, shown_timeline
from contacts.domain.person import PERSON
from contacts.domain.person.commands import (
    GiveConsent,
    JoinCompany,
    LeaveCompany,
    LogInteraction,
    TagPerson,
    UntagPerson,
    WithdrawConsent,
)
from contacts.read_models.people import sees_person
from contacts.read_models.survivors import fetch_records
from contacts.read_models.timeline import TimelineWanted

router = APIRouter(prefix="/contacts/{person_id}", tags=["contacts"])
reads = Depends(require("contacts.read"))
writes = Depends(require("contacts.write"))

TagName = Annotated[str, Path(max_length=60)]
Word = Annotated[str, Path(max_length=100)]


@router.get("/history", dependencies=[reads])
async def history(
    person_id: UUID, request: Request, read: Reading, limit: Limit = 200, cursor: Cursor = None
) -> Response:
    """Who changed what and when, from what to what; the latest first."""
    return read.json(await person_history(request, read, person_id, Page(limit, cursor)))


@router.get("/timeline", dependencies=[reads])
async def timeline(
    person_id: UUID,
    request: Request,
    read: Reading,
    kind: Kinds = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What happened with a person, in all services; the latest first."""
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    async with read.connection() as connection:
        person_id = await answering(connection, workspace, person_id)
        people = tuple(await fetch_records(connection, workspace, person_id))
        wanted = TimelineWanted(
            workspace,
            owners,
            people=people,
            as_of=point(as_of, "as_of"),
            known_at=point(known_at, "known_at"),
            limit=limit,
            cursor=cursor,
        )
        if not await sees_person(connection, workspace, person_id, owners):
            raise await not_there(request, read, PERSON, person_id)
        return read.json(await shown_timeline(connection, wanted, kind))


@router.post("/interactions", status_code=201, dependencies=[writes])
async def log_interaction(person_id: UUID, body: NewInteraction, write: Writing) -> Response:
    """Log a note, call, meeting, e-mail or chat with a person."""
    await check_person(write, person_id)
    happened_at = body.at or write.now
    command = LogInteraction(new_id(), body.kind, body.text, happened_at, write.now)
    return await write.change(PERSON, person_id, command, status=201)


@router.put("/tags/{tag}", dependencies=[writes])
async def put_tag_on(person_id: UUID, tag: TagName, write: Writing) -> Response:
    """Put a tag on a person."""
    await check_person(write, person_id)
    return await write.change(PERSON, person_id, TagPerson(tag, write.now))


@router.delete("/tags/{tag}", dependencies=[writes])
async def take_tag_off(person_id: UUID, tag: TagName, write: Writing) -> Response:
    """Take a tag off a person."""
    await check_person(write, person_id)
    return await write.change(PERSON, person_id, UntagPerson(tag, write.now))


@router.post("/companies", dependencies=[writes])
async def join_company(person_id: UUID, body: NewJob, write: Writing) -> Response:
    """Link a person to a company they work for, or change the role there."""
    await check_person(write, person_id)
    await check_company(write, body.company_id)
    command = JoinCompany(body.company_id, body.role, write.now)
    return await write.change(PERSON, person_id, command)


@router.delete("/companies/{company_id}", dependencies=[writes])
async def leave_company(person_id: UUID, company_id: UUID, write: Writing) -> Response:
    """Unlink a person from a company."""
    await check_person(write, person_id)
    return await write.change(PERSON, person_id, LeaveCompany(company_id, write.now))


@router.put("/consents/{channel}/{purpose}", dependencies=[writes])
async def give_consent(
    person_id: UUID, channel: Word, purpose: Word, body: ConsentBody, write: Writing
) -> Response:
    """Record that a person agrees to be contacted on a channel for a purpose."""
    await check_person(write, person_id)
    command = GiveConsent(channel, purpose, body.source, body.text_version, write.now)
    return await write.change(PERSON, person_id, command)


@router.delete("/consents/{channel}/{purpose}", dependencies=[writes])
async def withdraw_consent(
    person_id: UUID,
    channel: Word,
    purpose: Word,
    write: Writing,
    source: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Record that a person does not agree any more."""
    await check_person(write, person_id)
    command = WithdrawConsent(channel, purpose, source, write.now)
    return await write.change(PERSON, person_id, command)
