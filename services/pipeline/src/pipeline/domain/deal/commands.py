"""What can be asked of a deal. `now` is when it is asked; `at` is when it was, if that is said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from enum import Enum
from typing import Final, Literal
from uuid import UUID

from pipeline.domain.deal.events import Line
from pipeline.domain.pipeline import Pipeline


class Keep(Enum):
    """The type of KEEP."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""Leave it as it is; None would take it away."""


@dataclass(frozen=True, slots=True)
class OpenDeal:
    """Open a deal in a stage of this pipeline (None: its first). `at`: when it began."""

    deal_id: UUID
    title: str
    pipeline: Pipeline
    value_minor: int
    currency: str
    now: datetime
    at: datetime | None = None
    stage: str | None = None
    contact_id: UUID | None = None
    company_id: UUID | None = None
    product_id: UUID | None = None
    owner_id: UUID | None = None
    lines: tuple[Line, ...] = ()
    source: str | None = None
    expected_close: date | None = None
    external_id: str | None = None
    external_source: str | None = None


@dataclass(frozen=True, slots=True)
class MoveDeal:
    """Move it to another stage of its pipeline."""

    stage: str
    pipeline: Pipeline
    now: datetime
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RevalueDeal:
    """Expect another amount of it."""

    value_minor: int
    now: datetime
    currency: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WinDeal:
    """It was won on a day (days are those of `zone`), perhaps for another value."""

    closed_on: date
    now: datetime
    value_minor: int | None = None
    currency: str | None = None
    zone: tzinfo = UTC

    was: Literal["won"] = "won"


@dataclass(frozen=True, slots=True)
class LoseDeal:
    """It was lost on a day."""

    closed_on: date
    now: datetime
    reason: str | None = None
    zone: tzinfo = UTC

    was: Literal["lost"] = "lost"


@dataclass(frozen=True, slots=True)
class ReopenDeal:
    """It is open again; `at` from its closing on: then the closing never counted."""

    now: datetime
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AssignDeal:
    """It is somebody's now, or nobody's."""

    owner_id: UUID | None
    now: datetime


@dataclass(frozen=True, slots=True)
class RetitleDeal:
    """It goes by another title."""

    title: str
    now: datetime


@dataclass(frozen=True, slots=True)
class RescheduleDeal:
    """It is expected to close on another day, or on none."""

    expected_close: date | None
    now: datetime


@dataclass(frozen=True, slots=True)
class RelinkDeal:
    """It is with somebody else, or about something else."""

    now: datetime
    contact_id: UUID | Keep | None = KEEP
    company_id: UUID | Keep | None = KEEP
    product_id: UUID | Keep | None = KEEP


@dataclass(frozen=True, slots=True)
class ChangeDeal:
    """Several of these one after the other, all or none."""

    changes: tuple[DealCommand, ...]


DealCommand = (
    OpenDeal
    | MoveDeal
    | RevalueDeal
    | WinDeal
    | LoseDeal
    | ReopenDeal
    | AssignDeal
    | RetitleDeal
    | RescheduleDeal
    | RelinkDeal
    | ChangeDeal
)
