"""Do the roll-up and the facts say the same? For `everlog verify`.

They are two folds of the same events, so each could be wrong while it equals its own rebuild.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Text, and_, cast, func, literal, literal_column, or_, select

from analytics.fact import Fact
from analytics.read_models.kpi_rollup import ALL, KPI_ROLLUP, ROLLED_UP
from chassis.postgres.database import Connection
from chassis.postgres.statements import fetch

_TOLD_MOST = 5


async def rollup_equals_facts(connection: Connection) -> list[str]:
    """Every sum of the roll-up that is not the sum of its facts, in words; the first few of each.

    Each sum is compared in one statement, so that a worker may go on writing meanwhile.
    """
    wrong: list[str] = []
    for fact in ROLLED_UP:
        for dimension in (ALL, *fact.dimensions):
            for row in await fetch(connection, differences(fact, dimension)):
                where = f"{dimension or 'in all'} {row['value']}".strip()
                wrong.append(
                    f"{fact.name}, {where}, {row['begin']}: the facts add up to {row['facts']}, "
                    f"the roll-up says {row['rolled_up']} ({', '.join(fact.measures)})"
                )
    return wrong


def differences(fact: Fact, dimension: str) -> Select[Any]:
    """Where the two differ: `begin`, `value`, and both sides' measures as `facts`, `rolled_up`."""
    facts = _from_facts(fact, dimension).subquery("facts")
    rolled = _rolled(fact, dimension).subquery("rolled")
    names = tuple(fact.measures)
    key = ("workspace_id", "begin", "value", "currency")
    zero = literal(0)
    here = [func.coalesce(facts.c[name], zero) for name in names]
    there = [func.coalesce(rolled.c[name], zero) for name in names]
    return (
        select(
            func.coalesce(facts.c.begin, rolled.c.begin).label("begin"),
            func.coalesce(facts.c.value, rolled.c.value).label("value"),
            func.concat_ws(literal(", "), *here).label("facts"),
            func.concat_ws(literal(", "), *there).label("rolled_up"),
        )
        .select_from(facts.join(rolled, and_(*(facts.c[c] == rolled.c[c] for c in key)), full=True))
        .where(or_(*(a != b for a, b in zip(here, there, strict=True))))
        .limit(_TOLD_MOST)
    )


def _from_facts(fact: Fact, dimension: str) -> Select[Any]:
    """The sums over all rows, also those that have ended: the roll-up only ever adds."""
    c = fact.table.c
    day = c.day if dimension == ALL else cast(func.date_trunc("month", c.day), c.day.type)
    value = literal(ALL) if dimension == ALL else func.coalesce(cast(c[dimension], Text), ALL)
    currency = func.coalesce(c.currency, ALL) if fact.has_currency else literal(ALL)
    return select(
        c.workspace_id,
        day.label("begin"),
        value.label("value"),
        currency.label("currency"),
        *(func.sum(c[name]).label(name) for name in fact.measures),
    ).group_by(*(literal_column(str(place)) for place in (1, 2, 3, 4)))


def _rolled(fact: Fact, dimension: str) -> Select[Any]:
    c = KPI_ROLLUP.c
    return select(
        c.workspace_id, c.begin, c.value, c.currency, *(c[name] for name in fact.measures)
    ).where(c.fact == fact.name, c.dimension == dimension)
