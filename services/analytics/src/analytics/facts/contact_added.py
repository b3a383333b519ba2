"""Contacts added: how many people and companies came in, when, from where?

No personal data: erasing a person changes no figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, Index, Text, Uuid

from analytics.fact import About, Fact, columns_of_times, measure, times_of
from analytics.received import CompanyAdded, PersonAdded
from chassis.events import Recorded
from chassis.projection import Change, Projection, Put, read_table

CONTACTS_ADDED = read_table(
    "contacts_added",
    Column("contact_id", Uuid),
    *columns_of_times(),
    Column("company_id", Uuid),
    Column("owner_id", Uuid),
    Column("source", Text),
    Column("country", Text),
    measure("people"),
    measure("companies"),
    Index("contacts_added_day", "workspace_id", "day"),
    Index("contacts_added_events", "workspace_id", "occurred_at", "event_id"),
    key=("contact_id",),
)
DIMENSIONS = ("owner_id", "company_id", "source", "country")

PERSON_ADDED = Fact(
    name="person_added",
    title="A person was added to the contacts",
    table=CONTACTS_ADDED,
    about=About("contacts", "person", "contact_id"),
    measures={"people": CONTACTS_ADDED.c.people},
    dimensions=DIMENSIONS,
    person="contact_id",
    is_there=CONTACTS_ADDED.c.people != 0,
)
COMPANY_ADDED = Fact(
    name="company_added",
    title="A company was added to the contacts",
    table=CONTACTS_ADDED,
    about=About("contacts", "company", "contact_id"),
    measures={"companies": CONTACTS_ADDED.c.companies},
    dimensions=DIMENSIONS,
    is_there=CONTACTS_ADDED.c.companies != 0,
)


def rows_of(recorded: Recorded[Any]) -> Iterator[dict[str, Any]]:
    """The fact an event makes."""
    row = times_of(recorded)
    match recorded.event:
        case PersonAdded() as e:
            yield row | {
                "company_id": e.company_id,
                "owner_id": e.owner_id,
                "source": e.source,
                "country": e.country,
                "people": 1,
            }
        case CompanyAdded() as e:
            yield row | {
                "company_id": e.company_id,
                "owner_id": e.owner_id,
                "country": e.country,
                "companies": 1,
            }


def project(recorded: Recorded[Any]) -> Iterable[Change]:
    """Row changes of an event."""
    event = recorded.event
    contact_id = event.person_id if isinstance(event, PersonAdded) else event.company_id
    for row in rows_of(recorded):
        yield Put(CONTACTS_ADDED, (contact_id,), row)


PROJECTION = Projection("contact_added", 1, (PersonAdded, CompanyAdded), (CONTACTS_ADDED,), project)
