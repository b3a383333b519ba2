"""What can have happened to a deal. Every event tells enough for readers who keep no state."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from chassis.events import Event

Was = Literal["won", "lost"]


class Line(msgspec.Struct, frozen=True):
    """Part of a deal: so many pieces of something at a price each."""

    name: str
    quantity: int
    price_minor: int
    product_id: UUID | None = None


class Overtaken(msgspec.Struct, frozen=True):
    """A change of place or value that a closing dated before it takes back.

    `from_open`/`to_open` are false where the deal was closed, or got closed, by that change; its
    open value is 0 there. Whoever keeps sums subtracts what this change had added, at its time.
    """

    at: datetime
    from_stage: str
    to_stage: str
    from_probability: int
    to_probability: int
    from_value_minor: int
    to_value_minor: int
    currency: str = ""
    from_open: bool = True
    to_open: bool = True


class DealOpened(Event, frozen=True, tag="pipeline.deal-opened.v1"):
    """There is a new deal."""

    deal_id: UUID
    title: str
    pipeline_id: UUID
    stage: str
    probability: int
    value_minor: int
    currency: str
    contact_id: UUID | None
    company_id: UUID | None
    product_id: UUID | None
    owner_id: UUID | None
    source: str | None
    expected_close: date | None
    external_id: str | None
    external_source: str | None
    lines: tuple[Line, ...] = ()


class DealMoved(Event, frozen=True, tag="pipeline.deal-moved.v1"):
    """A deal went to another stage."""

    deal_id: UUID
    from_stage: str
    to_stage: str
    from_probability: int
    to_probability: int
    value_minor: int
    currency: str


class DealRevalued(Event, frozen=True, tag="pipeline.deal-revalued.v1"):
    """A deal is expected to bring another amount.

    A change of currency is two of these: to 0 in the old one, and from 0 in the new one.
    `entered_at`: since when it has been in its stage.
    """

    deal_id: UUID
    from_value_minor: int
    to_value_minor: int
    currency: str
    stage: str
    probability: int
    entered_at: datetime | None = None


class _Closed(Event, frozen=True):
    """What winning and losing have in common.

    `stage`, `probability` and `position_value_minor` say where, and with what open value, the deal
    leaves the pipeline on that day. `overtaken` lists what was entered before but dated after the
    closing, `overtaken_closings` the numbers of earlier closings that count no more from it on;
    both are normally empty. `was_open` is false if on that day it was closed already.
    """

    deal_id: UUID
    value_minor: int
    currency: str
    position_value_minor: int
    stage: str
    probability: int
    opened_at: datetime
    closed_on: date
    closing: int
    owner_id: UUID | None
    company_id: UUID | None
    contact_id: UUID | None
    product_id: UUID | None
    source: str | None
    pipeline_id: UUID
    overtaken: tuple[Overtaken, ...]


class DealWon(_Closed, frozen=True, tag="pipeline.deal-won.v1"):
    """A deal was won; `value_minor` is what it brought in the end."""

    was_open: bool = True
    overtaken_closings: tuple[int, ...] = ()


class DealLost(_Closed, frozen=True, tag="pipeline.deal-lost.v1"):
    """A deal was lost; `value_minor` is what was lost with it."""

    reason: str | None
    was_open: bool = True
    overtaken_closings: tuple[int, ...] = ()


class DealReopened(Event, frozen=True, tag="pipeline.deal-reopened.v1"):
    """A closed deal is open again, in the stage and with the open value it had before.

    `closing`, `was`, `closed_on` and `closed_value_minor` tell of the closing that is over.
    """

    deal_id: UUID
    closing: int
    was: Was
    closed_on: date
    value_minor: int
    currency: str
    stage: str
    probability: int
    opened_at: datetime
    owner_id: UUID | None
    company_id: UUID | None
    contact_id: UUID | None
    product_id: UUID | None
    source: str | None
    pipeline_id: UUID
    closed_value_minor: int | None = None


class DealAssigned(Event, frozen=True, tag="pipeline.deal-assigned.v1"):
    """A deal is somebody else's now, or nobody's. `status`: whether it is open, won or lost."""

    deal_id: UUID
    owner_id: UUID | None
    former_owner_id: UUID | None
    status: str = "open"


class DealRetitled(Event, frozen=True, tag="pipeline.deal-retitled.v1"):
    """A deal goes by another title."""

    deal_id: UUID
    title: str


class DealRescheduled(Event, frozen=True, tag="pipeline.deal-rescheduled.v1"):
    """A deal is expected to close on another day."""

    deal_id: UUID
    expected_close: date | None


class DealRelinked(Event, frozen=True, tag="pipeline.deal-relinked.v1"):
    """A deal is with these now, and about this; all three as they are after the change."""

    deal_id: UUID
    contact_id: UUID | None
    company_id: UUID | None
    product_id: UUID | None


DealEvent = (
    DealOpened
    | DealMoved
    | DealRevalued
    | DealWon
    | DealLost
    | DealReopened
    | DealAssigned
    | DealRetitled
    | DealRescheduled
    | DealRelinked
)
EVENTS: tuple[type[DealEvent], ...] = (
    DealOpened,
    DealMoved,
    DealRevalued,
    DealWon,
    DealLost,
    DealReopened,
    DealAssigned,
    DealRetitled,
    DealRescheduled,
    DealRelinked,
)
