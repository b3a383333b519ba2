"""Whom can we write to, and about whom do we know what? People as campaigns need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    distinct,
    exists,
    func,
    or_,
    select,
)

from campaigns.domain.audience import Audience
from campaigns.read_models.subscriptions import blocked
from campaigns.received import (
    CompanyAdded,
    CompanyRenamed,
    EmailAddress,
    MembershipsErased,
    PersonAdded,
    PersonAssigned,
    PersonEmailsChanged,
    PersonErased,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonProfileChanged,
    PersonRenamed,
    PersonTagged,
    PersonUnmerged,
    PersonUntagged,
    SegmentEntered,
    SegmentLeft,
)
from chassis.events import Recorded
from chassis.postgres.database import Connection, Record
from chassis.postgres.statements import fetch, fetch_one
from chassis.projection import Change, Projection, Put, Remove, read_table

RECIPIENTS: Table = read_table(
    "recipients",
    Column("person_id", Uuid),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("email", Text),
    Column("email_key", Text),
    Column("owner_id", Uuid),
    Column("company_id", Uuid),
    Column("language", Text),
    Column("country", Text),
    Column("city", Text),
    Column("source", Text),
    Column("language_key", Text),
    Column("country_key", Text),
    Column("city_key", Text),
    Column("source_key", Text),
    Column("merged_into", Uuid),
    Index("recipients_merged", "workspace_id", "merged_into", "person_id"),
    key=("person_id",),
)
TAGS: Table = read_table(
    "recipient_tags",
    Column("person_id", Uuid),
    Column("tag_key", Text),
    Index("recipient_tags_tag", "workspace_id", "tag_key", "person_id"),
    key=("person_id", "tag_key"),
)
JOBS: Table = read_table(
    "recipient_jobs",
    Column("person_id", Uuid),
    Column("company_id", Uuid),
    Index("recipient_jobs_company", "workspace_id", "company_id", "person_id"),
    key=("person_id", "company_id"),
)
SEGMENTS: Table = read_table(
    "recipient_segments",
    Column("person_id", Uuid),
    Column("segment_id", Uuid),
    Index("recipient_segments_segment", "workspace_id", "segment_id", "person_id"),
    key=("person_id", "segment_id"),
)
COMPANIES: Table = read_table(
    "recipient_companies",
    Column("company_id", Uuid),
    Column("name", Text),
    key=("company_id",),
)

EVENTS = (
    PersonAdded,
    PersonRenamed,
    PersonEmailsChanged,
    PersonProfileChanged,
    PersonTagged,
    PersonUntagged,
    PersonAssigned,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonUnmerged,
    PersonErased,
    CompanyAdded,
    CompanyRenamed,
    SegmentEntered,
    SegmentLeft,
    MembershipsErased,
)


_KEY_MOST = 300
"""A key longer than this is cut: an index cannot hold a novel."""


def folded(text: str | None) -> str | None:
    """As it is compared: without case and outer blanks."""
    return text.strip().casefold()[:_KEY_MOST] if text and text.strip() else None


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """One row per person, one per tag, company and segment of a person, one per company."""
    match recorded.event:
        case CompanyAdded() | CompanyRenamed() as e:
            yield Put(COMPANIES, (e.company_id,), {"name": e.name})
        case PersonErased() as e:
            for table in (RECIPIENTS, TAGS, JOBS):
                yield Remove(table, (e.person_id,))
        case PersonTagged() | PersonUntagged() as e:
            key = (e.person_id, folded(e.tag) or "")
            yield Put(TAGS, key, {}) if isinstance(e, PersonTagged) else Remove(TAGS, key)
        case PersonJoinedCompany() | PersonLeftCompany() as e:
            yield from _job(e)
        case SegmentEntered() as e:
            yield Put(SEGMENTS, (e.person_id, e.segment_id), {})
        case SegmentLeft() as e:
            yield Remove(SEGMENTS, (e.person_id, e.segment_id))
        case MembershipsErased() as e:
            yield Remove(SEGMENTS, (e.person_id,))
        case PersonAdded() as e:
            yield from _added(e)
        case e:
            yield Put(RECIPIENTS, (e.person_id,), _changed(e))


def _changed(
    e: PersonRenamed
    | PersonEmailsChanged
    | PersonProfileChanged
    | PersonAssigned
    | PersonMerged
    | PersonUnmerged,
) -> dict[str, Any]:
    match e:
        case PersonRenamed():
            return _names(e)
        case PersonEmailsChanged():
            return _email(e.emails)
        case PersonProfileChanged():
            return _profile(e)
        case PersonAssigned():
            return {"owner_id": e.owner_id}
        case PersonMerged():
            return {"merged_into": e.into_id}
        case PersonUnmerged():
            return {"merged_into": None}


def _added(e: PersonAdded) -> Iterable[Change]:
    columns = {**_names(e), **_email(e.emails), **_profile(e)}
    own = {"owner_id": e.owner_id, "company_id": e.company_id}
    yield Put(RECIPIENTS, (e.person_id,), {**columns, **own})
    for tag in e.tags:
        yield Put(TAGS, (e.person_id, folded(tag) or ""), {})
    if e.company_id is not None:
        yield Put(JOBS, (e.person_id, e.company_id), {})


def _job(e: PersonJoinedCompany | PersonLeftCompany) -> Iterable[Change]:
    key = (e.person_id, e.company_id)
    if isinstance(e, PersonJoinedCompany):
        yield Put(JOBS, key, {})
        yield Put(RECIPIENTS, (e.person_id,), {"company_id": e.main_company_id or e.company_id})
    else:
        yield Remove(JOBS, key)
        yield Put(RECIPIENTS, (e.person_id,), {"company_id": e.main_company_id})


def _names(event: PersonAdded | PersonRenamed) -> dict[str, Any]:
    return {"first_name": event.first_name, "last_name": event.last_name}


def _email(emails: Sequence[EmailAddress]) -> dict[str, Any]:
    """The primary address, else the first."""
    found = next((e for e in emails if e.primary), emails[0] if emails else None)
    address = found.address.strip() if found else None
    return {"email": address or None, "email_key": folded(address)}


def _profile(event: PersonAdded | PersonProfileChanged) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in ("language", "country", "city", "source"):
        columns[name] = getattr(event, name)
        columns[f"{name}_key"] = folded(columns[name])
    return columns


PROJECTION = Projection(
    "recipients", 3, EVENTS, (RECIPIENTS, TAGS, JOBS, SEGMENTS, COMPANIES), project
)

_R, _C = RECIPIENTS.c, COMPANIES.c
_WITH_COMPANY = RECIPIENTS.outerjoin(
    COMPANIES, and_(_C.workspace_id == _R.workspace_id, _C.company_id == _R.company_id)
)
_READER = (
    _R.person_id,
    _R.first_name,
    _R.last_name,
    _R.email,
    _R.email_key,
    _R.owner_id,
    _R.language,
    _R.country,
    _R.city,
    _C.name.label("company"),
)


def readers(workspace: UUID, person_ids: Sequence[UUID]) -> Select[Any]:
    """These people, as far as they are known."""
    return (
        select(*_READER)
        .select_from(_WITH_COMPANY)
        .where(_R.workspace_id == workspace, _R.person_id.in_(person_ids))
    )


async def fetch_readers(
    connection: Connection, workspace: UUID, person_ids: Sequence[UUID]
) -> dict[UUID, Record]:
    """Those of these people who are known, by id."""
    rows = await fetch(connection, readers(workspace, person_ids)) if person_ids else []
    return {row["person_id"]: row for row in rows}


def values_of(row: Record | None) -> dict[str, str]:
    """The merge fields of a person; nothing for one who is not known (any more)."""
    if row is None:
        return {}
    known = {
        name: row[name] or ""
        for name in ("first_name", "last_name", "email", "company", "city", "country", "language")
    }
    known["name"] = f"{known['first_name']} {known['last_name']}".strip()
    return known


def records_merged_into(workspace: UUID, person_id: UUID) -> Select[Any]:
    """The other records of a person."""
    return select(_R.person_id).where(_R.workspace_id == workspace, _R.merged_into == person_id)


def matching(workspace: UUID, audience: Audience) -> ColumnElement[bool]:
    """The condition for the people an audience means."""
    conditions = [_R.workspace_id == workspace, _R.merged_into.is_(None)]
    tags = sorted({folded(tag) or "" for tag in audience.tags})
    if tags and audience.match == "any":
        conditions.append(_tagged(tags))
    elif tags:
        conditions += [_tagged([tag]) for tag in tags]
    for field, values in sorted(audience.filter.items()):
        conditions.append(_having(field, values))
    if audience.segments:
        conditions.append(_in_one_of(audience.segments))
    if audience.owners is not None:
        conditions.append(or_(_R.owner_id.is_(None), _R.owner_id.in_(audience.owners)))
    return and_(*conditions)


def _tagged(tags: Sequence[str]) -> ColumnElement[bool]:
    t = TAGS.c
    return exists().where(
        t.workspace_id == _R.workspace_id, t.person_id == _R.person_id, t.tag_key.in_(tags)
    )


def _in_one_of(segments: Sequence[UUID]) -> ColumnElement[bool]:
    s = SEGMENTS.c
    return exists().where(
        s.workspace_id == _R.workspace_id,
        s.person_id == _R.person_id,
        s.segment_id.in_(segments),
    )


def _having(field: str, values: Sequence[str]) -> ColumnElement[bool]:
    if field == "tag":
        return _tagged([folded(value) or "" for value in values])
    if field == "owner":
        return _R.owner_id.in_([UUID(value) for value in values])
    if field == "company":
        j = JOBS.c
        return exists().where(
            j.workspace_id == _R.workspace_id,
            j.person_id == _R.person_id,
            j.company_id.in_([UUID(value) for value in values]),
        )
    return _R[f"{field}_key"].in_([folded(value) for value in values])


async def fetch_audience(
    connection: Connection, workspace: UUID, audience: Audience, topic: str
) -> list[Record]:
    """Everybody an audience means: person, address, and why they get no mail, if so."""
    reason = blocked(_R.workspace_id, _R.person_id, topic)
    statement = (
        select(_R.person_id, _R.email_key, reason.label("blocked"))
        .where(matching(workspace, audience))
        .order_by(_R.person_id)
    )
    return await fetch(connection, statement)


async def fetch_count(
    connection: Connection, workspace: UUID, audience: Audience, topic: str
) -> tuple[int, int]:
    """How many people an audience means, and how many addresses of them may be written to."""
    reason = blocked(_R.workspace_id, _R.person_id, topic)
    statement = select(
        func.count().label("people"),
        func.count(distinct(_R.email_key)).filter(reason.is_(None)).label("reachable"),
    ).where(matching(workspace, audience))
    row = await fetch_one(connection, statement)
    return (row["people"], row["reachable"]) if row else (0, 0)


async def fetch_person(connection: Connection, workspace: UUID, person_id: UUID) -> Record | None:
    """One person."""
    return await fetch_one(connection, readers(workspace, [person_id]))
