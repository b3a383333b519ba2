"""What is compared of each person to find duplicates, and since when is it so?

`version` and `recorded_at` move when something does that is compared; so whoever compares people
sees which ones are not compared yet. An erased person leaves an empty row behind, `gone`, so that
what was made of it elsewhere goes, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Change, Projection, Put, read_table
from contacts.domain.duplicates.traits import Traits, name_traits, profile_traits, traits
from contacts.domain.person.events import (
    PersonAdded,
    PersonEmailsChanged,
    PersonErased,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonRenamed,
    PersonUnmerged,
)
from contacts.domain.phone_number import matched_as
from contacts.domain.words import folded

LIKENESSES = read_table(
    "likenesses",
    Column("person_id", Uuid),
    Column("version", BigInteger),
    Column("recorded_at", DateTime(timezone=True)),
    Column("gone", Boolean, nullable=False, server_default="false"),
    Column("names", JSONB),
    Column("profile", JSONB),
    Column("emails", JSONB),
    Column("phones", JSONB),
    Column("company_id", Uuid),
    Index("likenesses_by_change", "recorded_at", "workspace_id", "person_id"),
    key=("person_id",),
)

_EVENTS = (
    PersonAdded,
    PersonRenamed,
    PersonEmailsChanged,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonUnmerged,
    PersonErased,
)
_NOTHING: Mapping[str, Any] = dict.fromkeys(("names", "profile", "emails", "phones", "company_id"))


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """What an event changes of what is compared. Records that were merged are not compared."""
    moved = {"version": recorded.version, "recorded_at": recorded.recorded_at}
    key = (recorded.event.person_id,)
    yield Put(LIKENESSES, key, {**moved, **_columns(recorded.event)})


def _columns(event: Any) -> dict[str, Any]:
    match event:
        case PersonAdded():
            return {
                "gone": False,
                **_names(event),
                **_profile(event),
                **_emails(event),
                **_phones(event),
                "company_id": event.company_id,
            }
        case PersonRenamed():
            return _names(event)
        case PersonEmailsChanged():
            return _emails(event)
        case PersonPhonesChanged():
            return _phones(event)
        case PersonProfileChanged():
            return _profile(event)
        case PersonJoinedCompany() | PersonLeftCompany():
            return {"company_id": event.main_company_id}
        case PersonErased():
            return {"gone": True, **_NOTHING}
        case _:
            return {"gone": isinstance(event, PersonMerged)}


def _names(event: PersonAdded | PersonRenamed) -> dict[str, Any]:
    return {"names": name_traits(event.first_name, event.last_name)}


def _profile(event: PersonAdded | PersonProfileChanged) -> dict[str, Any]:
    return {"profile": profile_traits(event.birthday, event.city, event.custom)}


def _emails(event: PersonAdded | PersonEmailsChanged) -> dict[str, Any]:
    return {"emails": [folded(email.folded or email.address) for email in event.emails]}


def _phones(event: PersonAdded | PersonPhonesChanged) -> dict[str, Any]:
    return {"phones": [matched_as(phone) for phone in event.phones]}


LIKENESSES_PROJECTION = Projection("likenesses", 1, _EVENTS, (LIKENESSES,), project)

# --- fetching


def traits_of(row: Mapping[str, Any]) -> Traits:
    """A row as it is compared."""
    names, profile = row["names"] or {}, row["profile"] or {}
    company = row["company_id"]
    return traits(
        {field: tuple(values) for field, values in names.items()},
        {field: tuple(values) for field, values in profile.items()},
        emails=row["emails"] or (),
        phones=row["phones"] or (),
        companies=[str(company)] if company else (),
    )


async def fetch_traits(
    connection: Connection, workspace: UUID, people: Sequence[UUID]
) -> dict[UUID, Traits]:
    """What is compared of these people, as far as they are compared at all."""
    like = LIKENESSES.c
    if not people:
        return {}
    statement = select(LIKENESSES).where(
        like.workspace_id == workspace, any_of(like.person_id, people), ~like.gone
    )
    rows = await fetch(connection, statement)
    return {row["person_id"]: traits_of(row) for row in rows}
