"""Who agreed to what, and took it back, when, and how do we know? Every change, the latest first.

A row is a change; what holds now is asked beside it. Unsubscribing from mails, which campaigns tell
of, is here, too. Rows of erased people go; of what campaigns wrote about them nothing is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Select,
    Text,
    Uuid,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
)

from chassis.events import Recorded, category_of
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch
from chassis.projection import Change, Projection, Put, Remove, read_table
from contacts.domain.person import PERSON
from contacts.domain.person.events import ConsentGiven, ConsentWithdrawn, PersonErased
from contacts.read_models.known_broadcasts import KNOWN_BROADCASTS
from contacts.read_models.known_users import visible
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.person_record import CONSENTS
from contacts.read_models.survivors import SURVIVORS, one_of
from contacts.read_models.traits import EVERYTHING, SUPPRESSIONS, UNSUBSCRIBED
from contacts.received import PersonResubscribed, PersonUnsubscribed

CONSENT_LEDGER = read_table(
    "consent_ledger",
    Column("person_id", Uuid),
    Column("origin", Text(collation="C")),
    Column("version", BigInteger),
    Column("event_id", Uuid),
    Column("at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("channel", Text(collation="C")),
    Column("purpose", Text(collation="C")),
    Column("given", Boolean),
    Column("source", Text),
    Column("text_version", Text),
    Column("via", Text(collation="C")),
    Column("broadcast_id", Uuid),
    Column("actor", Text(collation="C")),
    Column("correlation_id", Uuid),
    Column("causation_id", Uuid),
    Index("consent_ledger_by_time", "workspace_id", "at", "event_id"),
    key=("person_id", "origin", "version"),
)
MAIL, ALL_MAILINGS = "email", "all mailings"
LedgerEvent = (
    ConsentGiven | ConsentWithdrawn | PersonUnsubscribed | PersonResubscribed | PersonErased
)


def project(recorded: Recorded[LedgerEvent]) -> Iterable[Change]:
    """A row for each change. Of an erased person their own rows go."""
    event, origin = recorded.event, category_of(recorded.stream)
    if isinstance(event, PersonErased):
        yield Remove(CONSENT_LEDGER, (event.person_id, PERSON.category))
        return
    columns = {
        "event_id": recorded.id,
        "at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "actor": recorded.actor,
        "correlation_id": recorded.correlation_id,
        "causation_id": recorded.causation_id,
        **_said(event),
    }
    yield Put(CONSENT_LEDGER, (event.person_id, origin, recorded.version), columns)


def _said(event: ConsentGiven | ConsentWithdrawn | PersonUnsubscribed | PersonResubscribed) -> Any:
    said: dict[str, Any] = {
        "channel": MAIL,
        "purpose": ALL_MAILINGS,
        "given": isinstance(event, ConsentGiven | PersonResubscribed),
        "source": None,
        "text_version": None,
        "via": None,
        "broadcast_id": None,
    }
    match event:
        case ConsentGiven() | ConsentWithdrawn():
            for name in ("channel", "purpose", "source", "text_version"):
                said[name] = getattr(event, name)
        case PersonUnsubscribed():
            said["purpose"] = event.topic or ALL_MAILINGS
            said |= {"via": event.via, "broadcast_id": event.broadcast_id}
        case PersonResubscribed():
            said["via"] = event.via
    return said


CONSENT_LEDGER_PROJECTION = Projection(
    "consent_ledger",
    1,
    (ConsentGiven, ConsentWithdrawn, PersonUnsubscribed, PersonResubscribed, PersonErased),
    (CONSENT_LEDGER,),
    project,
)

# --- fetching

_L = CONSENT_LEDGER.c


@dataclass(frozen=True, slots=True)
class LedgerWanted:
    """Which changes: of these records (none: of everybody whose owner is seen), from where on."""

    workspace: UUID
    owners: frozenset[UUID] | None = None
    people: tuple[UUID, ...] = ()
    channel: str | None = None
    purpose: str | None = None
    given: bool | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    cursor: str | None = None


def _narrowed(wanted: LedgerWanted) -> Iterable[ColumnElement[bool]]:
    yield _L.workspace_id == wanted.workspace
    yield from visible(PEOPLE.c.owner_id, wanted.owners)
    if wanted.people:
        yield one_of(_L.person_id, wanted.people)
    if wanted.channel:
        yield _L.channel == wanted.channel.lower()
    if wanted.purpose:
        yield func.lower(_L.purpose) == wanted.purpose.lower()
    if wanted.given is not None:
        yield _L.given.is_(wanted.given)
    if wanted.source:
        yield _L.source.icontains(wanted.source, autoescape=True)
    if wanted.since is not None:
        yield _L.at >= wanted.since
    if wanted.until is not None:
        yield _L.at <= wanted.until


def _holds_now(workspace: UUID, answers: ColumnElement[UUID]) -> ColumnElement[Any]:
    """Whether the person agrees to this now: an unsubscription silences mail, whatever else they
    said. Null: nobody knows (a consent to a mailing was never asked for)."""
    c, u = CONSENTS.c, SUPPRESSIONS.c
    theirs = and_(c.workspace_id == workspace, c.person_id == answers, c.channel == _L.channel)
    held = select(c.given).where(theirs, c.purpose == _L.purpose).scalar_subquery()
    silenced = exists().where(
        u.workspace_id == workspace,
        or_(u.person_id == answers, u.person_id == _L.person_id),
        u.kind == UNSUBSCRIBED,
        or_(u.reason == EVERYTHING, u.reason == _L.purpose),
    )
    return case((and_(_L.channel == MAIL, silenced), false()), else_=held)


def wanted_ledger(wanted: LedgerWanted) -> Select[Any]:
    """One page of changes and one row more, the latest first."""
    p, s, b, workspace = PEOPLE.c, SURVIVORS.c, KNOWN_BROADCASTS.c, wanted.workspace
    answers = func.coalesce(s.survivor_id, _L.person_id)
    order = [_L.at, _L.event_id]
    names = (p.first_name, p.last_name, p.email, p.phone)
    statement = (
        select(CONSENT_LEDGER, p.person_id.label("answering_id"), *names)
        .add_columns(b.name.label("broadcast_name"), _holds_now(workspace, answers).label("now"))
        .outerjoin(SURVIVORS, and_(s.workspace_id == workspace, s.person_id == _L.person_id))
        .join(PEOPLE, and_(p.workspace_id == workspace, p.person_id == answers))
        .outerjoin(
            KNOWN_BROADCASTS, and_(b.workspace_id == workspace, b.broadcast_id == _L.broadcast_id)
        )
        .where(*_narrowed(wanted))
    )
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [datetime, UUID])
        statement = statement.where(after(order, place, descending=True))
    return statement.order_by(*(each.desc() for each in order)).limit(wanted.limit + 1)


async def fetch_ledger(
    connection: Connection, wanted: LedgerWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of changes, and the cursor of the next page. `actor` is still an id."""
    rows = await fetch(connection, wanted_ledger(wanted))
    kept, following = page(rows, wanted.limit, lambda row: [row["at"], row["event_id"]])
    return [_item(row) for row in kept], following


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    broadcast = None
    if row["broadcast_id"] is not None:
        broadcast = {"id": row["broadcast_id"], "name": row["broadcast_name"]}
    kept = ("at", "recorded_at", "channel", "purpose", "given", "source", "text_version")
    return {
        "id": row["event_id"],
        **{name: row[name] for name in kept},
        "person": {"id": row["answering_id"], "name": full_name(row)},
        "now": row["now"],
        "actor": row["actor"],
        "origin": row["origin"],
        "via": row["via"],
        "broadcast": broadcast,
        "correlation_id": row["correlation_id"],
        "causation_id": row["causation_id"],
    }


async def fetch_ledger_words(connection: Connection, workspace: UUID) -> dict[str, list[str]]:
    """The channels and purposes there are, to choose from."""
    return {
        name: [row["word"] for row in await fetch(connection, _words(workspace, column))]
        for name, column in (("channels", _L.channel), ("purposes", _L.purpose))
    }


def _words(workspace: UUID, column: ColumnElement[str]) -> Select[Any]:
    mine = select(column.label("word")).where(_L.workspace_id == workspace)
    return mine.distinct().order_by(column).limit(200)
