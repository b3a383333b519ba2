"""Which people are there? The list of people: searched, filtered, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Select,
    Text,
    Uuid,
    and_,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch, fetch_value
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.country import country_key
from contacts.domain.entry import primary_of
from contacts.domain.person.events import (
    PERSON_EVENTS,
    InteractionLogged,
    PersonAbsorbed,
    PersonAdded,
    PersonAssigned,
    PersonEmailsChanged,
    PersonErased,
    PersonEvent,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonRenamed,
    PersonRoleChanged,
    PersonSeparated,
    PersonTagged,
    PersonUnmerged,
    PersonUntagged,
)
from contacts.domain.words import folded
from contacts.read_models.companies import COMPANIES
from contacts.read_models.known_users import KNOWN_USERS, visible
from contacts.read_models.search import few, found_for_row, people_meant
from contacts.read_models.segment_members import narrowed_to

PEOPLE = read_table(
    "people",
    Column("person_id", Uuid),
    Column("version", BigInteger),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("sort_name", Text(collation="C")),
    Column("email", Text),
    Column("phone", Text),
    Column("company_id", Uuid),
    Column("owner_id", Uuid),
    Column("city", Text),
    Column("country", Text),
    Column("country_key", Text(collation="C")),
    Column("created_at", DateTime(timezone=True)),
    Column("last_activity_at", DateTime(timezone=True)),
    Column("merged_into", Uuid),
    Index("people_by_name", "workspace_id", "sort_name", "person_id"),
    Index("people_by_creation", "workspace_id", "created_at", "person_id"),
    Index("people_by_activity", "workspace_id", "last_activity_at", "person_id"),
    Index("people_by_owner", "workspace_id", "owner_id", "sort_name", "person_id"),
    Index("people_by_country", "workspace_id", "country_key", "sort_name", "person_id"),
    key=("person_id",),
)
PERSON_TAGS = read_table(
    "person_tags",
    Column("person_id", Uuid),
    Column("folded", Text(collation="C")),
    Column("tag", Text),
    Index("person_tags_by_tag", "workspace_id", "folded", "person_id"),
    key=("person_id", "folded"),
)
JOBS = read_table(
    "jobs",
    Column("person_id", Uuid),
    Column("company_id", Uuid),
    Column("role", Text),
    Column("joined_at_version", BigInteger),
    Index("jobs_by_company", "workspace_id", "company_id", "person_id"),
    key=("person_id", "company_id"),
)
_TABLES = (PEOPLE, PERSON_TAGS, JOBS)


def project(recorded: Recorded[PersonEvent]) -> Iterable[Change]:
    """What an event changes of the person's rows; every event moves the version."""
    event, person_id = recorded.event, (recorded.event.person_id,)
    if isinstance(event, PersonErased):
        for table in _TABLES:
            yield Remove(table, person_id)
        return
    yield Put(PEOPLE, person_id, {"version": recorded.version, **_columns(event)})
    yield from _tags(event)
    yield from _jobs(event, recorded.version)


def _columns(event: PersonEvent) -> dict[str, Any]:
    match event:
        case PersonAdded():
            return {
                **_name(event.first_name, event.last_name),
                **_email(event),
                **_phone(event),
                **_place(event),
                "company_id": event.company_id,
                "owner_id": event.owner_id,
                "created_at": event.occurred_at,
                "last_activity_at": event.occurred_at,
            }
        case PersonRenamed():
            return _name(event.first_name, event.last_name)
        case PersonEmailsChanged():
            return _email(event)
        case PersonPhonesChanged():
            return _phone(event)
        case PersonProfileChanged():
            return _place(event)
        case PersonAssigned():
            return {"owner_id": event.owner_id}
        case PersonJoinedCompany() | PersonLeftCompany():
            return {"company_id": event.main_company_id}
        case InteractionLogged():
            return {"last_activity_at": event.at} if event.latest else {}
        case _:
            return _standing(event)


def _standing(event: PersonEvent) -> dict[str, Any]:
    match event:
        case PersonAbsorbed() | PersonSeparated():
            return {"last_activity_at": event.last_activity_at} if event.last_activity_at else {}
        case PersonMerged():
            return {"merged_into": event.into_id}
        case PersonUnmerged():
            return {"merged_into": None}
        case _:
            return {}


def _name(first: str, last: str) -> dict[str, Any]:
    return {"first_name": first, "last_name": last, "sort_name": folded(f"{last} {first}")}


def _email(event: PersonAdded | PersonEmailsChanged) -> dict[str, Any]:
    primary = primary_of(event.emails)
    return {"email": primary.address if primary else None}


def _phone(event: PersonAdded | PersonPhonesChanged) -> dict[str, Any]:
    primary = primary_of(event.phones)
    return {"phone": primary.number if primary else None}


def _place(event: PersonAdded | PersonProfileChanged) -> dict[str, Any]:
    key = country_key(event.country)
    return {"city": event.city, "country": event.country, "country_key": key}


def _tags(event: PersonEvent) -> Iterable[Change]:
    match event:
        case PersonAdded():
            for tag in event.tags:
                yield Put(PERSON_TAGS, (event.person_id, folded(tag)), {"tag": tag})
        case PersonTagged():
            yield Put(PERSON_TAGS, (event.person_id, folded(event.tag)), {"tag": event.tag})
        case PersonUntagged():
            yield Remove(PERSON_TAGS, (event.person_id, folded(event.tag)))
        case _:
            pass


def _jobs(event: PersonEvent, version: int) -> Iterable[Change]:
    match event:
        case PersonAdded():
            if event.company_id is not None:
                columns = {"role": event.company_role, "joined_at_version": version}
                yield Put(JOBS, (event.person_id, event.company_id), columns)
        case PersonJoinedCompany():
            columns = {"role": event.role, "joined_at_version": version}
            yield Put(JOBS, (event.person_id, event.company_id), columns)
        case PersonRoleChanged():
            yield Put(JOBS, (event.person_id, event.company_id), {"role": event.role})
        case PersonLeftCompany():
            yield Remove(JOBS, (event.person_id, event.company_id))
        case _:
            pass


PEOPLE_PROJECTION = Projection("people", 2, PERSON_EVENTS, _TABLES, project)

# --- fetching

SORTS: Mapping[str, tuple[ColumnElement[Any], type, bool]] = {
    "name": (PEOPLE.c.sort_name, str, False),
    "-name": (PEOPLE.c.sort_name, str, True),
    "created": (PEOPLE.c.created_at, datetime, False),
    "-created": (PEOPLE.c.created_at, datetime, True),
    "activity": (PEOPLE.c.last_activity_at, datetime, False),
    "-activity": (PEOPLE.c.last_activity_at, datetime, True),
}
"""Column, its type, whether descending."""


@dataclass(frozen=True, slots=True)
class PeopleWanted:
    """Which people, in which order, from where on. `owners`: who sees only records of these
    owners, and of nobody; None: all."""

    workspace: UUID
    owners: frozenset[UUID] | None = None
    q: str | None = None
    tag: str | None = None
    owner: UUID | None = None
    company: UUID | None = None
    country: str | None = None
    segment: UUID | None = None
    sort: str = "name"
    limit: int = 50
    cursor: str | None = None


def full_name(row: Mapping[str, Any]) -> str:
    """What to call the person in a row: by name, else as they can be reached."""
    name = f"{row['first_name']} {row['last_name']}".strip()
    return name or row["email"] or row["phone"] or ""


def tags_of(workspace: UUID, person_id: ColumnElement[UUID]) -> ColumnElement[list[str]]:
    """A person's tags as one array."""
    t = PERSON_TAGS.c
    tags = select(func.array_agg(t.tag, type_=ARRAY(Text))).where(
        t.workspace_id == workspace, t.person_id == person_id
    )
    return tags.scalar_subquery().label("tags")


def wanted_people(
    wanted: PeopleWanted, narrowed: Sequence[ColumnElement[bool]] = ()
) -> Select[Any]:
    """One page of people and one row more; `narrowed`: what tag and search come to."""
    p, c, u, j = PEOPLE.c, COMPANIES.c, KNOWN_USERS.c, JOBS.c
    column, type_, descending = SORTS[wanted.sort]
    order = [column, p.person_id]
    statement = (
        select(
            PEOPLE,
            c.name.label("company_name"),
            u.name.label("owner_name"),
            tags_of(wanted.workspace, p.person_id),
        )
        .outerjoin(
            COMPANIES, and_(c.workspace_id == wanted.workspace, c.company_id == p.company_id)
        )
        .outerjoin(KNOWN_USERS, and_(u.workspace_id == wanted.workspace, u.user_id == p.owner_id))
        .where(p.workspace_id == wanted.workspace, *visible(p.owner_id, wanted.owners))
        .where(p.merged_into.is_(None), *_filters(wanted), *narrowed)
        .order_by(*(each.desc() if descending else each for each in order))
        .limit(wanted.limit + 1)
    )
    if wanted.company is not None:
        there = and_(
            j.workspace_id == wanted.workspace,
            j.company_id == wanted.company,
            j.person_id == p.person_id,
        )
        statement = statement.join(JOBS, there).add_columns(j.role)
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [type_, UUID])
        statement = statement.where(after(order, place, descending=descending))
    return statement


def _filters(wanted: PeopleWanted) -> Iterable[ColumnElement[bool]]:
    p = PEOPLE.c
    if wanted.owner is not None:
        yield p.owner_id == wanted.owner
    if wanted.country is not None:
        yield p.country_key == country_key(wanted.country)


async def narrowed_by(connection: Connection, wanted: PeopleWanted) -> list[ColumnElement[bool]]:
    """The conditions of tag and search: few people are listed, many are asked row by row."""
    p, t, conditions = PEOPLE.c, PERSON_TAGS.c, []
    if wanted.tag is not None:
        carried = select(t.person_id).where(
            t.workspace_id == wanted.workspace, t.folded == folded(wanted.tag)
        )
        carriers = await few(connection, carried)
        if carriers is None:
            conditions.append(found_for_row(carried.where(t.person_id == p.person_id)))
        else:
            conditions.append(any_of(p.person_id, carriers))
    if wanted.segment is not None:
        conditions.append(
            await narrowed_to(connection, wanted.workspace, wanted.segment, p.person_id)
        )
    if wanted.q:
        conditions += await people_meant(connection, wanted.workspace, wanted.q, p.person_id, JOBS)
    return conditions


async def sees_person(
    connection: Connection, workspace: UUID, person_id: UUID, owners: frozenset[UUID] | None
) -> bool:
    """Whether there is such a person for somebody who sees only records of these owners."""
    p = PEOPLE.c
    statement = select(p.version).where(
        p.workspace_id == workspace, p.person_id == person_id, *visible(p.owner_id, owners)
    )
    return await fetch_value(connection, statement) is not None


async def fetch_owners(
    connection: Connection, workspace: UUID, people: Iterable[UUID]
) -> dict[UUID, UUID | None]:
    """Who looks after these people, as far as there are such people."""
    p = PEOPLE.c
    statement = select(p.person_id, p.owner_id).where(
        p.workspace_id == workspace, any_of(p.person_id, list(people))
    )
    return {row["person_id"]: row["owner_id"] for row in await fetch(connection, statement)}


async def fetch_people(
    connection: Connection, wanted: PeopleWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of people, and the cursor of the next page."""
    narrowed = await narrowed_by(connection, wanted)
    rows: Sequence[Mapping[str, Any]] = await fetch(connection, wanted_people(wanted, narrowed))
    column = SORTS[wanted.sort][0].name
    kept, following = page(rows, wanted.limit, lambda row: [row[column], row["person_id"]])
    items = [_item(row) for row in kept]
    if wanted.company is not None:
        items = [{**item, "role": row["role"]} for item, row in zip(items, kept, strict=True)]
    return items, following


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    company = {"id": row["company_id"], "name": row["company_name"]}
    owner = {"id": row["owner_id"], "name": row["owner_name"]}
    return {
        "id": row["person_id"],
        "version": row["version"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "name": full_name(row),
        "email": row["email"],
        "phone": row["phone"],
        "company": company if row["company_id"] else None,
        "owner_id": row["owner_id"],
        "owner": owner if row["owner_id"] else None,
        "tags": sorted(row["tags"] or [], key=folded),
        "city": row["city"],
        "country": row["country"],
        "created_at": row["created_at"],
        "last_activity_at": row["last_activity_at"],
    }
