"""What a command leads to: one function per command, one dispatcher."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from chassis.decider import Decider
from chassis.errors import BadInput, Conflict
from chassis.ports import Claim
from pipeline.domain.deal.commands import (
    AssignDeal,
    ChangeDeal,
    DealCommand,
    Keep,
    LoseDeal,
    MoveDeal,
    OpenDeal,
    RelinkDeal,
    ReopenDeal,
    RescheduleDeal,
    RetitleDeal,
    RevalueDeal,
    WinDeal,
)
from pipeline.domain.deal.events import (
    EVENTS,
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
    Overtaken,
)
from pipeline.domain.deal.state import Deal, Position, evolve, there, upto
from pipeline.domain.money import check_amount, check_currency
from pipeline.domain.naming import tidy

_NOON = time(12, tzinfo=UTC)


def decide(command: DealCommand, deal: Deal | None) -> list[DealEvent]:
    """What a command leads to."""
    match command:
        case OpenDeal():
            return _open(command, deal)
        case MoveDeal():
            return _move(command, there(deal))
        case RevalueDeal():
            return _revalue(command, there(deal))
        case WinDeal():
            return _win(command, there(deal))
        case LoseDeal():
            return _lose(command, there(deal))
        case ReopenDeal():
            return _reopen(command, there(deal))
        case ChangeDeal():
            return _change(command, deal)
        case _:
            return _describe(command, there(deal))


def _describe(
    command: AssignDeal | RetitleDeal | RescheduleDeal | RelinkDeal, deal: Deal
) -> list[DealEvent]:
    match command:
        case AssignDeal():
            return _assign(command, deal)
        case RetitleDeal():
            return _retitle(command, deal)
        case RescheduleDeal():
            return _reschedule(command, deal)
        case RelinkDeal():
            return _relink(command, deal)


def _open(command: OpenDeal, deal: Deal | None) -> list[DealEvent]:
    if deal is not None:
        return []
    stage = command.pipeline.stage(command.stage)
    return [
        DealOpened(
            deal_id=command.deal_id,
            title=tidy(command.title, "A deal"),
            pipeline_id=command.pipeline.pipeline_id,
            stage=stage.key,
            probability=stage.probability,
            value_minor=check_amount(command.value_minor),
            currency=check_currency(command.currency),
            contact_id=command.contact_id,
            company_id=command.company_id,
            product_id=command.product_id,
            owner_id=command.owner_id,
            source=command.source,
            expected_close=command.expected_close,
            external_id=command.external_id,
            external_source=command.external_source,
            lines=command.lines,
            occurred_at=_when(command.at, command.now),
        )
    ]


def _move(command: MoveDeal, deal: Deal) -> list[DealEvent]:
    place = _open_place(deal, "moved")
    stage = command.pipeline.stage(command.stage)
    if stage.key == place.stage:
        return []
    return [
        DealMoved(
            deal_id=deal.deal_id,
            from_stage=place.stage,
            to_stage=stage.key,
            from_probability=place.probability,
            to_probability=stage.probability,
            value_minor=place.value_minor,
            currency=place.currency,
            occurred_at=_not_before(place, _when(command.at, command.now)),
        )
    ]


def _revalue(command: RevalueDeal, deal: Deal) -> list[DealEvent]:
    place = _open_place(deal, "given another value")
    currency = place.currency if command.currency is None else check_currency(command.currency)
    value = check_amount(command.value_minor)
    if (value, currency) == (place.value_minor, place.currency):
        return []
    at = _not_before(place, _when(command.at, command.now))
    if currency == place.currency:
        return [_revalued(deal, place.value_minor, value, currency, at)]
    return [
        _revalued(deal, place.value_minor, 0, place.currency, at),
        _revalued(deal, 0, value, currency, at),
    ]


def _revalued(
    deal: Deal, from_value: int, to_value: int, currency: str, at: datetime
) -> DealRevalued:
    return DealRevalued(
        deal_id=deal.deal_id,
        from_value_minor=from_value,
        to_value_minor=to_value,
        currency=currency,
        stage=deal.position.stage,
        probability=deal.position.probability,
        entered_at=deal.entered_at,
        occurred_at=at,
    )


def _win(command: WinDeal, deal: Deal) -> list[DealEvent]:
    if _closed_so_already(command, deal):
        return []
    place = deal.position
    if command.currency is not None and check_currency(command.currency) != place.currency:
        raise BadInput(
            f"The deal is in {place.currency}. Give its final value in {place.currency}, or give "
            "the deal a value in the other currency first."
        )
    final = place.value_minor if command.value_minor is None else command.value_minor
    at = _closing_time(command, deal)
    common = _closing_facts(deal, at) | {"value_minor": check_amount(final)}
    return [DealWon(closed_on=command.closed_on, occurred_at=at, **common)]


def _lose(command: LoseDeal, deal: Deal) -> list[DealEvent]:
    if _closed_so_already(command, deal):
        return []
    at = _closing_time(command, deal)
    facts = _closing_facts(deal, at)
    facts["value_minor"] = facts["position_value_minor"]
    reason = " ".join(command.reason.split()) or None if command.reason is not None else None
    return [DealLost(closed_on=command.closed_on, reason=reason, occurred_at=at, **facts)]


def _closed_so_already(command: WinDeal | LoseDeal, deal: Deal) -> bool:
    """Whether it is closed just so. Raises Conflict if it is closed otherwise."""
    closing = deal.closing
    if closing is None:
        return False
    same = (closing.was, closing.closed_on) == (command.was, command.closed_on)
    if isinstance(command, WinDeal):
        same = same and command.value_minor in (None, closing.value_minor)
    if not same:
        raise Conflict(
            f"The deal was {closing.was} on {closing.closed_on}. Reopen it first, then close it "
            "as it should be."
        )
    return True


def _closing_time(command: WinDeal | LoseDeal, deal: Deal) -> datetime:
    """Today: now. A day in the past: its noon (UTC), but after all that happened on that day."""
    today = _day(command.now, command.zone)
    if command.closed_on > today:
        raise BadInput(f"{command.closed_on} lies in the future. Close the deal when it is so far.")
    opened_on = _day(deal.opened_at, command.zone)
    if command.closed_on < opened_on:
        raise Conflict(
            f"The deal was opened on {opened_on}; it cannot have been {command.was} before that "
            "day. Choose that day or a later one."
        )
    if command.closed_on == today:
        return command.now
    noon = datetime.combine(command.closed_on, _NOON)
    that_day = [p.at for p in deal.track if _day(p.at, command.zone) == command.closed_on]
    return min(command.now, max([noon, *that_day]))


def _closing_facts(deal: Deal, at: datetime) -> dict[str, Any]:
    """What winning and losing at a moment have in common."""
    kept = upto(deal.track, at)
    place = kept[-1]
    gone = [(place, deal.track[len(kept)])] if len(kept) < len(deal.track) else []
    gone += zip(deal.track[len(kept) :], deal.track[len(kept) + 1 :], strict=False)
    ended = [p.closing for p in (place, *(to for _, to in gone)) if p.closing is not None]
    return {
        "deal_id": deal.deal_id,
        "currency": deal.position.currency,
        "position_value_minor": place.value_minor,
        "stage": place.stage,
        "probability": place.probability,
        "opened_at": deal.opened_at,
        "closing": deal.closings + 1,
        "owner_id": deal.owner_id,
        "company_id": deal.company_id,
        "contact_id": deal.contact_id,
        "product_id": deal.product_id,
        "source": deal.source,
        "pipeline_id": deal.pipeline_id,
        "overtaken": tuple(_overtaken(before, after) for before, after in gone),
        "was_open": place.closing is None,
        "overtaken_closings": tuple(ended),
    }


def _overtaken(before: Position, after: Position) -> Overtaken:
    return Overtaken(
        at=after.at,
        from_stage=before.stage,
        to_stage=after.stage,
        from_probability=before.probability,
        to_probability=after.probability,
        from_value_minor=before.value_minor,
        to_value_minor=after.value_minor,
        currency=after.currency,
        from_open=before.closing is None,
        to_open=after.closing is None,
    )


def _reopen(command: ReopenDeal, deal: Deal) -> list[DealEvent]:
    closing, place = deal.closing, deal.position
    if closing is None:
        return []
    at = _when(command.at, command.now)
    if at < closing.at:
        raise Conflict(
            f"The deal was {closing.was} on {closing.closed_on}; it can be open again from then "
            f"on ({closing.at.isoformat()}), not before."
        )
    return [
        DealReopened(
            deal_id=deal.deal_id,
            closing=closing.number,
            was=closing.was,
            closed_on=closing.closed_on,
            value_minor=place.value_minor,
            currency=place.currency,
            stage=place.stage,
            probability=place.probability,
            opened_at=deal.opened_at,
            owner_id=deal.owner_id,
            company_id=deal.company_id,
            contact_id=deal.contact_id,
            product_id=deal.product_id,
            source=deal.source,
            pipeline_id=deal.pipeline_id,
            closed_value_minor=closing.value_minor,
            occurred_at=at,
        )
    ]


def _assign(command: AssignDeal, deal: Deal) -> list[DealEvent]:
    if command.owner_id == deal.owner_id:
        return []
    return [
        DealAssigned(
            deal_id=deal.deal_id,
            owner_id=command.owner_id,
            former_owner_id=deal.owner_id,
            status=deal.status,
            occurred_at=command.now,
        )
    ]


def _retitle(command: RetitleDeal, deal: Deal) -> list[DealEvent]:
    title = tidy(command.title, "A deal")
    if title == deal.title:
        return []
    return [DealRetitled(deal_id=deal.deal_id, title=title, occurred_at=command.now)]


def _reschedule(command: RescheduleDeal, deal: Deal) -> list[DealEvent]:
    if command.expected_close == deal.expected_close:
        return []
    return [
        DealRescheduled(
            deal_id=deal.deal_id,
            expected_close=command.expected_close,
            occurred_at=command.now,
        )
    ]


def _relink(command: RelinkDeal, deal: Deal) -> list[DealEvent]:
    old = (deal.contact_id, deal.company_id, deal.product_id)
    asked = (command.contact_id, command.company_id, command.product_id)
    contact, company, product = (
        before if isinstance(after, Keep) else after
        for before, after in zip(old, asked, strict=True)
    )
    if (contact, company, product) == old:
        return []
    return [
        DealRelinked(
            deal_id=deal.deal_id,
            contact_id=contact,
            company_id=company,
            product_id=product,
            occurred_at=command.now,
        )
    ]


def _change(command: ChangeDeal, deal: Deal | None) -> list[DealEvent]:
    events: list[DealEvent] = []
    for change in command.changes:
        new = decide(change, deal)
        for event in new:
            deal = evolve(deal, event)
        events += new
    return events


def _open_place(deal: Deal, what: str) -> Position:
    """Where an open deal is. Raises Conflict if it is closed."""
    if deal.closing is not None:
        raise Conflict(
            f"The deal was {deal.closing.was} on {deal.closing.closed_on}, so it cannot be {what}. "
            "Reopen it first."
        )
    return deal.position


def _when(at: datetime | None, now: datetime) -> datetime:
    """When it happened. Raises BadInput for what has not happened yet."""
    if at is None:
        return now
    if at > now:
        raise BadInput(f"{at.isoformat()} lies in the future. Leave `at` out to mean now.")
    return at


def _not_before(place: Position, at: datetime) -> datetime:
    if at < place.at:
        raise Conflict(
            f"The deal was opened, moved or given its value last at {place.at.isoformat()}; a "
            "change cannot be dated before that. Choose that moment or a later one."
        )
    return at


def _day(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()


def claims(event: DealEvent) -> Iterable[Claim]:
    """An id that another system gave belongs to one deal, per system."""
    if isinstance(event, DealOpened) and event.external_id is not None:
        yield Claim("deal_external_id", f"{event.external_source or ''}\x1f{event.external_id}")


DEAL: Decider[DealCommand, Deal | None, DealEvent] = Decider(
    "deal", None, decide, evolve, EVENTS, claims
)
