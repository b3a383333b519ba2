"""Purchases over HTTP: record one, look at it, cancel it; those of one person."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from chassis.errors import NotFound
from chassis.http.paging import Cursor, Limit
from chassis.http.principal import require
from chassis.http.reading import Reading
from chassis.http.writing import Writing
from chassis.ids import new_id
from contacts.api.access import check_buyer, check_purchase
from contacts.api.bodies import Cancelling, NewPurchase
from contacts.api.records import answering, not_there
from contacts.domain.person import PERSON
from contacts.domain.purchase import PURCHASE, CancelPurchase, RecordPurchase
from contacts.domain.purchase_line import purchase_line
from contacts.read_models.people import sees_person
from contacts.read_models.purchases import PurchasesWanted, fetch_purchase, fetch_purchases
from contacts.read_models.survivors import fetch_records

router = APIRouter(prefix="/purchases", tags=["purchases"])
of_person = APIRouter(prefix="/contacts/{person_id}/purchases", tags=["purchases"])
reads = Depends(require("contacts.read"))
writes = Depends(require("contacts.write"))


@router.post("", status_code=201, dependencies=[writes])
async def record_purchase(body: NewPurchase, write: Writing) -> Response:
    """Record an order, a receipt or an invoice; what came back has negative quantities."""
    await check_buyer(write, body.contact_id)
    purchase_id = new_id()
    lines = tuple(
        purchase_line(
            line.quantity, line.unit_price_minor, line.sku, line.title, pointer=f"#/lines/{number}"
        )
        for number, line in enumerate(body.lines)
    )
    command = RecordPurchase(
        purchase_id=purchase_id,
        lines=lines,
        currency=body.currency,
        bought_at=body.bought_at or write.now,
        at=write.now,
        person_id=body.contact_id,
        number=body.number,
        source=body.source,
        channel=body.channel,
    )
    return await write.new(PURCHASE, purchase_id, command, location="/api/v1/purchases")


@router.get("/{purchase_id}", dependencies=[reads])
async def one_purchase(purchase_id: UUID, read: Reading) -> Response:
    """A purchase with its lines. Whose it was is not known any more once they are erased."""
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    async with read.connection() as connection:
        purchase = await fetch_purchase(connection, workspace, purchase_id, owners)
    if purchase is None:
        raise NotFound("There is no such purchase in this workspace.")
    return read.json(purchase, version=purchase["version"])


@router.post("/{purchase_id}/cancel", dependencies=[writes])
async def cancel_purchase(
    purchase_id: UUID, write: Writing, body: Cancelling | None = None
) -> Response:
    """Let a purchase count no more; it stays in the list, and keeps its number."""
    await check_purchase(write, purchase_id)
    command = CancelPurchase(write.now, body.reason if body else None)
    return await write.change(PURCHASE, purchase_id, command)


@of_person.get("", dependencies=[reads])
async def purchases_of_person(
    person_id: UUID, request: Request, read: Reading, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """What a person bought, with all lines; the latest first."""
    workspace, owners = read.principal.workspace, read.principal.visible_owners()
    async with read.connection() as connection:
        person_id = await answering(connection, workspace, person_id)
        people = tuple(await fetch_records(connection, workspace, person_id))
        wanted = PurchasesWanted(workspace, people, limit, cursor)
        if not await sees_person(connection, workspace, person_id, owners):
            raise await not_there(request, read, PERSON, person_id)
        items, following = await fetch_purchases(connection, wanted)
    return read.json({"items": items, "next": following})
