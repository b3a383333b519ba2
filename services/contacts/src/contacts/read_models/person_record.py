"""What do we know of this person? Everything but tags and jobs, which the list of people keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Table,
    Text,
    Uuid,
    and_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch, fetch_one
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.person.commands import Profile
from contacts.domain.person.events import (
    ConsentGiven,
    ConsentWithdrawn,
    PersonAdded,
    PersonEmailsChanged,
    PersonErased,
    PersonIdentified,
    PersonPhonesChanged,
    PersonProfileChanged,
)
from contacts.domain.words import folded
from contacts.read_models.known_users import visible
from contacts.read_models.people import JOBS, PEOPLE, full_name, tags_of
from contacts.read_models.survivors import fetch_survivors

PERSON_RECORDS = read_table(
    "person_records",
    Column("person_id", Uuid),
    Column("emails", JSONB),
    Column("phones", JSONB),
    Column("birthday", Date),
    Column("language", Text),
    Column("time_zone", Text),
    Column("city", Text),
    Column("country", Text),
    Column("source", Text),
    Column("custom", JSONB),
    key=("person_id",),
)
CONSENTS = read_table(
    "consents",
    Column("person_id", Uuid),
    Column("channel", Text),
    Column("purpose", Text),
    Column("given", Boolean),
    Column("at", DateTime(timezone=True)),
    Column("source", Text),
    Column("text_version", Text),
    key=("person_id", "channel", "purpose"),
)
PERSON_IDS = read_table(
    "person_ids",
    Column("person_id", Uuid),
    Column("source", Text),
    Column("external_id", Text),
    Column("learned_at_version", BigInteger),
    Index("person_ids_by_id", "workspace_id", "source", "external_id"),
    key=("person_id", "source"),
)
_TABLES = (PERSON_RECORDS, CONSENTS, PERSON_IDS)

RecordedEvent = (
    PersonAdded
    | PersonEmailsChanged
    | PersonPhonesChanged
    | PersonProfileChanged
    | PersonIdentified
    | ConsentGiven
    | ConsentWithdrawn
    | PersonErased
)


def project(recorded: Recorded[RecordedEvent]) -> Iterable[Change]:
    """What an event adds to what we know of a person."""
    event, key = recorded.event, (recorded.event.person_id,)
    match event:
        case PersonAdded():
            columns = {**_emails(event), **_phones(event), **_profile(event)}
            yield Put(PERSON_RECORDS, key, columns)
        case PersonEmailsChanged():
            yield Put(PERSON_RECORDS, key, _emails(event))
        case PersonPhonesChanged():
            yield Put(PERSON_RECORDS, key, _phones(event))
        case PersonProfileChanged():
            yield Put(PERSON_RECORDS, key, _profile(event))
        case ConsentGiven() | ConsentWithdrawn():
            yield _consent(event)
        case PersonErased():
            for table in _TABLES:
                yield Remove(table, key)
        case PersonIdentified():
            pass
    if isinstance(event, PersonAdded | PersonIdentified) and event.external_id is not None:
        columns = {"external_id": event.external_id, "learned_at_version": recorded.version}
        yield Put(PERSON_IDS, (event.person_id, event.external_source or ""), columns)


def _emails(event: PersonAdded | PersonEmailsChanged) -> dict[str, Any]:
    return {"emails": [msgspec.to_builtins(email) for email in event.emails]}


def _phones(event: PersonAdded | PersonPhonesChanged) -> dict[str, Any]:
    return {"phones": [msgspec.to_builtins(phone) for phone in event.phones]}


def _profile(event: PersonAdded | PersonProfileChanged) -> dict[str, Any]:
    return {name: getattr(event, name) for name in Profile.__slots__}


def _consent(event: ConsentGiven | ConsentWithdrawn) -> Change:
    columns = {
        "given": isinstance(event, ConsentGiven),
        "at": event.occurred_at,
        "source": event.source,
        "text_version": event.text_version,
    }
    return Put(CONSENTS, (event.person_id, event.channel, event.purpose), columns)


PERSON_RECORD_PROJECTION = Projection(
    "person_record",
    1,
    (
        PersonAdded,
        PersonEmailsChanged,
        PersonPhonesChanged,
        PersonProfileChanged,
        PersonIdentified,
        ConsentGiven,
        ConsentWithdrawn,
        PersonErased,
    ),
    _TABLES,
    project,
)

# --- fetching


async def fetch_person(
    connection: Connection, workspace: UUID, person_id: UUID, owners: frozenset[UUID] | None
) -> tuple[dict[str, Any], int] | None:
    """All that is known of a person now, shaped like `facts`, and the version; or None."""
    p, r = PEOPLE.c, PERSON_RECORDS.c
    known = [column for column in r if column.name not in PEOPLE.c]
    statement = (
        select(PEOPLE, *known, tags_of(workspace, p.person_id))
        .join(PERSON_RECORDS, and_(r.workspace_id == p.workspace_id, r.person_id == p.person_id))
        .where(p.workspace_id == workspace, p.person_id == person_id)
        .where(*visible(p.owner_id, owners))
    )
    row = await fetch_one(connection, statement)
    if row is None:
        return None
    jobs = await _of_person(connection, JOBS, workspace, person_id)
    consents = await _of_person(connection, CONSENTS, workspace, person_id)
    ids = await _of_person(connection, PERSON_IDS, workspace, person_id)
    return _record(row, jobs, consents, ids), row["version"]


async def fetch_brief(
    connection: Connection, workspace: UUID, people: Sequence[UUID]
) -> list[dict[str, Any]]:
    """These records by name only."""
    p = PEOPLE.c
    statement = select(PEOPLE).where(p.workspace_id == workspace, any_of(p.person_id, people))
    rows = await fetch(connection, statement.order_by(p.person_id)) if people else []
    return [{"id": row["person_id"], "name": full_name(row)} for row in rows]


async def _of_person(
    connection: Connection, table: Table, workspace: UUID, person_id: UUID
) -> Sequence[Mapping[str, Any]]:
    statement = select(table).where(
        table.c.workspace_id == workspace, table.c.person_id == person_id
    )
    return await fetch(connection, statement)


_CONSENT = ("channel", "purpose", "given", "at", "source", "text_version")


def _record(
    row: Mapping[str, Any],
    jobs: Sequence[Mapping[str, Any]],
    consents: Sequence[Mapping[str, Any]],
    ids: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    main = row["company_id"]
    jobs = sorted(jobs, key=lambda j: (j["company_id"] != main, j["joined_at_version"]))
    known = [
        {"id": each["external_id"], "source": each["source"] or None}
        for each in sorted(ids, key=lambda each: each["learned_at_version"])
    ]
    first = known[0] if known else {"id": None, "source": None}
    return {
        "id": row["person_id"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "name": full_name(row),
        "email": row["email"],
        "phone": row["phone"],
        "emails": row["emails"],
        "phones": row["phones"],
        **{name: row[name] for name in Profile.__slots__},
        "companies": [{"company_id": j["company_id"], "role": j["role"]} for j in jobs],
        "owner_id": row["owner_id"],
        "tags": sorted(row["tags"] or [], key=folded),
        "consents": [
            {name: consent[name] for name in _CONSENT}
            for consent in sorted(consents, key=lambda c: (c["channel"], c["purpose"]))
        ],
        "external_id": first["id"],
        "external_source": first["source"],
        "external_ids": known,
        "created_at": row["created_at"],
        "last_activity_at": row["last_activity_at"],
    }


# --- matching


async def fetch_people_with_ids(
    connection: Connection, workspace: UUID, source: str, external_ids: Iterable[str]
) -> dict[str, UUID]:
    """People by what one other system calls them."""
    i = PERSON_IDS.c
    statement = select(i.external_id, i.person_id).where(
        i.workspace_id == workspace,
        i.source == source,
        any_of(i.external_id, list(set(external_ids))),
    )
    found = {row["external_id"]: row["person_id"] for row in await fetch(connection, statement)}
    survivors = await fetch_survivors(connection, workspace, found.values())
    return {known: survivors.get(person_id, person_id) for known, person_id in found.items()}
