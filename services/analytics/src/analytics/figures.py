"""The engine: turns a question to a KPI into one SQL statement, whatever the groups.

Facts answer everything, on both time axes. A question about the present that looks at one
dimension at most is answered by the roll-up, which must give the same (tests hold it to that).
Facts that share a table, as a message's sending and opening, are summed in one pass over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Select,
    Subquery,
    Text,
    Uuid,
    case,
    cast,
    distinct,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union_all,
)

from analytics.asking import Ask, is_stock
from analytics.dimensions import Dimension
from analytics.fact import Fact
from analytics.read_models.kpi_rollup import ALL, KPI_ROLLUP, ROLLED_UP

DAY, CURRENCY, OWNER = "day", "currency", "owner_id"


def sums(facts: Sequence[Fact], ask: Ask) -> Select[Any]:
    """A row per period, group and currency: `period`, `key`, `label`, `currency`, the measures.

    A stock's rows before the first period have none: they are what it opened with.
    """
    rows = rows_of(facts, ask)
    names = [name for fact in facts for name in ask.kpi.measures_of(fact.name)]
    base = rows.c[ask.dimension.base] if ask.dimension else null()
    inner = (
        select(
            _period(ask, rows).label("period"),
            base.label("base"),
            (rows.c[CURRENCY] if ask.by_currency else null()).label(CURRENCY),
            *(func.sum(rows.c[name]).label(name) for name in names),
        )
        .where(*conditions(ask, rows))
        .group_by(*_places(3))
        .subquery("summed")
    )
    again = (cast(func.sum(inner.c[name]), BigInteger).label(name) for name in names)
    return _named(inner, ask).add_columns(*again).group_by(*_places(4))


def _named(inner: Subquery, ask: Ask) -> Select[Any]:
    """Period, group key, label and currency for the base's values."""
    dimension, base = ask.dimension, inner.c.base
    period, currency = inner.c.period, inner.c[CURRENCY]
    if dimension is None:
        return select(period, null().label("key"), null().label("label"), currency)
    if dimension.lookup is None:
        return select(period, base.label("key"), base.label("label"), currency)
    known = dimension.lookup(ask.workspace).subquery("known")
    key = base if dimension.by_id else known.c.key
    return select(period, cast(key, Text).label("key"), known.c.label, currency).select_from(
        inner.outerjoin(known, known.c.id == base)
    )


def persons(fact: Fact, ask: Ask) -> Select[Any]:
    """How many people are behind every group, every period of it, and all: `period`, `key`, `of`,
    `people`; `of` has a bit for each of the two that a row is a sum over."""
    assert fact.person is not None
    rows = facts_of(fact, ask, (fact.table.c[fact.person],))
    source: FromClause = rows
    key: ColumnElement[Any] = null()
    if ask.dimension is not None:
        key = base = rows.c[ask.dimension.base]
        if ask.dimension.lookup is not None and not ask.dimension.by_id:
            known = ask.dimension.lookup(ask.workspace).subquery("known")
            source, key = rows.outerjoin(known, known.c.id == base), known.c.key
    grouped = (
        select(
            _period(ask, rows).label("period"),
            cast(key, Text).label("key"),
            rows.c[fact.person].label("person"),
        )
        .select_from(source)
        .where(*conditions(ask, rows))
        .subquery("grouped")
    )
    period, key = grouped.c.period, grouped.c.key
    sets = (tuple_(period, key), tuple_(period), tuple_(key), tuple_())
    return select(
        period,
        key,
        func.grouping(period, key).label("of"),
        func.count(distinct(grouped.c.person)).label("people"),
    ).group_by(func.grouping_sets(*sets))


def rows_of(facts: Sequence[Fact], ask: Ask) -> Subquery:
    """The rows that count, with the KPI's measures: from the roll-up if it has them."""
    if len(facts) == 1 and can_use_rollup(facts[0], ask):
        return _from_rollup(facts[0], ask)
    if len(facts) == 1:
        [fact] = facts
        measures = ask.kpi.measures_of(fact.name)
        return facts_of(fact, ask, [fact.measures[name].label(name) for name in measures])
    return facts_of(
        facts[0],
        ask,
        [
            case((fact.stands(ask.moment), fact.measures[name]), else_=0).label(name)
            for fact in facts
            for name in ask.kpi.measures_of(fact.name)
        ],
        stands=or_(*(fact.stands(ask.moment) for fact in facts)),
    )


def facts_of(
    fact: Fact,
    ask: Ask,
    columns: Iterable[ColumnElement[Any]],
    *,
    stands: ColumnElement[bool] | None = None,
) -> Subquery:
    """The facts that count: these columns, `day`, `currency` and what groups and filters need."""
    counts = fact.stands(ask.moment) if stands is None else stands
    source, column = _source(fact, ask)
    c = fact.table.c
    return (
        select(
            c[DAY],
            (c[CURRENCY] if fact.has_currency else cast(null(), Text)).label(CURRENCY),
            *(column(name).label(name) for name in sorted(_looked_at(fact, ask))),
            *columns,
        )
        .select_from(source)
        .where(c.workspace_id == ask.workspace, counts)
        .subquery("facts")
    )


def _source(fact: Fact, ask: Ask) -> tuple[FromClause, Any]:
    """The fact's table, joined with what it is about where that is looked at."""
    about = fact.about
    if about.attributes is None or not _looked_at(fact, ask).intersection(about.names):
        return fact.table, lambda name: fact.table.c[name]
    known = about.attributes(ask.workspace, ask.moment)
    joined = fact.table.outerjoin(known, known.c[about.column] == fact.table.c[about.column])
    return joined, lambda name: (known if name in about.names else fact.table).c[name]


def _looked_at(fact: Fact, ask: Ask) -> set[str]:
    return ask.bases() | ({OWNER} if ask.owners is not None and has_owner(fact) else set())


def has_owner(fact: Fact) -> bool:
    """Whether somebody owns what the fact is about."""
    return OWNER in (*fact.dimensions, *fact.about.names)


def can_use_rollup(fact: Fact, ask: Ask) -> bool:
    """Whether the roll-up has the answer: the present, by one dimension at most, in whole months
    (in days, if by none)."""
    looked_at = _looked_at(fact, ask)
    if fact not in ROLLED_UP or not ask.moment.is_now or len(looked_at) > 1:
        return False
    if not looked_at:
        return True
    return looked_at <= set(fact.dimensions) and _in_whole_months(ask)


def _in_whole_months(ask: Ask) -> bool:
    last = ask.last
    return (
        ask.period not in ("day", "week")
        and (ask.first is None or ask.first.day == 1)
        and (last is None or (last + timedelta(days=1)).day == 1)
    )


def _from_rollup(fact: Fact, ask: Ask) -> Subquery:
    rolled, facts = KPI_ROLLUP.c, fact.table.c
    names = ask.kpi.measures_of(fact.name)
    base = next(iter(_looked_at(fact, ask)), None)
    value: ColumnElement[Any] = func.nullif(rolled.value, ALL)
    if base is not None and base.endswith("_id"):
        value = cast(value, Uuid)
    columns = [rolled.begin.label(DAY), func.nullif(rolled.currency, ALL).label(CURRENCY)]
    columns += [value.label(base)] if base else []
    kept = select(*columns, *(rolled[name] for name in names)).where(
        rolled.workspace_id == ask.workspace,
        rolled.fact == fact.name,
        rolled.dimension == (base or ALL),
    )
    if not fact.ends:
        return kept.subquery("facts")
    ended = select(
        facts[DAY],
        facts[CURRENCY],
        *([facts[base]] if base else []),
        *((-facts[name]).label(name) for name in names),
    ).where(facts.workspace_id == ask.workspace, fact.has_ended())
    return union_all(kept, ended).subquery("facts")


def conditions(ask: Ask, rows: Subquery) -> list[ColumnElement[bool]]:
    """What is asked of the rows: days, currency, filters, owners."""
    asked: list[ColumnElement[bool]] = []
    if ask.first is not None and not is_stock(ask):
        asked.append(rows.c[DAY] >= ask.first)
    if ask.last is not None:
        asked.append(rows.c[DAY] <= ask.last)
    if ask.currency is not None:
        asked.append(rows.c[CURRENCY] == ask.currency)
    for dimension, key in ask.filters:
        asked.append(_is_in_group(ask.workspace, dimension, key, rows.c[dimension.base]))
    if ask.owners is not None and OWNER in rows.c:
        owner = rows.c[OWNER]
        asked.append(or_(owner.is_(None), owner.in_(sorted(ask.owners))))
    return asked


def _is_in_group(
    workspace: UUID, dimension: Dimension, key: Any, base: ColumnElement[Any]
) -> ColumnElement[bool]:
    if dimension.by_id or dimension.lookup is None:
        return base.is_(None) if key is None else base == key
    known = dimension.lookup(workspace).subquery()
    if key is None:
        return or_(base.is_(None), base.not_in(select(known.c.id).where(known.c.key.is_not(None))))
    return base.in_(select(known.c.id).where(known.c.key == key))


def _period(ask: Ask, rows: Subquery) -> ColumnElement[Any]:
    """The first day of the period a row's day lies in."""
    if ask.period is None:
        return null()
    day = rows.c[DAY]
    begin: ColumnElement[Any] = day
    if ask.period != "day":
        # The word is part of the statement: as a parameter PostgreSQL would not see that what is
        # selected is what is grouped by.
        word: ColumnElement[str] = literal_column(f"'{ask.period}'")
        begin = cast(func.date_trunc(word, cast(day, TIMESTAMP)), Date)
    if is_stock(ask) and ask.first is not None:
        return case((day < ask.first, null()), else_=begin)
    return begin


def _places(count: int) -> list[ColumnElement[Any]]:
    """The first columns of a select, to group by."""
    return [literal_column(str(n)) for n in range(1, count + 1)]
