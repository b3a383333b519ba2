"""Segments over HTTP: who has something in common, who is in, who was, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from chassis.errors import NotFound
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import AGGREGATE, require
from chassis.http.reading import Read, Reading
from chassis.http.writing import Write, Writing
from chassis.ids import new_id
from chassis.postgres.database import Connection
from contacts.api.access import user_in
from contacts.api.bodies import Body, LongText, Text
from contacts.api.own_fields import asked_as, own_fields
from contacts.api.points import AsOf, point
from contacts.api.records import answering
from contacts.domain.conditions.fields import CUSTOM, FIELDS, OPERATORS, WITHOUT_VALUE
from contacts.domain.conditions.tree import Leaf, leaves_of, parse
from contacts.domain.conditions.truth import Known, Names, describe, explain, missing
from contacts.domain.groups import SMALLEST_GROUP
from contacts.domain.membership import Settle
from contacts.domain.segment import (
    SEGMENT,
    AddSegment,
    ArchiveSegment,
    ChangeSegment,
    RestoreSegment,
    by_hand,
    existing,
)
from contacts.memberships import settle
from contacts.read_models.known_users import fetch_user_names, may_see
from contacts.read_models.own_fields import fetch_own_fields
from contacts.read_models.people import sees_person
from contacts.read_models.segment_members import fetch_stays_of
from contacts.read_models.segments import (
    SegmentsWanted,
    fetch_all_segments,
    fetch_segment,
    fetch_segments,
)
from contacts.segmenting import store
from contacts.segmenting.looking_up import fetch_fulfilling, fetch_traits
from contacts.segmenting.members import (
    MembersWanted,
    fetch_member_count,
    fetch_member_counts,
    fetch_members,
    fetch_moves,
)
from contacts.two_records import known

router = APIRouter(prefix="/segments", tags=["segments"])
of_person = APIRouter(prefix="/contacts/{person_id}", tags=["segments"])
reads = Depends(require("contacts.read"))
writes = Depends(require("contacts.write"))

_EXAMPLES = 5
_PREVIEW_PATIENCE_S = 20.0

Condition = Annotated[
    dict[str, Any],
    Field(
        description="`{field, is, value}`, or `{all: […]}`, `{any: […]}`, `{not: …}` of such; GET "
        "/segments/fields says what can be asked.",
        examples=[{"all": [{"field": "tags", "is": "has", "value": "VIP"}]}],
    ),
]


class NewSegment(Body):
    """A dynamic segment needs a condition; a static one has none."""

    name: Text
    kind: Literal["dynamic", "static"] = "dynamic"
    description: LongText | None = None
    condition: Condition | None = None


class SegmentChanges(Body):
    """What is sent is changed."""

    name: Text | None = None
    description: LongText | None = None
    condition: Condition | None = None


class Preview(Body):
    """A condition that is not kept."""

    condition: Condition


class Freezing(Body):
    """`name`: of the static segment that is made."""

    name: Text
    description: LongText | None = None


class Members(Body):
    """People by id, 100 at most."""

    contact_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]


@router.get("", dependencies=[reads])
async def list_segments(
    read: Reading,
    archived: Annotated[bool, Query(description="Those that are not used any more.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Segments by name, with how many people are in each."""
    wanted = SegmentsWanted(read.principal.workspace, archived, limit, cursor)
    async with read.connection() as connection:
        items, following = await fetch_segments(connection, wanted)
        items = await _as_seen(connection, read, items)
    return read.json({"items": items, "next": following})


@router.get("/fields", dependencies=[reads])
async def list_fields(read: Reading) -> Response:
    """What conditions can ask, and how."""
    fields: list[dict[str, Any]] = [
        {"name": field.name, "label": field.label, "kind": field.kind} for field in FIELDS.values()
    ]
    fields += [asked_as(own) for own in (await own_fields(read)).values()]
    told = {"fields": fields, "operators": OPERATORS, "without_value": sorted(WITHOUT_VALUE)}
    return read.json(told)


@router.post("", status_code=201, dependencies=[writes])
async def add_segment(body: NewSegment, write: Writing) -> Response:
    """Add a segment. The members of a dynamic one are found from now on."""
    id_ = new_id()
    command = AddSegment(id_, body.name, body.kind, write.now, body.description, body.condition)
    return await write.new(SEGMENT, id_, command, location="/api/v1/segments")


@router.post("/preview", dependencies=[reads])
async def preview(body: Preview, read: Reading, request: Request) -> Response:
    """How many people fulfil a condition, of those you see, and some of them. Nothing is kept."""
    condition, now = parse(body.condition), request.app.state.service.clock.now()
    workspace, owners = read.principal.workspace, _owners(read)
    async with read.connection(patience_s=_PREVIEW_PATIENCE_S) as connection:
        count, people = await fetch_fulfilling(
            connection, workspace, condition, now, owners, _EXAMPLES
        )
    if read.principal.sees == AGGREGATE:
        return read.json({"count": _of_group(count), "examples": []})
    return read.json({"count": count, "examples": people})


@router.get("/{segment_id}", dependencies=[reads])
async def one_segment(segment_id: UUID, read: Reading) -> Response:
    """One segment; `evaluating` as long as not everybody was looked at."""
    async with read.connection() as connection:
        found = await _segment(connection, read, segment_id)
        [told] = await _as_seen(connection, read, [found])
        condition = parse(found["condition"]) if found["condition"] else None
        if condition is not None:
            names = await _names(connection, read, leaves_of(condition))
            told["said"] = describe(condition, names)
    return read.json(told, version=found["version"], whole=False)


@router.patch("/{segment_id}", dependencies=[writes])
async def change_segment(segment_id: UUID, body: SegmentChanges, write: Writing) -> Response:
    """Change name, description or condition; send If-Match with the ETag you saw."""
    write.need_version()
    command = ChangeSegment(write.now, body.given("name", "description", "condition"))
    return await write.change(SEGMENT, segment_id, command)


@router.post("/{segment_id}/archive", dependencies=[writes])
async def archive(segment_id: UUID, write: Writing) -> Response:
    """Use it no more: its members stay as they are now."""
    return await write.change(SEGMENT, segment_id, ArchiveSegment(write.now))


@router.post("/{segment_id}/restore", dependencies=[writes])
async def restore(segment_id: UUID, write: Writing) -> Response:
    """Use it again; the members of a dynamic one are found anew."""
    return await write.change(SEGMENT, segment_id, RestoreSegment(write.now))


@router.post("/{segment_id}/freeze", status_code=201, dependencies=[writes])
async def freeze(segment_id: UUID, body: Freezing, write: Writing) -> Response:
    """Make a static segment of those who are in this one now."""
    existing(await write.state(SEGMENT, segment_id))
    id_ = new_id()
    command = AddSegment(
        id_, body.name, "static", write.now, body.description, frozen_from=segment_id
    )
    return await write.new(SEGMENT, id_, command, location="/api/v1/segments")


@router.get("/{segment_id}/members", dependencies=[reads])
async def list_members(
    segment_id: UUID,
    read: Reading,
    as_of: AsOf = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Who is in, or was in at a moment, of those you see; and how many."""
    wanted = _wanted(read, segment_id, as_of, limit, cursor)
    async with read.connection() as connection:
        await _segment(connection, read, segment_id)
        items, following = await fetch_members(connection, wanted)
        count = await fetch_member_count(connection, wanted)
    return read.json({"items": items, "next": following, "count": count})


@router.get("/{segment_id}/moves", dependencies=[reads])
async def list_moves(
    segment_id: UUID, read: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Who entered and who left, the latest first, of those you see."""
    async with read.connection() as connection:
        await _segment(connection, read, segment_id)
        wanted = _wanted(read, segment_id, None, limit, cursor)
        items, following = await fetch_moves(connection, wanted)
    return read.json({"items": items, "next": following})


@router.post("/{segment_id}/members", dependencies=[writes])
async def add_members(segment_id: UUID, body: Members, write: Writing) -> Response:
    """Put people into a static segment; who is in already stays in."""
    return await _by_hand(write, segment_id, body, enters=True)


@router.post("/{segment_id}/members/remove", dependencies=[writes])
async def remove_members(segment_id: UUID, body: Members, write: Writing) -> Response:
    """Take people out of a static segment."""
    return await _by_hand(write, segment_id, body, enters=False)


@of_person.get("/segments", dependencies=[reads])
async def segments_of(person_id: UUID, read: Reading, request: Request) -> Response:
    """Each segment with why this person is in it, or why not: the condition with the truth of each
    part and what was found of the person; what is missing, in words."""
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    now = request.app.state.service.clock.now()
    async with read.connection() as connection:
        person_id = await answering(connection, workspace, person_id)
        if not await sees_person(connection, workspace, person_id, owners):
            raise NotFound("There is no such person in this workspace.")
        segments = await fetch_all_segments(connection, workspace)
        since = await fetch_stays_of(connection, workspace, person_id)
        parsed = {row["id"]: parse(row["condition"]) for row in segments if row["condition"]}
        leaves = [leaf for condition in parsed.values() for leaf in leaves_of(condition)]
        names = await _names(connection, read, leaves)
        traits = (await fetch_traits(connection, workspace, [person_id], leaves)).get(person_id, {})
    known = Known(traits, now, names)
    items = [_why(row, parsed.get(row["id"]), known, since.get(row["id"])) for row in segments]
    items.sort(key=lambda item: not item["member"])
    return read.json({"items": items, "next": None})


def _why(
    row: Mapping[str, Any], condition: Any, known: Known, since: datetime | None
) -> dict[str, Any]:
    asked = (known.traits, known.now, known.names)
    by_hand = [] if since else ["Nobody has put this person in."]
    return {
        "id": row["id"],
        "name": row["name"],
        "kind": row["kind"],
        "member": since is not None,
        "since": since,
        "why": explain(condition, *asked) if condition else None,
        "missing": missing(condition, *asked) if condition else by_hand,
    }


def _wanted(
    read: Read, segment_id: UUID, as_of: str | None, limit: int, cursor: str | None
) -> MembersWanted:
    principal = read.principal
    moment = point(as_of, "as_of")
    owners = principal.visible_owners()
    return MembersWanted(principal.workspace, segment_id, owners, moment, limit, cursor)


async def _names(connection: Connection, read: Read, leaves: Iterable[Leaf]) -> Names:
    """What the owners and the own fields in these questions are called."""
    leaves = list(leaves)
    owners = [one for leaf in leaves if leaf.field.name == "owner" for one in leaf.said or ()]
    ids = [id_ for one in owners if (id_ := user_in(one)) is not None]
    named = await fetch_user_names(connection, read.principal.workspace, ids)
    names = {str(id_): name for id_, name in named.items()}
    if any(leaf.field.name.startswith(CUSTOM) for leaf in leaves):
        own = await fetch_own_fields(connection, read.principal.workspace)
        names |= {field.name: field.title for field in own.values()}
    return names


def _owners(read: Read) -> frozenset[UUID] | None:
    """Whose people are counted; for who sees figures only, everybody's."""
    return None if read.principal.sees == AGGREGATE else read.principal.visible_owners()


def _of_group(count: int) -> int | None:
    return count if count == 0 or count >= SMALLEST_GROUP else None


async def _segment(connection: Connection, read: Read, segment_id: UUID) -> dict[str, Any]:
    found = await fetch_segment(connection, read.principal.workspace, segment_id)
    if found is None:
        raise NotFound("There is no such segment in this workspace.")
    return found


async def _as_seen(
    connection: Connection, read: Read, items: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Who sees only their own records is told how many of those are in; who sees only figures is
    not told of small groups."""
    workspace, owners = read.principal.workspace, _owners(read)
    if read.principal.sees == AGGREGATE:
        items = [{**item, "members": _of_group(item["members"])} for item in items]
    elif owners is not None:
        ids = [item["id"] for item in items]
        seen = await fetch_member_counts(connection, workspace, ids, owners)
        items = [{**item, "members": seen.get(item["id"], 0)} for item in items]
    evaluated = await store.fetch_evaluated(connection, workspace)
    return [_shown(item, evaluated.get(item["id"])) for item in items]


def _shown(item: Mapping[str, Any], evaluated: datetime | None) -> dict[str, Any]:
    """`evaluating`: since it was asked last, not everybody was looked at."""
    shown = {name: value for name, value in item.items() if name != "asked_at"}
    asked = None if item["archived"] else item["asked_at"]
    behind = asked is not None and (evaluated is None or evaluated < asked)
    return {**shown, "evaluating": behind}


async def _by_hand(write: Write, segment_id: UUID, body: Members, *, enters: bool) -> Response:
    by_hand(await write.state(SEGMENT, segment_id))
    people = await _people(write, body.contact_ids)
    segment = frozenset((segment_id,))
    enter, leave = (segment, frozenset()) if enters else (frozenset(), segment)
    commands = {
        id_: (Settle(id_, write.now, "by-hand", enter, leave),) for id_ in dict.fromkeys(people)
    }
    # It is its own key: whoever is in already does not enter again, however often it is asked.
    context = replace(write.context, key=None, fingerprint=None)
    done = await settle(write.log, context, commands)
    tokens = ",".join(f"{one.stream}@{one.version}" for one in done)
    headers = {"Everlog-Token": tokens} if tokens else {}
    told = msgspec.json.encode({"id": segment_id, "changed": len(done)})
    return Response(told, headers=headers, media_type="application/json")


async def _people(write: Write, ids: list[UUID]) -> list[UUID]:
    """These people, as the records that answer for them. Raises NotFound for whom the caller may
    not know of."""
    owners = write.principal.visible_owners()
    found = await known(write.log, write.context, list(dict.fromkeys(ids)))
    if not all(may_see(one.person.owner_id, owners) for one in found.values()):
        raise NotFound("There is no such person in this workspace.")
    return [one.person.merged_into or id_ for id_, one in found.items()]
