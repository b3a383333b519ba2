"""A place on the two time axes: what had happened by then, and what was known by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_


@dataclass(frozen=True, slots=True)
class Moment:
    """`as_of` cuts by when things happened, `known_at` by when they were recorded; None: no cut."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def is_now(self) -> bool:
        """Neither axis is cut."""
        return self.as_of is None and self.known_at is None

    def admits(
        self, occurred_at: ColumnElement[Any], recorded_at: ColumnElement[Any]
    ) -> list[ColumnElement[bool]]:
        """The conditions under which a row has happened and is known."""
        conditions = []
        if self.as_of is not None:
            conditions.append(occurred_at <= self.as_of)
        if self.known_at is not None:
            conditions.append(recorded_at <= self.known_at)
        return conditions

    def not_ended(
        self, until: ColumnElement[Any], known_until: ColumnElement[Any]
    ) -> ColumnElement[bool]:
        """The condition under which a row has not been put out of force."""
        ended = self.admits(until, known_until)
        return or_(known_until.is_(None), *(~condition for condition in ended))


NOW = Moment()
