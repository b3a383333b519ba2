"""Duplicates over HTTP: the queue, the warning while somebody types, and the workspace's rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlalchemy import (
    Column,
    Float,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Uuid,
    and_,
    exists,
    func,
    select,
)

from chassis.http.paging import Cursor, Limit, after, decode_cursor, page
from chassis.http.principal import require
from chassis.http.reading import Read, Reading
from chassis.http.writing import Writing
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from contacts.api.bodies import Body, PersonFields
from contacts.api.people import entered_traits
from contacts.domain.duplicates.blocking import keys_of
from contacts.domain.duplicates.clusters import clusters
from contacts.domain.duplicates.comparing import SAME, compare
from contacts.domain.duplicates.model import MATCH, Evidence, Model, Scale, usual_model
from contacts.domain.duplicates.traits import EMAIL, FIRST, LAST, PHONE, Traits
from contacts.domain.merging_rule import MERGING_RULE, SetMergingRule
from contacts.finding import store
from contacts.read_models.companies import COMPANIES
from contacts.read_models.known_users import visible
from contacts.read_models.likenesses import fetch_traits
from contacts.read_models.merging_rules import fetch_threshold
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.person_record import PERSON_IDS
from contacts.read_models.told_apart import TOLD_APART, fetch_told_apart

router = APIRouter(prefix="/contacts/duplicates", tags=["duplicates"])
reads = Depends(require("contacts.read"))
administers = Depends(require("settings.write"))

PAIRS = Table(
    "pairs",
    MetaData(),
    Column("workspace_id", Uuid),
    Column("left_id", Uuid),
    Column("right_id", Uuid),
    Column("agreement", LargeBinary),
    Column("probability", Float),
    schema="duplicates",
)
_WARN_FROM = 0.2
_WARNED_MOST = 5
_CLUSTERED_MOST = 1_000
Least = Annotated[float, Query(ge=0.2, le=1, description="Only pairs at least this likely.")]


class Entered(PersonFields):
    """What somebody is entering about a person. `id`: whose record it is, if there is one."""

    id: UUID | None = None


class Rule(Body):
    """Pairs at least this likely are merged by themselves; null: none are. 0.9 at least."""

    threshold: Annotated[float, Field(ge=0.9, le=1)] | None


@router.get("", dependencies=[reads])
async def list_duplicates(
    read: Reading, min_score: Least = MATCH, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Pairs of records that are likely to be of one person, the likeliest first, and why."""
    async with read.connection() as connection:
        rows = await fetch(connection, _wanted(read, min_score, limit, cursor))
        kept, following = page(
            rows, limit, lambda r: [r["probability"], r["left_id"], r["right_id"]]
        )
        items = await _items(connection, read.principal.workspace, kept)
    return read.json({"items": items, "next": following})


@router.get("/clusters", dependencies=[reads])
async def list_clusters(read: Reading, min_score: Least = MATCH) -> Response:
    """The same pairs gathered: all records that are likely to be of one person together."""
    async with read.connection() as connection:
        rows = await fetch(connection, _wanted(read, min_score, _CLUSTERED_MOST, None))
        workspace = read.principal.workspace
        people = await _people(connection, workspace, _ids(rows))
    groups = clusters((row["left_id"], row["right_id"]) for row in rows)
    best: dict[UUID, float] = {}
    for row in rows:
        for id_ in (row["left_id"], row["right_id"]):
            best[id_] = max(best.get(id_, 0.0), row["probability"])
    items = [
        {
            "people": [people[id_] for id_ in sorted(group) if id_ in people],
            "score": max(best[id_] for id_ in group),
        }
        for group in groups
    ]
    return read.json({"items": items, "next": None})


@router.post("/check", dependencies=[reads])
async def check(body: Entered, request: Request, read: Reading) -> Response:
    """Who is there already who is like what is being entered? Nothing is kept of the request."""
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    async with read.connection() as connection:
        traits = await entered_traits(connection, workspace, request, body)
        model = await store.fetch_model(connection, workspace)
        if model is None:
            model = usual_model(tuple(traits), 100)
        found = await _like(connection, workspace, model, traits)
        if body.id:
            for other in (body.id, *await fetch_told_apart(connection, workspace, body.id)):
                found.pop(other, None)
        people = await _people(connection, workspace, list(found), owners)
    scored: list[dict[str, Any]] = [
        {"person": people[id_], "score": score, "why": _why(evidence)}
        for id_, (score, evidence) in found.items()
        if id_ in people
    ]
    scored.sort(key=lambda item: -item["score"])
    return read.json({"items": scored[:_WARNED_MOST]})


@router.get("/rule", dependencies=[reads])
async def rule(read: Reading) -> Response:
    """From which likeness on duplicates are merged by themselves."""
    async with read.connection() as connection:
        threshold = await fetch_threshold(connection, read.principal.workspace)
    return read.json({"threshold": threshold})


@router.put("/rule", dependencies=[administers])
async def set_rule(body: Rule, write: Writing) -> Response:
    """Let duplicates be merged by themselves, or not. Each such merge can be taken back."""
    workspace = write.principal.workspace
    command = SetMergingRule(workspace, body.threshold, write.now)
    return await write.change(MERGING_RULE, workspace, command)


def _wanted(read: Read, least: float, limit: int, cursor: str | None) -> Select[Any]:
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    p, one, other, apart = PAIRS.c, PEOPLE.alias("one"), PEOPLE.alias("other"), TOLD_APART.c
    statement = select(PAIRS).where(p.workspace_id == workspace, p.probability >= least)
    for person, id_ in ((one.c, p.left_id), (other.c, p.right_id)):
        there = and_(person.workspace_id == workspace, person.person_id == id_)
        seen = (person.merged_into.is_(None), *visible(person.owner_id, owners))
        statement = statement.join(person.person_id.table, and_(there, *seen))
    known = exists().where(
        apart.workspace_id == workspace,
        apart.person_id == p.left_id,
        apart.other_id == p.right_id,
    )
    order = [p.probability, p.left_id, p.right_id]
    statement = statement.where(~known).order_by(*(c.desc() for c in order)).limit(limit + 1)
    if cursor:
        place = decode_cursor(cursor, [float, UUID, UUID])
        statement = statement.where(after(order, place, descending=True))
    return statement


def _ids(rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
    return list({id_ for row in rows for id_ in (row["left_id"], row["right_id"])})


async def _items(
    connection: Connection, workspace: UUID, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    if not rows:
        return []
    people = await _people(connection, workspace, _ids(rows))
    known = await fetch_traits(connection, workspace, _ids(rows))
    model = await store.fetch_model(connection, workspace)
    scale, items = Scale(model) if model else None, []
    for row in rows:
        left, right = row["left_id"], row["right_id"]
        why: list[Evidence] = []
        if scale and left in known and right in known:
            agreement = compare(known[left], known[right], scale.model.names)
            why = scale.weigh(agreement, known[left], known[right])
        items.append(
            {
                "left": people[left],
                "right": people[right],
                "score": row["probability"],
                "why": _why(why),
            }
        )
    return items


def _why(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """What speaks for it and what against, the weightiest first; weights are in bits."""
    told = sorted(evidence, key=lambda each: -abs(each.weight))
    return [
        {"field": each.field, "level": each.level, "weight": round(each.weight, 2)}
        for each in told
        if abs(each.weight) >= 0.1
    ]


async def _people(
    connection: Connection,
    workspace: UUID,
    ids: Sequence[UUID],
    owners: frozenset[UUID] | None = None,
) -> dict[UUID, dict[str, Any]]:
    """People as a queue shows them."""
    p, c, i = PEOPLE.c, COMPANIES.c, PERSON_IDS.c
    first_id = (
        select(func.min(i.external_id))
        .where(i.workspace_id == workspace, i.person_id == p.person_id)
        .scalar_subquery()
    )
    employer = and_(c.workspace_id == workspace, c.company_id == p.company_id)
    statement = (
        select(PEOPLE, c.name.label("company_name"), first_id.label("external_id"))
        .outerjoin(COMPANIES, employer)
        .where(p.workspace_id == workspace, any_of(p.person_id, ids), p.merged_into.is_(None))
        .where(*visible(p.owner_id, owners))
    )
    rows = await fetch(connection, statement) if ids else []
    shown = ("email", "phone", "city", "country", "created_at", "version", "external_id")
    return {
        row["person_id"]: {
            "id": row["person_id"],
            "name": full_name(row),
            "company": row["company_name"],
            **{name: row[name] for name in shown},
        }
        for row in rows
    }


async def _like(
    connection: Connection, workspace: UUID, model: Model, traits: Traits
) -> dict[UUID, tuple[float, list[Evidence]]]:
    """Everybody who is like that, or has the same name, address or number."""
    sharing = await store.fetch_sharing(connection, workspace, keys_of(traits, model.keyed))
    others = list({id_ for people in sharing.values() for id_ in people})
    known = await fetch_traits(connection, workspace, others)
    scale, found = Scale(model), {}
    places = {name: place for place, name in enumerate(model.names)}
    for id_, own in known.items():
        agreement = compare(traits, own, model.names)
        score = scale.probability(agreement, traits, own)
        same = {name for name, place in places.items() if agreement[place] == SAME}
        if score >= _WARN_FROM or {EMAIL, PHONE} & same or {FIRST, LAST} <= same:
            found[id_] = (score, scale.weigh(agreement, traits, own))
    return found
