"""The facts behind a figure: which events it is made of, and what each of them adds to it.

Keyset paging by the time they happened. Applying the KPI's formula to the sums over all pages
gives the figure again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Select,
    SmallInteger,
    Text,
    cast,
    literal,
    select,
    tuple_,
    union_all,
)

from analytics.asking import Ask
from analytics.catalogue import FACTS
from analytics.currencies import decimals
from analytics.fact import Fact
from analytics.figures import CURRENCY, DAY, conditions, facts_of
from analytics.read_models.known_deals import KNOWN_DEALS
from chassis.events import stream_name

POSITION = (datetime, UUID, int)
"""What a cursor holds: when it happened, the event, which of its rows."""


_COLUMNS = (
    "fact",
    "event_id",
    "occurred_at",
    "recorded_at",
    DAY,
    "about",
    "part",
    CURRENCY,
)


def facts_behind(ask: Ask, after: Sequence[Any] | None, limit: int) -> Select[Any]:
    """The facts that make up a figure, in the order they happened."""
    parts = [_page(FACTS[name], ask, after, limit) for name in ask.kpi.facts()]
    facts = union_all(*parts).subquery("facts")
    deals = KNOWN_DEALS.c
    return (
        select(facts, deals.title)
        .select_from(
            facts.outerjoin(
                KNOWN_DEALS,
                (deals.workspace_id == ask.workspace) & (deals.deal_id == facts.c.about),
            )
        )
        .order_by(facts.c.occurred_at, facts.c.event_id, facts.c.part)
        .limit(limit)
    )


def _page(fact: Fact, ask: Ask, after: Sequence[Any] | None, limit: int) -> Select[Any]:
    c, times = fact.table.c, fact.times
    mine = ask.kpi.measures_of(fact.name)
    nothing = cast(0, BigInteger)
    rows = facts_of(
        fact,
        ask,
        (
            literal(fact.name, Text).label("fact"),
            c[times.event_id].label("event_id"),
            c[times.occurred_at].label("occurred_at"),
            c[times.recorded_at].label("recorded_at"),
            c[fact.about.column].label("about"),
            (c[fact.part] if fact.part else cast(0, SmallInteger)).label("part"),
            *(
                cast(fact.measures[name], BigInteger).label(name)
                if name in mine
                else nothing.label(name)
                for name in _measures(ask)
            ),
        ),
    )
    order = [rows.c.occurred_at, rows.c.event_id, *([rows.c.part] if fact.part else [])]
    columns = [rows.c[name] for name in (*_COLUMNS, *_measures(ask))]
    statement = select(*columns).where(*conditions(ask, rows))
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(*after[: len(order)]))
    return select(statement.order_by(*order).limit(limit).subquery())


def _measures(ask: Ask) -> list[str]:
    return [measure.partition(".")[2] for measure in ask.kpi.measures]


def position(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a fact is in the list, for the cursor."""
    return row["occurred_at"], row["event_id"], row["part"]


def shown(ask: Ask, row: Mapping[str, Any]) -> dict[str, Any]:
    """A fact as it is listed."""
    fact = FACTS[row["fact"]]
    about, day = fact.about, row[DAY]
    assert isinstance(day, date)
    money = {name: row[name] for name in _measures(ask) if name.endswith("_minor") and row[name]}
    amount = None
    if row[CURRENCY] is not None and money:
        minor = next(iter(money.values()))
        amount = {"amount_minor": minor, "currency": row[CURRENCY]}
        amount["amount"] = minor / 10 ** decimals(row[CURRENCY])
    return {
        "event_id": row["event_id"],
        "service": about.service,
        "stream": stream_name(about.category, row["about"]),
        "fact": fact.name,
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "day": day,
        "about": {"type": about.category, "id": row["about"], "title": row["title"]},
        "amount": amount,
        "contribution": {name: row[name] for name in _measures(ask)},
        "currency": row[CURRENCY],
        "event_url": f"/api/v1/events?service={about.service}&ids={row['event_id']}",
    }
