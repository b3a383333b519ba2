"""What was bought, when, and by whom? Purchases with their lines, those of one person newest first.

Lines lie together as they became known: one row per event, not per line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
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
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events import Recorded
from chassis.http.paging import after, decode_cursor, page
from chassis.postgres.database import Connection
from chassis.postgres.statements import any_of, fetch
from chassis.projection import Add, Change, Projection, Put, read_table
from contacts.domain.purchase import (
    PURCHASE_EVENTS,
    PurchaseCancelled,
    PurchaseEvent,
    PurchaseLinesAdded,
    PurchaseRecorded,
)
from contacts.read_models.known_users import visible
from contacts.read_models.people import PEOPLE, full_name
from contacts.read_models.survivors import SURVIVORS, one_of

PURCHASES = read_table(
    "purchases",
    Column("purchase_id", Uuid),
    Column("version", BigInteger),
    Column("person_id", Uuid),
    Column("number", Text),
    Column("source", Text),
    Column("channel", Text),
    Column("currency", Text),
    Column("bought_at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("total_minor", BigInteger),
    Column("first_title", Text),
    Column("first_quantity", BigInteger),
    Column("lines", BigInteger),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("cancelled_known_at", DateTime(timezone=True)),
    Column("reason", Text),
    Index("purchases_by_person", "workspace_id", "person_id", "bought_at", "purchase_id"),
    Index("purchases_by_number", "workspace_id", "source", "number"),
    key=("purchase_id",),
)
PURCHASE_LINES = read_table(
    "purchase_lines",
    Column("purchase_id", Uuid),
    Column("version", BigInteger),
    Column("lines", JSONB),
    Column("amount_minor", BigInteger),
    Column("recorded_at", DateTime(timezone=True)),
    key=("purchase_id", "version"),
)


def project(recorded: Recorded[PurchaseEvent]) -> Iterable[Change]:
    """What an event changes of a purchase. That its person was erased is found out by who reads."""
    event, key = recorded.event, (recorded.event.purchase_id,)
    version = {"version": recorded.version}
    match event:
        case PurchaseRecorded():
            yield Put(PURCHASES, key, {**version, **_begun(event, recorded)})
            yield _lines(recorded, event, event.total_minor)
        case PurchaseLinesAdded():
            yield Put(PURCHASES, key, {**version, "total_minor": event.total_minor})
            yield Add(PURCHASES, key, {"lines": len(event.lines)})
            yield _lines(recorded, event, event.added_minor)
        case PurchaseCancelled():
            columns = {
                "cancelled_at": event.occurred_at,
                "cancelled_known_at": recorded.recorded_at,
                "reason": event.reason,
            }
            yield Put(PURCHASES, key, {**version, **columns})


def _begun(event: PurchaseRecorded, recorded: Recorded[PurchaseEvent]) -> dict[str, Any]:
    return {
        "person_id": event.person_id,
        "number": event.number,
        "source": event.source or "",
        "channel": event.channel,
        "currency": event.currency,
        "bought_at": event.occurred_at,
        "recorded_at": recorded.recorded_at,
        "total_minor": event.total_minor,
        "first_title": event.lines[0].name,
        "first_quantity": event.lines[0].quantity,
        "lines": len(event.lines),
    }


def _lines(
    recorded: Recorded[PurchaseEvent],
    event: PurchaseRecorded | PurchaseLinesAdded,
    amount_minor: int,
) -> Change:
    columns = {
        "lines": msgspec.to_builtins(event.lines),
        "amount_minor": amount_minor,
        "recorded_at": recorded.recorded_at,
    }
    return Put(PURCHASE_LINES, (event.purchase_id, recorded.version), columns)


PURCHASES_PROJECTION = Projection(
    "purchases", 1, PURCHASE_EVENTS, (PURCHASES, PURCHASE_LINES), project
)

# --- fetching


@dataclass(frozen=True, slots=True)
class PurchasesWanted:
    """Whose purchases (all records of a person), from where on."""

    workspace: UUID
    people: tuple[UUID, ...]
    limit: int = 50
    cursor: str | None = None


def _purchases(workspace: UUID) -> Select[Any]:
    p, who, s = PURCHASES.c, PEOPLE.c, SURVIVORS.c
    answers = func.coalesce(s.survivor_id, p.person_id)
    known = and_(who.workspace_id == workspace, who.person_id == answers)
    names = (who.first_name, who.last_name, who.email, who.phone)
    return (
        select(PURCHASES, *names, who.person_id.label("known_person_id"))
        .outerjoin(SURVIVORS, and_(s.workspace_id == workspace, s.person_id == p.person_id))
        .outerjoin(PEOPLE, known)
        .where(p.workspace_id == workspace)
    )


def wanted_purchases(wanted: PurchasesWanted) -> Select[Any]:
    """One page of a person's purchases and one row more, the latest first."""
    p = PURCHASES.c
    order = [p.bought_at, p.purchase_id]
    statement = (
        _purchases(wanted.workspace)
        .where(one_of(p.person_id, wanted.people))
        .order_by(*(each.desc() for each in order))
        .limit(wanted.limit + 1)
    )
    if wanted.cursor:
        place = decode_cursor(wanted.cursor, [datetime, UUID])
        statement = statement.where(after(order, place, descending=True))
    return statement


def wanted_lines(workspace: UUID, purchases: Iterable[UUID]) -> Select[Any]:
    """The lines of purchases, in the order in which they became known."""
    t = PURCHASE_LINES.c
    return (
        select(t.purchase_id, t.lines)
        .where(t.workspace_id == workspace, any_of(t.purchase_id, list(purchases)))
        .order_by(t.purchase_id, t.version)
    )


async def fetch_purchases(
    connection: Connection, wanted: PurchasesWanted
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of a person's purchases, and the cursor of the next page."""
    rows: Sequence[Mapping[str, Any]] = await fetch(connection, wanted_purchases(wanted))
    kept, following = page(rows, wanted.limit, lambda row: [row["bought_at"], row["purchase_id"]])
    return await _items(connection, wanted.workspace, kept), following


async def fetch_purchase(
    connection: Connection, workspace: UUID, purchase_id: UUID, owners: frozenset[UUID] | None
) -> dict[str, Any] | None:
    """One purchase, for somebody who sees only records of these owners; or None."""
    statement = _purchases(workspace).where(PURCHASES.c.purchase_id == purchase_id)
    rows = await fetch(connection, statement.where(*_seen(owners)))
    items = await _items(connection, workspace, rows)
    return items[0] if items else None


def _seen(owners: frozenset[UUID] | None) -> Iterable[ColumnElement[bool]]:
    """Purchases of nobody are seen, those of an erased person only by those who see everybody:
    whose customer it was is not known any more."""
    if owners is not None:
        theirs = and_(PEOPLE.c.person_id.is_not(None), *visible(PEOPLE.c.owner_id, owners))
        yield or_(PURCHASES.c.person_id.is_(None), theirs)


async def _items(
    connection: Connection, workspace: UUID, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    lines: dict[UUID, list[Any]] = {row["purchase_id"]: [] for row in rows}
    if rows:
        for part in await fetch(connection, wanted_lines(workspace, lines)):
            lines[part["purchase_id"]] += part["lines"]
    return [_item(row, lines[row["purchase_id"]]) for row in rows]


def _item(row: Mapping[str, Any], lines: Sequence[Any]) -> dict[str, Any]:
    contact = None
    if row["known_person_id"] is not None:
        contact = {"id": row["known_person_id"], "name": full_name(row)}
    return {
        "id": row["purchase_id"],
        "version": row["version"],
        "contact_id": row["known_person_id"] or row["person_id"],
        "contact": contact,
        "number": row["number"],
        "source": row["source"] or None,
        "channel": row["channel"],
        "bought_at": row["bought_at"],
        "recorded_at": row["recorded_at"],
        "total": {"amount_minor": row["total_minor"], "currency": row["currency"]},
        "lines": lines,
        "cancelled_at": row["cancelled_at"],
        "reason": row["reason"],
    }


async def fetch_purchases_numbered(
    connection: Connection, workspace: UUID, source: str, numbers: Iterable[str]
) -> dict[str, UUID]:
    """Purchases by what one other system calls them."""
    p = PURCHASES.c
    statement = select(p.number, p.purchase_id).where(
        p.workspace_id == workspace, p.source == source, any_of(p.number, list(set(numbers)))
    )
    return {row["number"]: row["purchase_id"] for row in await fetch(connection, statement)}


async def fetch_people_with_purchases(
    connection: Connection, workspace: UUID, people: Iterable[UUID]
) -> set[UUID]:
    """Which of these people have bought something."""
    p = PURCHASES.c
    statement = (
        select(p.person_id)
        .where(p.workspace_id == workspace, any_of(p.person_id, list(people)))
        .distinct()
    )
    return {row["person_id"] for row in await fetch(connection, statement)}
