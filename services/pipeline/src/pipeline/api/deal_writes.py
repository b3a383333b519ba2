"""Deals over HTTP, the writing side: commands in, id and version out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from chassis.errors import BadInput, Forbidden
from chassis.http.principal import require
from chassis.ids import new_id
from pipeline.api.bodies import (
    AssignBody,
    DealBody,
    DealChanges,
    LoseBody,
    Money,
    MoveBody,
    ReopenBody,
    WinBody,
    time_of,
)
from pipeline.api.desk import AtDesk, Desk
from pipeline.domain.deal import (
    DEAL,
    AssignDeal,
    ChangeDeal,
    Deal,
    DealCommand,
    Line,
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

router = APIRouter(prefix="/deals", tags=["deals"], dependencies=[Depends(require("deals.write"))])

_LINKS = ("contact_id", "company_id", "product_id")


@router.post("", status_code=201)
async def open_deal(body: DealBody, desk: AtDesk) -> Response:
    """Open a deal."""
    write = desk.write
    visible = write.principal.visible_owners()
    owner_id = await _owner(desk, body, otherwise=write.principal.user_id)
    if visible is not None and owner_id is not None and owner_id not in visible:
        raise Forbidden("You can open deals for yourself and your team. Choose such an owner.")
    value = await _value(desk, body)
    command = OpenDeal(
        deal_id=new_id(),
        title=body.title,
        pipeline=await desk.pipeline(body.pipeline),
        value_minor=value.amount_minor,
        currency=value.currency,
        now=write.now,
        at=time_of(body.opened_at, write.now),
        stage=body.stage,
        contact_id=body.contact_id,
        company_id=body.company_id,
        product_id=body.product_id,
        owner_id=owner_id,
        lines=_lines(body),
        source=body.source,
        expected_close=body.expected_close,
        external_id=body.external_id,
        external_source=body.external_source,
    )
    return await write.new(DEAL, command.deal_id, command, location="/api/v1/deals")


@router.patch("/{deal_id}")
async def change_deal(deal_id: UUID, body: DealChanges, desk: AtDesk) -> Response:
    """Change fields of a deal; send If-Match with the version you have seen."""
    desk.write.need_version()
    deal = await desk.deal(deal_id)
    changes = await _changes(desk, deal, body)
    return await desk.write.change(DEAL, deal_id, ChangeDeal(tuple(changes)))


@router.post("/{deal_id}/moves")
async def move_deal(deal_id: UUID, body: MoveBody, desk: AtDesk) -> Response:
    """Move an open deal to another stage of its pipeline."""
    pipeline = await desk.pipeline_of(await desk.deal(deal_id))
    now = desk.write.now
    command = MoveDeal(body.stage, pipeline, now, time_of(body.at, now))
    return await desk.write.change(DEAL, deal_id, command)


@router.post("/{deal_id}/win")
async def win_deal(deal_id: UUID, desk: AtDesk, body: WinBody | None = None) -> Response:
    """Close a deal as won, today or on a day in the past."""
    await desk.deal(deal_id)
    today, ways = await desk.today()
    asked = body or WinBody()
    value = asked.value
    command = WinDeal(
        asked.closed_on or today,
        desk.write.now,
        value.amount_minor if value is not None else None,
        value.currency if value is not None else None,
        ways.zone,
    )
    return await desk.write.change(DEAL, deal_id, command)


@router.post("/{deal_id}/lose")
async def lose_deal(deal_id: UUID, desk: AtDesk, body: LoseBody | None = None) -> Response:
    """Close a deal as lost, today or on a day in the past."""
    await desk.deal(deal_id)
    today, ways = await desk.today()
    asked = body or LoseBody()
    command = LoseDeal(asked.closed_on or today, desk.write.now, asked.reason, ways.zone)
    return await desk.write.change(DEAL, deal_id, command)


@router.post("/{deal_id}/reopen")
async def reopen_deal(deal_id: UUID, desk: AtDesk, body: ReopenBody | None = None) -> Response:
    """Open a closed deal again, in the stage it left."""
    await desk.deal(deal_id)
    now = desk.write.now
    at = time_of(body.at, now) if body is not None else None
    return await desk.write.change(DEAL, deal_id, ReopenDeal(now, at))


@router.post("/{deal_id}/assign")
async def assign_deal(deal_id: UUID, body: AssignBody, desk: AtDesk) -> Response:
    """Hand a deal to somebody else, or to nobody."""
    await desk.deal(deal_id)
    if not body.model_fields_set:
        raise BadInput("Say to whom: owner_id (or owner, a name); null for nobody.")
    command = AssignDeal(await _owner(desk, body), desk.write.now)
    return await desk.write.change(DEAL, deal_id, command)


async def _owner(
    desk: Desk, body: DealBody | DealChanges | AssignBody, otherwise: UUID | None = None
) -> UUID | None:
    if body.owner_id is not None:
        return body.owner_id
    if body.owner is not None:
        return await desk.owner(body.owner)
    return None if body.model_fields_set & {"owner", "owner_id"} else otherwise


async def _value(desk: Desk, body: DealBody) -> Money:
    """As given, else the sum of the lines, else the product's list price, else nothing."""
    if body.value is not None:
        return body.value
    if body.lines:
        total = sum(line.quantity * line.price.amount_minor for line in body.lines)
        return Money(amount_minor=total, currency=body.lines[0].price.currency)
    product = await desk.product(body.product_id) if body.product_id is not None else None
    if product is not None and product["price_minor"] is not None:
        return Money(amount_minor=product["price_minor"], currency=product["currency"])
    return Money(amount_minor=0, currency=(await desk.ways()).currency)


def _lines(body: DealBody) -> tuple[Line, ...]:
    currencies = {line.price.currency.upper() for line in body.lines}
    if body.value is not None and body.lines:
        currencies.add(body.value.currency.upper())
    if len(currencies) > 1:
        raise BadInput("The lines and the value of a deal are in one currency.")
    return tuple(
        Line(line.name, line.quantity, line.price.amount_minor, line.product_id)
        for line in body.lines
    )


async def _changes(desk: Desk, deal: Deal, body: DealChanges) -> list[DealCommand]:
    given, now = body.model_fields_set, desk.write.now
    for name in ("title", "stage", "value"):
        if name in given and getattr(body, name) is None:
            raise BadInput(f"A deal always has a {name}; leave it out to keep it as it is.")
    changes: list[DealCommand] = []
    if body.title is not None:
        changes.append(RetitleDeal(body.title, now))
    if body.stage is not None:
        changes.append(MoveDeal(body.stage, await desk.pipeline_of(deal), now))
    if body.value is not None:
        changes.append(RevalueDeal(body.value.amount_minor, now, body.value.currency))
    if given & {"owner", "owner_id"}:
        changes.append(AssignDeal(await _owner(desk, body), now))
    if "expected_close" in given:
        changes.append(RescheduleDeal(body.expected_close, now))
    links: dict[str, Any] = {name: getattr(body, name) for name in _LINKS if name in given}
    if links:
        changes.append(RelinkDeal(now, **links))
    return changes
