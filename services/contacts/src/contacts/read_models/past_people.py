"""What did the list say of this person at any moment? Each thing that was ever said, and when.

A row is what one event says, and nothing else: what it does not speak of is in earlier rows. What
holds at a moment is what was said last, in the order of the log, of all that had happened by then;
so a change that is entered late is in its place, and nothing has to be closed when something new is
said. Pages are put together by `contacts/past_list.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Text, Uuid, text

from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.country import country_key
from contacts.domain.entry import primary_of
from contacts.domain.person.events import (
    PersonAdded,
    PersonAssigned,
    PersonEmailsChanged,
    PersonErased,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonPhonesChanged,
    PersonProfileChanged,
    PersonRenamed,
    PersonRoleChanged,
    PersonTagged,
    PersonUnmerged,
    PersonUntagged,
)
from contacts.domain.phone_number import matched_as, national_digits
from contacts.domain.words import folded


def _when() -> tuple[Column[Any], Column[Any]]:
    """When it happened, and when it was recorded."""
    return Column("at", DateTime(timezone=True)), Column("recorded_at", DateTime(timezone=True))


def _of_those_who_have(column: str) -> Index:
    """Most rows say one thing only: an index holds those that speak of its column. When that was
    is in it, too, so that what came later is passed over without a look at the row."""
    return Index(
        f"past_people_by_{column}",
        "workspace_id",
        column,
        "person_id",
        "at",
        postgresql_where=text(f"{column} is not null"),
    )


PAST_PEOPLE = read_table(
    "past_people",
    Column("person_id", Uuid),
    Column("version", BigInteger),
    Column("told", Text(collation="C")),
    *_when(),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("sort_name", Text(collation="C")),
    Column("spoken_name", Text(collation="C")),
    Column("email", Text),
    Column("folded_email", Text(collation="C")),
    Column("phone", Text),
    Column("digits", Text(collation="C")),
    Column("national_digits", Text(collation="C")),
    Column("company_id", Uuid),
    Column("owner_id", Uuid),
    Column("city", Text),
    Column("country", Text),
    Column("country_key", Text(collation="C")),
    Column("merged_into", Uuid),
    *map(
        _of_those_who_have,
        (
            "sort_name",
            "spoken_name",
            "folded_email",
            "digits",
            "national_digits",
            "owner_id",
            "country_key",
        ),
    ),
    Index(
        "past_people_by_creation",
        "workspace_id",
        "at",
        "person_id",
        postgresql_where=text("told = 'all'"),
    ),
    key=("person_id", "version"),
)
PAST_TAGS = read_table(
    "past_tags",
    Column("person_id", Uuid),
    Column("folded", Text(collation="C")),
    Column("version", BigInteger),
    *_when(),
    Column("tag", Text),
    Column("carried", Boolean),
    Index("past_tags_by_tag", "workspace_id", "folded", "person_id", "at"),
    key=("person_id", "folded", "version"),
)
PAST_JOBS = read_table(
    "past_jobs",
    Column("person_id", Uuid),
    Column("company_id", Uuid),
    Column("version", BigInteger),
    *_when(),
    Column("held", Boolean),
    Column("role", Text),
    Index("past_jobs_by_company", "workspace_id", "company_id", "person_id", "at"),
    key=("person_id", "company_id", "version"),
)
_TABLES = (PAST_PEOPLE, PAST_TAGS, PAST_JOBS)

ALL = "all"
"""Of a person's first event, which says everything."""
SAID: Mapping[str, tuple[str, ...]] = {
    "name": ("first_name", "last_name"),
    "email": ("email",),
    "phone": ("phone",),
    "place": ("city", "country"),
    "owner": ("owner_id",),
    "company": ("company_id",),
    "standing": ("merged_into",),
}
"""The things that are said apart from one another, and the columns that a list shows of them."""

_Said = (
    PersonRenamed
    | PersonEmailsChanged
    | PersonPhonesChanged
    | PersonProfileChanged
    | PersonAssigned
    | PersonJoinedCompany
    | PersonLeftCompany
    | PersonMerged
    | PersonUnmerged
)
_Tagging = PersonTagged | PersonUntagged
_Working = PersonJoinedCompany | PersonRoleChanged | PersonLeftCompany
PastEvent = PersonAdded | _Said | _Tagging | _Working | PersonErased


def project(recorded: Recorded[PastEvent]) -> Iterable[Change]:
    """What an event says of a person. Nothing stays of whoever was erased."""
    event = recorded.event
    if isinstance(event, PersonErased):
        for table in _TABLES:
            yield Remove(table, (event.person_id,))
        return
    when = {"at": event.occurred_at, "recorded_at": recorded.recorded_at}
    if isinstance(event, PersonAdded):
        said: tuple[str, dict[str, Any]] | None = (ALL, _first(event))
    else:
        said = _said(event)
    if said is not None:
        columns = {"told": said[0], **when, **said[1]}
        yield Put(PAST_PEOPLE, (event.person_id, recorded.version), columns)
    for tag, carried in _tags(event):
        key = (event.person_id, folded(tag), recorded.version)
        yield Put(PAST_TAGS, key, {**when, "tag": tag, "carried": carried})
    for company_id, held, role in _jobs(event):
        key = (event.person_id, company_id, recorded.version)
        yield Put(PAST_JOBS, key, {**when, "held": held, "role": role})


def _first(event: PersonAdded) -> dict[str, Any]:
    return {
        **_name(event),
        **_email(event),
        **_phone(event),
        **_place(event),
        "owner_id": event.owner_id,
        "company_id": event.company_id,
    }


def _said(event: _Said | _Tagging | PersonRoleChanged) -> tuple[str, dict[str, Any]] | None:
    match event:
        case PersonRenamed():
            return "name", _name(event)
        case PersonEmailsChanged():
            return "email", _email(event)
        case PersonPhonesChanged():
            return "phone", _phone(event)
        case PersonProfileChanged():
            return "place", _place(event)
        case PersonAssigned():
            return "owner", {"owner_id": event.owner_id}
        case PersonJoinedCompany() | PersonLeftCompany():
            return "company", {"company_id": event.main_company_id}
        case PersonMerged():
            return "standing", {"merged_into": event.into_id}
        case PersonUnmerged():
            return "standing", {"merged_into": None}
        case _:
            return None


def _name(event: PersonAdded | PersonRenamed) -> dict[str, Any]:
    first, last = event.first_name, event.last_name
    return {
        "first_name": first,
        "last_name": last,
        "sort_name": folded(f"{last} {first}"),
        "spoken_name": folded(f"{first} {last}"),
    }


def _email(event: PersonAdded | PersonEmailsChanged) -> dict[str, Any]:
    primary = primary_of(event.emails)
    if primary is None:
        return {"email": None, "folded_email": None}
    return {"email": primary.address, "folded_email": folded(primary.folded or primary.address)}


def _phone(event: PersonAdded | PersonPhonesChanged) -> dict[str, Any]:
    primary = primary_of(event.phones)
    if primary is None:
        return {"phone": None, "digits": None, "national_digits": None}
    return {
        "phone": primary.number,
        "digits": matched_as(primary),
        "national_digits": national_digits(primary),
    }


def _place(event: PersonAdded | PersonProfileChanged) -> dict[str, Any]:
    key = country_key(event.country)
    return {"city": event.city, "country": event.country, "country_key": key}


def _tags(event: PastEvent) -> Iterable[tuple[str, bool]]:
    match event:
        case PersonAdded():
            yield from ((tag, True) for tag in event.tags)
        case PersonTagged():
            yield event.tag, True
        case PersonUntagged():
            yield event.tag, False
        case _:
            pass


def _jobs(event: PastEvent) -> Iterable[tuple[Any, bool, str | None]]:
    match event:
        case PersonAdded():
            if event.company_id is not None:
                yield event.company_id, True, event.company_role
        case PersonJoinedCompany() | PersonRoleChanged():
            yield event.company_id, True, event.role
        case PersonLeftCompany():
            yield event.company_id, False, None
        case _:
            pass


PAST_PEOPLE_PROJECTION = Projection(
    "past_people",
    1,
    (
        PersonAdded,
        PersonRenamed,
        PersonEmailsChanged,
        PersonPhonesChanged,
        PersonProfileChanged,
        PersonAssigned,
        PersonTagged,
        PersonUntagged,
        PersonJoinedCompany,
        PersonRoleChanged,
        PersonLeftCompany,
        PersonMerged,
        PersonUnmerged,
        PersonErased,
    ),
    _TABLES,
    project,
)


def put_together(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What rows of one person say together: of each thing the last word, in the order of the log.
    None without the first one: the person was not known yet."""
    in_order = sorted(rows, key=lambda row: int(row["version"]))
    if not in_order or in_order[0]["told"] != ALL:
        return None
    first = in_order[0]
    shown = {name: first[name] for names in SAID.values() for name in names}
    for row in in_order[1:]:
        shown |= {name: row[name] for name in SAID[row["told"]]}
    return {**shown, "person_id": first["person_id"], "created_at": first["at"]}
