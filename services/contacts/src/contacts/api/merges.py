"""Merging two records of one person over HTTP, taking it back, and telling two people apart."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.http.principal import require
from chassis.http.writing import Write, Writing, answer
from contacts.api.access import check_person, fetch_names
from contacts.api.bodies import Merging, TellingApart, Unmerging
from contacts.api.records import shown_person
from contacts.domain.person import PERSON, state
from contacts.domain.person.commands import Absorb, TellApart
from contacts.domain.person.merging import scalars
from contacts.domain.person.state import Person
from contacts.domain.person.unmerging import absorption_of, several, shares
from contacts.two_records import TwoRecords, after_merge, after_unmerge, known

router = APIRouter(prefix="/contacts/{person_id}", tags=["duplicates"])
writes = Depends(require("contacts.write"))
Preview = Annotated[bool, Query(description="Only say what it would come to; nothing changes.")]


@router.post("/merge", dependencies=[writes])
async def merge(
    person_id: UUID, body: Merging, request: Request, write: Writing, preview: Preview = False
) -> Response:
    """Merge a duplicate into this record: it speaks for both from now on. Can be taken back."""
    await check_person(write, person_id)
    await check_person(write, body.duplicate_id)
    if preview:
        return await _previewed_merge(request, write, person_id, body)
    two = TwoRecords(write.log, write.context, write.now)
    done = await two.merge(person_id, body.duplicate_id, body.choices, expected=write.expected)
    return answer(done, 200)


@router.post("/unmerge", dependencies=[writes])
async def unmerge(
    person_id: UUID, body: Unmerging, request: Request, write: Writing, preview: Preview = False
) -> Response:
    """Take a merge back, also after further changes. What came from the duplicate goes back to it;
    what was changed since stays with whom it was about; refusals of consent stay with both."""
    await check_person(write, person_id)
    await check_person(write, body.duplicate_id)
    if preview:
        return await _previewed_unmerge(request, write, person_id, body)
    two = TwoRecords(write.log, write.context, write.now)
    done = await two.unmerge(
        person_id, body.duplicate_id, body.attributions, expected=write.expected
    )
    return answer(done, 200)


@router.post("/told-apart", dependencies=[writes])
async def tell_apart(person_id: UUID, body: TellingApart, write: Writing) -> Response:
    """Remember that two records that look alike are of different people."""
    for id_ in (person_id, body.other_id):
        await check_person(write, id_)
    await known(write.log, write.context, [person_id, body.other_id])
    smaller, other = sorted((person_id, body.other_id))
    return await write.change(PERSON, smaller, TellApart(other, write.now))


async def _previewed_merge(
    request: Request, write: Write, person_id: UUID, body: Merging
) -> Response:
    both = await known(write.log, write.context, [person_id, body.duplicate_id])
    survivor, duplicate = both[person_id], both[body.duplicate_id].person
    command = Absorb(duplicate, write.now, body.choices)
    after = await after_merge(write.log, write.context, command, person_id)
    mine, theirs, then = map(_single, (survivor.person, duplicate, after))
    fields = [
        {
            "field": name,
            "survivor": mine.get(name),
            "duplicate": theirs.get(name),
            "merged": then.get(name),
        }
        for name in {**mine, **theirs}
        if mine.get(name) or theirs.get(name)
    ]
    told = {
        "survivor": await _shown(request, write, survivor.person),
        "duplicate": await _shown(request, write, duplicate),
        "merged": await _shown(request, write, after),
        "fields": await _named(request, write, fields, ("survivor", "duplicate", "merged")),
    }
    return _said(told, survivor.version)


async def _previewed_unmerge(
    request: Request, write: Write, person_id: UUID, body: Unmerging
) -> Response:
    both = await known(write.log, write.context, [person_id, body.duplicate_id])
    survivor, duplicate = both[person_id], both[body.duplicate_id].person
    was = absorption_of(survivor.person, duplicate)
    one, two = after_unmerge(survivor.person, duplicate, write.now, body.attributions)
    fields = [
        {
            "field": share.field,
            "now": share.now,
            "survivor": share.survivor,
            "duplicate": share.duplicate,
            "changed_since": share.later,
        }
        for share in shares(survivor.person, duplicate, body.attributions)
        if share.now or share.survivor or share.duplicate
    ]
    for name, parted in several(survivor.person, duplicate).items():
        now = getattr(survivor.person, name)
        listed = {"now": now, "survivor": parted.survivor, "duplicate": parted.duplicate}
        if any(listed.values()):
            later = getattr(was.after, name) != now
            plain = {k: _plain(name, value) for k, value in listed.items()}
            fields.append({"field": name, **plain, "changed_since": later})
    told = {
        "merged_at": was.at,
        "along": list(was.with_ids),
        "survivor": await _shown(request, write, one),
        "duplicate": await _shown(request, write, two),
        "fields": await _named(request, write, fields, ("now", "survivor", "duplicate")),
    }
    return _said(told, survivor.version)


def _single(person: Person) -> dict[str, Any]:
    """Single fields, and what is primary or main of those there can be several of."""
    facts = state.facts(person)
    main = person.jobs[0].company_id if person.jobs else None
    return {
        **scalars(person),
        "email": facts["email"],
        "phone": facts["phone"],
        "company": main,
    }


def _plain(name: str, values: Any) -> list[Any]:
    """As people read them."""
    if name == "jobs":
        return [job.company_id for job in values]
    return [getattr(value, "address", None) or getattr(value, "number", value) for value in values]


async def _shown(request: Request, write: Write, person: Person) -> dict[str, Any]:
    workspace = write.principal.workspace
    async with request.app.state.service.api.connection(workspace) as connection:
        return await shown_person(connection, workspace, state.facts(person))


async def _named(
    request: Request, write: Write, fields: list[dict[str, Any]], columns: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Owners and companies by name instead of id."""
    workspace = write.principal.workspace
    users, firms = [], []
    for row in fields:
        for column in columns:
            values = row[column] if isinstance(row[column], list) else [row[column]]
            users += [v for v in values if row["field"] == "owner_id" and v]
            firms += [v for v in values if row["field"] in ("company", "jobs") and v]
    async with request.app.state.service.api.connection(workspace) as connection:
        names = await fetch_names(connection, workspace, users=users, companies=firms)

    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(each) for each in value]
        if isinstance(value, UUID):
            return names.users.get(value) or names.companies.get(value) or str(value)
        return value

    return [{**row, **{column: name(row[column]) for column in columns}} for row in fields]


def _said(told: dict[str, Any], version: int) -> Response:
    headers = {"ETag": f'"{version}"'}
    return Response(msgspec.json.encode(told), headers=headers, media_type="application/json")
