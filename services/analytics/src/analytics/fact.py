"""What a fact is: one row per business fact, with both times, its event, measures and dimensions.

    occurred_at   when it happened            day   the day it counts for
    recorded_at   when we learned of it

Facts only add up. A correction is a further row with the opposite sign, or ends an earlier row,
found by its key: from when on (`valid_until`) and since when that is known (`known_until`). So a
sum over `occurred_at ≤ as_of and recorded_at ≤ known_at` of what has not ended answers on both
axes. An ended row can be overtaken as well, even several times: it then ends earlier than was
thought. That matters to the past only and is kept in a table beside.
A table may hold several facts: a message's row holds its sending, its opening and its clicking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Table,
    Uuid,
    and_,
    exists,
    true,
)
from sqlalchemy.schema import SchemaItem

from analytics.moment import Moment
from chassis.events import Event, Recorded
from chassis.projection import key_columns

Attributes: TypeAlias = Callable[[UUID, Moment], FromClause]
"""What facts are about, with its dimensions, as of a moment."""


@dataclass(frozen=True, slots=True)
class Times:
    """The columns that say which event made a fact, when it happened, when it was recorded."""

    event_id: str = "event_id"
    occurred_at: str = "occurred_at"
    recorded_at: str = "recorded_at"


@dataclass(frozen=True, slots=True)
class About:
    """What a fact is about: the aggregate in whose stream its event is.

    `column` holds its id; `attributes` brings what is known of it beside the fact (`names`).
    """

    service: str
    category: str
    column: str
    attributes: Attributes | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """A fact as KPIs see it: where its rows are, what can be added up, what to group by.

    `ends`: whether rows can end. `overtaken`: where it is kept that one ended earlier, keyed like
    the fact and by one more column. `part`: tells rows of one event apart. `person`: whom it is
    about, for the least size of groups. `is_there`: which rows are facts.
    """

    name: str
    title: str
    table: Table
    about: About
    measures: Mapping[str, ColumnElement[Any]]
    dimensions: tuple[str, ...]
    times: Times = Times()
    has_currency: bool = False
    ends: bool = False
    overtaken: Table | None = None
    part: str | None = None
    person: str | None = None
    is_there: ColumnElement[bool] = field(default_factory=true)

    def stands(self, moment: Moment) -> ColumnElement[bool]:
        """The condition under which a row counts at a moment."""
        c = self.table.c
        times = self.times
        conditions = moment.admits(c[times.occurred_at], c[times.recorded_at])
        if self.ends:
            conditions.append(moment.not_ended(c.valid_until, c.known_until))
        if self.overtaken is not None and not moment.is_now:
            conditions.append(~self._is_overtaken(self.overtaken, moment))
        return and_(self.is_there, *conditions)

    def has_ended(self) -> ColumnElement[bool]:
        """The condition under which a row is out of force now."""
        return self.table.c.known_until.is_not(None)

    def _is_overtaken(self, by: Table, moment: Moment) -> ColumnElement[bool]:
        same = (by.c[name] == self.table.c[name] for name in key_columns(by)[:-1])
        return exists().where(*same, *moment.admits(by.c.occurred_at, by.c.recorded_at))


def columns_of_times() -> tuple[SchemaItem, ...]:
    """The columns every fact has."""
    return (
        Column("event_id", Uuid),
        Column("occurred_at", DateTime(timezone=True)),
        Column("recorded_at", DateTime(timezone=True)),
        Column("day", Date),
    )


def columns_of_end() -> tuple[SchemaItem, ...]:
    """The columns of a fact that can end."""
    return (
        Column("valid_until", DateTime(timezone=True)),
        Column("known_until", DateTime(timezone=True)),
    )


def measure(name: str) -> Column[int]:
    """A column that is added up."""
    return Column(name, BigInteger, nullable=False, server_default="0")


def times_of(recorded: Recorded[Event]) -> dict[str, Any]:
    """What every row takes from its event; the day is the one it happened on (UTC)."""
    return {
        "event_id": recorded.id,
        "occurred_at": recorded.occurred_at,
        "recorded_at": recorded.recorded_at,
        "day": recorded.occurred_at.astimezone(UTC).date(),
    }
