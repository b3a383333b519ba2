"""What happened with this person, or with this company? Newest first, from all services.

A row belongs to a subject: a person, a company, a deal. A person's timeline is that of the person
and of the deals with them, a company's that of the company and of its deals: which deals these are
is asked when it is read, so a deal that moves to another person brings its past along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Index,
    Select,
    Text,
    Uuid,
    and_,
    exists,
    literal,
    not_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Event, Recorded, category_of
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.company import (
    COMPANY_EVENTS,
    CompanyAdded,
    CompanyEvent,
    CompanyProfileChanged,
)
from contacts.domain.person.events import (
    PERSON_EVENTS,
    InteractionLogged,
    PersonAdded,
    PersonErased,
    PersonEvent,
    PersonJoinedCompany,
    PersonLeftCompany,
    PersonMerged,
    PersonProfileChanged,
)
from contacts.domain.purchase import PurchaseCancelled, PurchaseRecorded
from contacts.read_models.companies import COMPANIES
from contacts.read_models.known_broadcasts import KNOWN_BROADCASTS
from contacts.read_models.known_deals import KNOWN_DEALS
from contacts.read_models.known_users import visible
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.purchases import PURCHASES
from contacts.read_models.survivors import one_of
from contacts.received import (
    DealLost,
    DealMoved,
    DealOpened,
    DealReopened,
    DealRevalued,
    DealWon,
    LinkClicked,
    MessageOpened,
    MessageSent,
    PersonUnsubscribed,
)

TIMELINE = read_table(
    "timeline",
    Column("subject_id", Uuid),
    Column("origin", Text),
    Column("event_id", Uuid),
    Column("at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("kind", Text),
    Column("type", Text),
    Column("data", JSONB),
    Column("actor", Text),
    Column("person_id", Uuid),
    Column("company_id", Uuid),
    Column("deal_id", Uuid),
    Column("broadcast_id", Uuid),
    Column("purchase_id", Uuid),
    Index("timeline_by_time", "workspace_id", "subject_id", "at", "event_id"),
    Index("timeline_by_recording", "workspace_id", "recorded_at"),
    key=("subject_id", "origin", "event_id"),
)

DealEvent = DealOpened | DealMoved | DealRevalued | DealWon | DealLost | DealReopened
CampaignEvent = MessageSent | MessageOpened | LinkClicked | PersonUnsubscribed
ShopEvent = PurchaseRecorded | PurchaseCancelled
TimelineEvent = PersonEvent | CompanyEvent | DealEvent | CampaignEvent | ShopEvent

KINDS = {
    "contacts.person-added.v1": "added",
    "contacts.company-added.v1": "added",
    "contacts.person-tagged.v1": "tag",
    "contacts.person-untagged.v1": "tag",
    "contacts.person-assigned.v1": "owner",
    "contacts.company-assigned.v1": "owner",
    "contacts.person-joined-company.v1": "company",
    "contacts.person-role-changed.v1": "company",
    "contacts.person-left-company.v1": "company",
    "contacts.consent-given.v1": "consent",
    "contacts.consent-withdrawn.v1": "consent",
    "contacts.person-absorbed.v1": "merge",
    "contacts.person-separated.v1": "merge",
    "contacts.person-unmerged.v1": "merge",
    "contacts.person-told-apart.v1": "merge",
}
"""What sort of thing an event is; those that are not named are changes of fields. Interactions are
of their own kind, deals of the kind deal, campaigns of the kind campaign, purchases of the kind
purchase."""
_LINKS = ("person_id", "company_id", "deal_id", "broadcast_id", "purchase_id")
_ENVELOPE = ("type", "occurred_at", *_LINKS)


def project(recorded: Recorded[TimelineEvent]) -> Iterable[Change]:
    """The rows of an event: for its own subject, and for a company that a person joins or leaves.

    An erased person's own rows go. Rows that other services wrote about them stay: they name
    nobody, and nobody can open them any more.
    """
    event = recorded.event
    match event:
        case PersonErased():
            yield Remove(TIMELINE, (event.person_id, category_of(recorded.stream)))
        case MessageSent() | MessageOpened() | LinkClicked() | PersonUnsubscribed():
            if _by_a_reader(event):
                yield _row(recorded, event.person_id, "campaign")
        case DealOpened() | DealMoved() | DealRevalued() | DealWon() | DealLost() | DealReopened():
            yield _row(recorded, event.deal_id, "deal")
        case PurchaseRecorded() | PurchaseCancelled():
            if event.person_id is not None:
                yield _row(recorded, event.person_id, "purchase")
        case InteractionLogged():
            yield _row(recorded, event.person_id, event.kind)
        case PersonAdded() | PersonJoinedCompany() | PersonLeftCompany():
            yield _row(recorded, event.person_id, KINDS[recorded.type])
            if event.company_id is not None:
                yield _row(recorded, event.company_id, "company", with_data=False)
        case _:
            own = event.company_id if isinstance(event, CompanyEvent) else event.person_id
            yield _row(recorded, own, KINDS.get(recorded.type, "change"))


def _by_a_reader(event: CampaignEvent) -> bool:
    """Machines open mails, too, and readers open one often: once is enough."""
    if isinstance(event, MessageOpened | LinkClicked):
        return not event.machine and (event.first or getattr(event, "first_of_link", False))
    return True


def _row(
    recorded: Recorded[TimelineEvent], subject: UUID, kind: str, *, with_data: bool = True
) -> Change:
    event = recorded.event
    columns = {
        "at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "kind": kind,
        "type": recorded.type,
        "data": _data(event) if with_data else {},
        "actor": recorded.actor,
        **{name: getattr(event, name, None) for name in _LINKS},
    }
    key = (subject, category_of(recorded.stream), recorded.id)
    return Put(TIMELINE, key, columns)


def _data(event: Event) -> dict[str, Any]:
    """What the event says, apart from what the row's columns say. Of a profile only what changed,
    of a new record only where it came from: the rest is on the record. What a purchase comes to is
    told by the list of purchases: more of its lines may become known."""
    said: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(event))
    match event:
        case PersonAdded() | CompanyAdded():
            told: tuple[str, ...] = ("source", "external_source")
        case PersonProfileChanged() | CompanyProfileChanged():
            told = ("changed", *event.changed)
        case PurchaseRecorded():
            told = ("number", "source", "channel")
        case _:
            told = tuple(name for name in said if name not in _ENVELOPE)
    return {name: said[name] for name in told if name in said}


TIMELINE_PROJECTION = Projection(
    "timeline",
    4,
    (
        # The record that answers from then on tells of a merge.
        *(event for event in PERSON_EVENTS if event is not PersonMerged),
        *COMPANY_EVENTS,
        DealOpened,
        DealMoved,
        DealRevalued,
        DealWon,
        DealLost,
        DealReopened,
        MessageSent,
        MessageOpened,
        LinkClicked,
        PersonUnsubscribed,
        PurchaseRecorded,
        PurchaseCancelled,
    ),
    (TIMELINE,),
    project,
)

# --- fetching

_OF_PURCHASE = ("number", "currency", "total_minor", "first_title", "first_quantity", "lines")


@dataclass(frozen=True, slots=True)
class TimelineWanted:
    """Whose timeline (all records of a person), which kinds of it (none: all), from where on;
    what had happened by `as_of` and was recorded by `known_at`; `owners` as in lists."""

    workspace: UUID
    owners: frozenset[UUID] | None = None
    people: tuple[UUID, ...] = ()
    company_id: UUID | None = None
    kinds: tuple[str, ...] = ()
    as_of: datetime | None = None
    known_at: datetime | None = None
    limit: int = 50
    cursor: str | None = None


def _subjects(wanted: TimelineWanted) -> Any:
    """The record itself and the deals with it."""
    d = KNOWN_DEALS.c
    link = d.contact_id if wanted.people else d.company_id
    own = [id_ for id_ in (*wanted.people, wanted.company_id) if id_ is not None]
    deals = select(d.deal_id).where(d.workspace_id == wanted.workspace, one_of(link, own))
    deals = deals.where(*visible(d.owner_id, wanted.owners))
    itself = [select(literal(id_, Uuid).label("subject_id")) for id_ in own]
    return union_all(*itself, deals).cte("subjects")


def wanted_timeline(wanted: TimelineWanted) -> Select[Any]:
    """One page of a timeline and one row more: of every subject the newest, of these the newest."""
    subjects, t = _subjects(wanted), TIMELINE.c
    of_subject = select(TIMELINE).where(
        t.workspace_id == wanted.workspace, t.subject_id == subjects.c.subject_id
    )
    for seen in visible(PEOPLE.c.owner_id, wanted.owners):
        of_subject = of_subject.where(~_of_a_person(wanted.workspace, not_(seen)))
    if wanted.kinds:
        of_subject = of_subject.where(any_of(t.kind, wanted.kinds))
    if wanted.as_of is not None:
        of_subject = of_subject.where(t.at <= wanted.as_of)
    if wanted.known_at is not None:
        of_subject = of_subject.where(t.recorded_at <= wanted.known_at)
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [datetime, UUID])
        of_subject = of_subject.where(after([t.at, t.event_id], place, descending=True))
    newest = of_subject.order_by(t.at.desc(), t.event_id.desc()).limit(wanted.limit + 1)
    rows = newest.lateral("rows")
    return _with_names(wanted, subjects, rows)


def _of_a_person(workspace: UUID, who: ColumnElement[bool]) -> ColumnElement[bool]:
    p, t = PEOPLE.c, TIMELINE.c
    return exists().where(p.workspace_id == workspace, p.person_id == t.person_id, who)


def _with_names(wanted: TimelineWanted, subjects: Any, rows: Any) -> Select[Any]:
    workspace, r = wanted.workspace, rows.c
    p, c, d, b, o = PEOPLE.c, COMPANIES.c, KNOWN_DEALS.c, KNOWN_BROADCASTS.c, PURCHASES.c
    return (
        select(
            rows,
            p.first_name,
            p.last_name,
            p.email,
            p.phone,
            p.person_id.label("known_person_id"),
            c.name.label("company_name"),
            d.title.label("deal_title"),
            b.name.label("broadcast_name"),
            *(o[name].label(f"purchase_{name}") for name in _OF_PURCHASE),
        )
        .select_from(subjects.join(rows, true()))
        .outerjoin(PEOPLE, and_(p.workspace_id == workspace, p.person_id == r.person_id))
        .outerjoin(COMPANIES, and_(c.workspace_id == workspace, c.company_id == r.company_id))
        .outerjoin(KNOWN_DEALS, and_(d.workspace_id == workspace, d.deal_id == r.deal_id))
        .outerjoin(
            KNOWN_BROADCASTS, and_(b.workspace_id == workspace, b.broadcast_id == r.broadcast_id)
        )
        .outerjoin(PURCHASES, and_(o.workspace_id == workspace, o.purchase_id == r.purchase_id))
        .order_by(r.at.desc(), r.event_id.desc())
        .limit(wanted.limit + 1)
    )


async def fetch_timeline(
    connection: Connection, wanted: TimelineWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a timeline, and the cursor of the next page. `actor` is still an id."""
    rows: Sequence[Mapping[str, Any]] = await fetch(connection, wanted_timeline(wanted))
    kept, following = page(rows, wanted.limit, lambda row: [row["at"], row["event_id"]])
    return [_item(row) for row in kept], following


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    person = None
    if row["known_person_id"] is not None:
        person = {"id": row["person_id"], "name": full_name(row)}
    return {
        "id": row["event_id"],
        "at": row["at"],
        "recorded_at": row["recorded_at"],
        "kind": row["kind"],
        "type": row["type"],
        "data": row["data"],
        "actor": row["actor"],
        "person": person,
        "company": _named(row, "company", "name"),
        "deal": _named(row, "deal", "title"),
        "broadcast": _named(row, "broadcast", "name"),
        "purchase": _purchase(row),
    }


def _purchase(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if row["purchase_id"] is None:
        return None
    return {"id": row["purchase_id"], **{name: row[f"purchase_{name}"] for name in _OF_PURCHASE}}


def _named(row: Mapping[str, Any], what: str, called: str) -> dict[str, Any] | None:
    if row[f"{what}_id"] is None:
        return None
    return {"id": row[f"{what}_id"], called: row[f"{what}_{called}"]}
