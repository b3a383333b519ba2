"""How much did this person buy? How often, for how much, when first and when last.

The counters are added to by every purchase of a person, in whatever order. When the first and the
last one were cannot be added up (a cancelled purchase would have to be forgotten again): it is
looked up in the list of purchases, at the ends of its index. The past is summed up there, too: one
person's purchases are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    cast,
    func,
    or_,
    select,
)

from chassis.events import Recorded
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch
from chassis.projection import Add, Change, Projection, read_table
from contacts.domain.purchase import (
    PURCHASE_EVENTS,
    PurchaseCancelled,
    PurchaseEvent,
    PurchaseLinesAdded,
    PurchaseRecorded,
)
from contacts.read_models.purchases import PURCHASE_LINES, PURCHASES
from contacts.read_models.survivors import one_of

PURCHASE_TOTALS = read_table(
    "purchase_totals",
    Column("person_id", Uuid),
    Column("currency", Text),
    *(
        Column(name, BigInteger, nullable=False, server_default="0")
        for name in ("purchases", "bought_minor", "returns", "returned_minor")
    ),
    key=("person_id", "currency"),
)


def project(recorded: Recorded[PurchaseEvent]) -> Iterable[Change]:
    """One more, one less; or the same one, for another amount."""
    event = recorded.event
    if event.person_id is None:
        return
    key = (event.person_id, event.currency)
    match event:
        case PurchaseRecorded():
            yield Add(PURCHASE_TOTALS, key, _counted(event.total_minor, 1))
        case PurchaseLinesAdded():
            before = event.total_minor - event.added_minor
            yield Add(PURCHASE_TOTALS, key, _counted(before, -1))
            yield Add(PURCHASE_TOTALS, key, _counted(event.total_minor, 1))
        case PurchaseCancelled():
            yield Add(PURCHASE_TOTALS, key, _counted(event.total_minor, -1))


def _counted(total_minor: int, times: int) -> dict[str, int]:
    """What comes to less than nothing is something that came back, and no purchase."""
    if total_minor < 0:
        return {"returns": times, "returned_minor": times * total_minor}
    return {"purchases": times, "bought_minor": times * total_minor}


PURCHASE_TOTALS_PROJECTION = Projection(
    "purchase_totals",
    1,
    PURCHASE_EVENTS,
    (PURCHASE_TOTALS,),
    project,
    shared=(PURCHASE_TOTALS,),
)

# --- fetching


@dataclass(frozen=True, slots=True)
class Point:
    """A place on both time axes: as things had happened, as far as it had been recorded. None:
    now."""

    as_of: datetime | None = None
    known_at: datetime | None = None


NOW = Point()


async def fetch_purchase_summary(
    connection: Connection, workspace: UUID, people: Sequence[UUID], point: Point = NOW
) -> dict[str, Any]:
    """A person's purchases in figures, of all their records. Amounts of several currencies are
    never added up.

    `count` leaves out what came back, which `returns` counts; `total` is what was bought less what
    came back, `average` what a purchase came to.
    """
    wanted = totals_now if point == NOW else totals_then
    rows = _together(await fetch(connection, wanted(workspace, people, point)))
    counted = [row for row in rows if row["purchases"] or row["returns"]]
    counted.sort(key=lambda row: (-row["purchases"], row["currency"]))
    return {
        "count": sum(row["purchases"] for row in counted),
        "returns": sum(row["returns"] for row in counted),
        "first_at": min((row["first_at"] for row in counted if row["first_at"]), default=None),
        "last_at": max((row["last_at"] for row in counted if row["last_at"]), default=None),
        "totals": [_shown(row) for row in counted],
    }


def _together(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per currency, whatever record of the person it was bought under."""
    counters = ("purchases", "bought_minor", "returns", "returned_minor")
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(row["currency"], {**row, **dict.fromkeys(counters, 0)})
        for name in counters:
            one[name] += row[name]
    return list(found.values())


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    count, bought, returned = row["purchases"], row["bought_minor"], row["returned_minor"]
    average = (Decimal(bought) / count).to_integral_value(ROUND_HALF_UP) if count else None

    def money(minor: int) -> dict[str, Any]:
        return {"amount_minor": minor, "currency": row["currency"]}

    return {
        "currency": row["currency"],
        "count": count,
        "returns": row["returns"],
        "total": money(bought + returned),
        "returned": money(returned),
        "average": None if average is None else money(int(average)),
    }


def totals_now(workspace: UUID, people: Sequence[UUID], _: Point = NOW) -> Select[Any]:
    """The counters of a person by currency, and when the first and the last purchase were."""
    t, p = PURCHASE_TOTALS.c, PURCHASES.c
    bought = select(p.bought_at).where(
        p.workspace_id == workspace,
        one_of(p.person_id, people),
        p.total_minor >= 0,
        p.cancelled_at.is_(None),
    )
    first = bought.order_by(p.bought_at, p.purchase_id).limit(1)
    last = bought.order_by(p.bought_at.desc(), p.purchase_id.desc()).limit(1)
    return select(
        PURCHASE_TOTALS,
        first.scalar_subquery().label("first_at"),
        last.scalar_subquery().label("last_at"),
    ).where(t.workspace_id == workspace, one_of(t.person_id, people))


def totals_then(workspace: UUID, people: Sequence[UUID], point: Point) -> Select[Any]:
    """The same at a point, summed up from the purchases themselves and what was known of them."""
    p, part = PURCHASES.c, PURCHASE_LINES.c
    known = and_(part.workspace_id == workspace, part.purchase_id == p.purchase_id)
    if point.known_at is not None:
        known = and_(known, part.recorded_at <= point.known_at)
    each = (
        select(p.currency, p.bought_at, func.sum(part.amount_minor).label("total"))
        .join(PURCHASE_LINES, known)
        .where(p.workspace_id == workspace, one_of(p.person_id, people), *_held(point))
        .group_by(p.purchase_id, p.currency, p.bought_at)
        .subquery()
    )
    bought, returned = each.c.total >= 0, each.c.total < 0

    def summed(which: ColumnElement[bool]) -> ColumnElement[int]:
        return cast(func.coalesce(func.sum(each.c.total).filter(which), 0), BigInteger)

    return select(
        each.c.currency,
        func.count().filter(bought).label("purchases"),
        summed(bought).label("bought_minor"),
        func.count().filter(returned).label("returns"),
        summed(returned).label("returned_minor"),
        func.min(each.c.bought_at).filter(bought).label("first_at"),
        func.max(each.c.bought_at).filter(bought).label("last_at"),
    ).group_by(each.c.currency)


def _held(point: Point) -> Iterable[ColumnElement[bool]]:
    """Made by then, and not cancelled by then as far as it was known."""
    p = PURCHASES.c
    holds: list[ColumnElement[bool]] = [p.cancelled_at.is_(None)]
    if point.as_of is not None:
        yield p.bought_at <= point.as_of
        holds.append(p.cancelled_at > point.as_of)
    if point.known_at is not None:
        holds.append(p.cancelled_known_at > point.known_at)
    yield or_(*holds)
