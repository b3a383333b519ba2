"""Conditions as SQL: what is known of people, and who fulfils a condition, for many at once.

`domain/conditions/truth.py` says the same of one person at hand; both are tested to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Float,
    Select,
    Text,
    and_,
    any_,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid as UuidType

from chassis.postgres.statements import any_of
from contacts.domain.conditions import fields
from contacts.domain.conditions.tree import Condition, Group, Leaf, Money, Not, leaves_of
from contacts.read_models.companies import COMPANIES
from contacts.read_models.deal_standings import DEAL_STANDINGS
from contacts.read_models.known_users import visible
from contacts.read_models.people import PERSON_TAGS
from contacts.read_models.person_record import CONSENTS
from contacts.read_models.purchase_totals import PURCHASE_TOTALS
from contacts.read_models.purchases import PURCHASES
from contacts.read_models.segment_members import is_member
from contacts.read_models.survivors import SURVIVORS
from contacts.read_models.traits import (
    CLICKED,
    DEEDS,
    EVERYTHING,
    INTERACTION,
    OPENED,
    SENT,
    SUPPRESSED,
    SUPPRESSIONS,
    TRAITS,
)
from contacts.segmenting.own_operands import own_operand

_T = TRAITS.c
_OTHERS = (
    select(SURVIVORS.c.person_id)
    .where(SURVIVORS.c.workspace_id == _T.workspace_id, SURVIVORS.c.survivor_id == _T.person_id)
    .correlate(TRAITS)
)
_RECORDS = (
    select(
        func.array_append(
            func.array(_OTHERS.scalar_subquery(), type_=ARRAY(UuidType)), _T.person_id
        ).label("ids")
    )
    .correlate(TRAITS)
    .lateral("records")
)
"""All records of a person: what was bought or said under one that was merged counts, too."""

_DEEDS_OF = {
    "interactions.count": INTERACTION,
    "interactions.last_at": INTERACTION,
    "mails.sent": SENT,
    "mails.opened": OPENED,
    "mails.clicked": CLICKED,
    "mails.last_sent_at": SENT,
    "mails.last_opened_at": OPENED,
    "mails.last_clicked_at": CLICKED,
}
_COMPANY = {
    "company.name": COMPANIES.c.folded,
    "company.sector": COMPANIES.c.sector_key,
    "company.country": COMPANIES.c.country_key,
    "company.employees": COMPANIES.c.employees,
}


# --- what is known


def operand(leaf: Leaf) -> ColumnElement[Any]:
    """What a question asks about, for the person in the row of `traits`."""
    name = leaf.field.name
    if name.startswith(fields.CUSTOM):
        return own_operand(name.removeprefix(fields.CUSTOM), leaf.field.kind)
    if name == "owner":
        return sql_cast(_T.owner_id, Text)
    if name in _COMPANY:
        company = COMPANIES.c
        return _one(
            select(_COMPANY[name]).where(
                company.workspace_id == _T.workspace_id, company.company_id == _T.company_id
            )
        )
    match leaf.field.reads:
        case fields.TAGS:
            return func.array(_tags().scalar_subquery(), type_=ARRAY(Text))
        case fields.CONSENTS:
            return _consent(name)
        case fields.SUPPRESSION:
            return _suppressed()
        case fields.INTERACTIONS | fields.MAILS:
            return _deeds(name)
        case fields.PURCHASES:
            return _purchases(leaf)
        case fields.DEALS:
            return _deals(name)
    return cast(ColumnElement[Any], _T[name])


def _one(statement: Select[Any]) -> ColumnElement[Any]:
    return statement.correlate(TRAITS, _RECORDS).scalar_subquery()


def _mine(person: ColumnElement[UUID]) -> ColumnElement[bool]:
    return person == any_(_RECORDS.c.ids)


def _tags() -> Select[Any]:
    tag = PERSON_TAGS.c
    statement = select(tag.folded).where(
        tag.workspace_id == _T.workspace_id, tag.person_id == _T.person_id
    )
    return statement.correlate(TRAITS)


def _consent(name: str) -> ColumnElement[Any]:
    c, said = CONSENTS.c, name.removeprefix(fields.CONSENT)
    channel, _, purpose = said.partition(".")
    return _one(
        select(c.given).where(
            c.workspace_id == _T.workspace_id,
            c.person_id == _T.person_id,
            c.channel == channel,
            c.purpose == purpose,
        )
    )


def _suppressed() -> ColumnElement[Any]:
    s = SUPPRESSIONS.c
    found = exists().where(
        s.workspace_id == _T.workspace_id,
        _mine(s.person_id),
        or_(s.kind == SUPPRESSED, s.reason == EVERYTHING),
    )
    return found.correlate(TRAITS, _RECORDS)


def _deeds(name: str) -> ColumnElement[Any]:
    d = DEEDS.c
    wanted = func.count() if not name.endswith("_at") else func.max(d.at)
    return _one(
        select(wanted)
        .select_from(DEEDS)
        .where(d.workspace_id == _T.workspace_id, _mine(d.person_id), d.kind == _DEEDS_OF[name])
    )


def _purchases(leaf: Leaf) -> ColumnElement[Any]:
    t, p = PURCHASE_TOTALS.c, PURCHASES.c
    if leaf.field.kind == "date":
        ends = func.min if leaf.field.name == "purchases.first_at" else func.max
        return _one(
            select(ends(p.bought_at, type_=DateTime(timezone=True))).where(
                p.workspace_id == _T.workspace_id,
                _mine(p.person_id),
                p.total_minor >= 0,
                p.cancelled_at.is_(None),
            )
        )
    of_person = and_(t.workspace_id == _T.workspace_id, _mine(t.person_id))
    if leaf.field.name == "purchases.count":
        counted = sql_cast(func.coalesce(func.sum(t.purchases), 0), BigInteger)
        return _one(select(counted).where(of_person))
    of_person = and_(of_person, t.currency == cast(Money, leaf.value).currency)
    if leaf.field.name == "purchases.total":
        bought = func.coalesce(func.sum(t.bought_minor + t.returned_minor), 0)
        return _one(select(sql_cast(bought, BigInteger)).where(of_person))
    average = func.round(func.sum(t.bought_minor) / func.nullif(func.sum(t.purchases), 0))
    return _one(select(sql_cast(average, BigInteger)).where(of_person))


def _deals(name: str) -> ColumnElement[Any]:
    d, status = DEAL_STANDINGS.c, name.removeprefix("deals.")
    return _one(
        select(func.count())
        .select_from(DEAL_STANDINGS)
        .where(d.workspace_id == _T.workspace_id, _mine(d.contact_id), d.status == status)
    )


# --- who fulfils it


def fulfilled(condition: Condition, now: datetime) -> ColumnElement[bool]:
    """The condition, for the person in the row of `traits`; never null."""
    match condition:
        case Leaf():
            return _answered(condition, now)
        case Not():
            return not_(fulfilled(condition.part, now))
        case Group():
            parts = [fulfilled(part, now) for part in condition.parts]
            return and_(true(), *parts) if condition.of == "all" else or_(false(), *parts)


def _answered(leaf: Leaf, now: datetime) -> ColumnElement[bool]:
    if leaf.field.name.startswith(fields.CUSTOM) and leaf.field.kind == "tags":
        chosen = literal(leaf.value, Text) == any_(operand(leaf))
        return chosen if leaf.operator == "has" else not_(chosen)
    if leaf.field.kind == "tags":
        carried = exists(_tags().where(PERSON_TAGS.c.folded == leaf.value))
        return carried if leaf.operator == "has" else not_(carried)
    asked = operand(leaf)
    match leaf.field.kind:
        case "text":
            return _text(leaf, func.coalesce(asked, ""))
        case "choice":
            there = func.coalesce(asked, "")
            named = any_of(sql_cast(there, Text), cast(tuple[str, ...], leaf.value or ()))
            return _presence(leaf.operator, there, named)
        case "number" | "money":
            return func.coalesce(_number(leaf, asked), False, type_=Boolean)
        case "date":
            return _date(leaf, asked, now)
        case "flag":
            return asked if leaf.operator == "is_so" else not_(asked)
        case _:
            wanted = {"is_given": true(), "is_withdrawn": false()}.get(leaf.operator)
            return asked.is_(None) if wanted is None else asked.is_(wanted)


def _presence(
    operator: str, there: ColumnElement[Any], same: ColumnElement[bool]
) -> ColumnElement[bool]:
    match operator:
        case "is_filled":
            return there != ""
        case "is_empty":
            return there == ""
        case "is":
            return same
        case _:
            return not_(same)


def _text(leaf: Leaf, there: ColumnElement[Any]) -> ColumnElement[bool]:
    match leaf.operator:
        case "contains":
            return func.strpos(there, leaf.value) > 0
        case "contains_not":
            return func.strpos(there, leaf.value) == 0
        case "begins_with":
            return func.starts_with(there, leaf.value, type_=Boolean)
        case operator:
            return _presence(operator, there, there == leaf.value)


_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "equals": lambda found, wanted: found == wanted,
    "at_least": lambda found, wanted: found >= wanted,
    "at_most": lambda found, wanted: found <= wanted,
    "more_than": lambda found, wanted: found > wanted,
    "less_than": lambda found, wanted: found < wanted,
}


def _number(leaf: Leaf, asked: ColumnElement[Any]) -> ColumnElement[Any]:
    value = leaf.value
    wanted = value.amount_minor if isinstance(value, Money) else value
    return cast(
        ColumnElement[Any],
        _COMPARED[leaf.operator](
            asked, literal(wanted, Float(53) if isinstance(wanted, float) else BigInteger)
        ),
    )


def _date(leaf: Leaf, asked: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    if leaf.operator == "is_filled":
        return asked.is_not(None)
    if leaf.operator == "is_empty":
        return asked.is_(None)
    if leaf.operator in fields.RELATIVE:
        line = literal(now - timedelta(days=cast(int, leaf.value)), DateTime(timezone=True))
        recent = func.coalesce(asked > line, False, type_=Boolean)
        return recent if leaf.operator == "in_last_days" else not_(recent)
    moment = literal(leaf.value, DateTime(timezone=True))
    compared = asked < moment if leaf.operator == "before" else asked >= moment
    return func.coalesce(compared, False, type_=Boolean)


def _asks_records(leaves: Iterable[Leaf]) -> bool:
    own = (fields.PERSON, fields.OWNER, fields.COMPANY, fields.TAGS, fields.CONSENTS)
    return any(leaf.field.reads not in own for leaf in leaves)


def _from(statement: Select[Any], leaves: Iterable[Leaf]) -> Select[Any]:
    if _asks_records(leaves):
        return statement.select_from(TRAITS.join(_RECORDS, true()))
    return statement.select_from(TRAITS)


# --- statements


def traits_statement(
    workspace: UUID, people: Sequence[UUID], leaves: Sequence[Leaf]
) -> Select[Any]:
    """What `leaves` ask about these people; `t0`, `t1` … in their order."""
    asked = [operand(leaf).label(f"t{i}") for i, leaf in enumerate(leaves)]
    statement = _from(select(_T.person_id, _T.merged_into, *asked), leaves)
    return statement.where(_T.workspace_id == workspace, any_of(_T.person_id, people))


def fulfilling(
    workspace: UUID, condition: Condition, now: datetime, owners: frozenset[UUID] | None, *what: Any
) -> Select[Any]:
    """`what` of everybody who fulfils a condition, of these owners' people; None: of all."""
    statement = _from(select(*what), list(leaves_of(condition)))
    return statement.where(
        _T.workspace_id == workspace,
        _T.merged_into.is_(None),
        fulfilled(condition, now),
        *visible(_T.owner_id, owners),
    )


def misplaced(
    workspace: UUID, condition: Condition, now: datetime, segment_id: UUID
) -> Select[Any]:
    """Who belongs in a segment and is not in, or is in and does not belong there."""
    in_it = is_member(workspace, segment_id, _T.person_id).correlate(TRAITS)
    return _from(select(_T.person_id), list(leaves_of(condition))).where(
        _T.workspace_id == workspace,
        _T.merged_into.is_(None),
        fulfilled(condition, now) != in_it,
    )
