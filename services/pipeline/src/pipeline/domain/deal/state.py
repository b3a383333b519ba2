"""The deal as it stands, and how events lead there.

The track is what the deal's places and values have been, by the time they were so. A closing dated
in the past cuts off what was entered before but happened after it, so the track is always in order
of time, and its last place at or before a moment is what a fold of the log up to that moment gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import assert_never
from uuid import UUID

from chassis.errors import NotFound
from pipeline.domain.deal.events import (
    DealAssigned,
    DealEvent,
    DealLost,
    DealMoved,
    DealOpened,
    DealRelinked,
    DealReopened,
    DealRescheduled,
    DealRetitled,
    DealRevalued,
    DealWon,
    Line,
    Was,
)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a deal is from a moment on. `closing`: closed, by the closing with this number."""

    at: datetime
    stage: str
    probability: int
    value_minor: int
    currency: str
    closing: int | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """How a deal was closed."""

    number: int
    was: Was
    closed_on: date
    at: datetime
    value_minor: int
    currency: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal. `position`: where it is; while it is closed, where it was before."""

    deal_id: UUID
    title: str
    pipeline_id: UUID
    position: Position
    entered_at: datetime
    opened_at: datetime
    contact_id: UUID | None
    company_id: UUID | None
    product_id: UUID | None
    owner_id: UUID | None
    lines: tuple[Line, ...]
    source: str | None
    expected_close: date | None
    external_id: str | None
    external_source: str | None
    track: tuple[Position, ...]
    closing: Closing | None = None
    closings: int = 0

    @property
    def status(self) -> str:
        """open, won or lost."""
        return self.closing.was if self.closing is not None else "open"


def there(deal: Deal | None) -> Deal:
    """The deal. Raises NotFound if it was never opened."""
    if deal is None:
        raise NotFound("There is no such deal.")
    return deal


def evolve(deal: Deal | None, event: DealEvent) -> Deal | None:
    """The deal after an event."""
    match event:
        case DealOpened():
            return _opened(event)
        case DealMoved():
            place = _place(event, event.to_stage, event.to_probability, event.value_minor)
            return _placed(there(deal), place, place.at)
        case DealRevalued():
            place = _place(event, event.stage, event.probability, event.to_value_minor)
            return _placed(there(deal), place, there(deal).entered_at)
        case DealWon() | DealLost():
            return _closed(there(deal), event)
        case DealReopened():
            place = _place(event, event.stage, event.probability, event.value_minor)
            return replace(_placed(there(deal), place, place.at), closing=None)
        case _:
            return _described(there(deal), event)


def _described(
    deal: Deal, event: DealAssigned | DealRetitled | DealRescheduled | DealRelinked
) -> Deal:
    match event:
        case DealAssigned():
            return replace(deal, owner_id=event.owner_id)
        case DealRetitled():
            return replace(deal, title=event.title)
        case DealRescheduled():
            return replace(deal, expected_close=event.expected_close)
        case DealRelinked():
            return replace(
                deal,
                contact_id=event.contact_id,
                company_id=event.company_id,
                product_id=event.product_id,
            )
        case _:
            assert_never(event)


def _opened(event: DealOpened) -> Deal:
    place = _place(event, event.stage, event.probability, event.value_minor)
    return Deal(
        deal_id=event.deal_id,
        title=event.title,
        pipeline_id=event.pipeline_id,
        position=place,
        entered_at=place.at,
        opened_at=place.at,
        contact_id=event.contact_id,
        company_id=event.company_id,
        product_id=event.product_id,
        owner_id=event.owner_id,
        lines=event.lines,
        source=event.source,
        expected_close=event.expected_close,
        external_id=event.external_id,
        external_source=event.external_source,
        track=(place,),
    )


def _place(
    event: DealOpened | DealMoved | DealRevalued | DealReopened,
    stage: str,
    probability: int,
    value_minor: int,
) -> Position:
    return Position(event.occurred_at, stage, probability, value_minor, event.currency)


def _placed(deal: Deal, place: Position, entered_at: datetime) -> Deal:
    track = (*upto(deal.track, place.at), place)
    return replace(deal, position=place, entered_at=entered_at, track=track)


def _closed(deal: Deal, event: DealWon | DealLost) -> Deal:
    at = event.occurred_at
    gone = Position(at, event.stage, event.probability, 0, event.currency, event.closing)
    return replace(
        deal,
        track=(*upto(deal.track, at), gone),
        closings=event.closing,
        closing=Closing(
            number=event.closing,
            was="won" if isinstance(event, DealWon) else "lost",
            closed_on=event.closed_on,
            at=at,
            value_minor=event.value_minor,
            currency=event.currency,
            reason=event.reason if isinstance(event, DealLost) else None,
        ),
    )


def upto(track: Sequence[Position], at: datetime) -> tuple[Position, ...]:
    """What of a track was so at or before a moment."""
    return tuple(position for position in track if position.at <= at)
