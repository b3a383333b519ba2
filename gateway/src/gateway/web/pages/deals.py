"""Deals: the list, opening one, and one deal with its stages, closing and history."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web import formatting
from gateway.web.asking import Refused, parts
from gateway.web.fields import Field
from gateway.web.pages.inline import Choices, Editable, inline_router
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/pipeline/deals")

_PAGE = 50
SORTS = (("-opened", "Newest first"), ("expected_close", "Closing soonest"), ("-value", "Largest"))
REASONS = (
    "Price",
    "Chose a competitor",
    "No decision",
    "Bad timing",
    "Not a fit",
    "Lost contact",
)
_FILTERS = ("q", "status", "pipeline", "owner", "sort")
_TYPED = (
    "title",
    "value",
    "currency",
    "pipeline",
    "stage",
    "contact_id",
    "company_id",
    "product_id",
    "owner_id",
    "expected_close",
    "source",
)


async def _field_choices(visit: Visit) -> Choices:
    names, products = await asyncio.gather(
        visit.names(), parts(visit.api.get("/products", limit=200))
    )
    listed = products[0]["items"] if products[0] else []
    return {
        "owners": list(names.items()),
        "products": [(str(each["id"]), str(each["name"])) for each in listed],
    }


FIELDS = (
    Field("title", "Title"),
    Field("value", "Value", "money"),
    Field("expected_close", "Expected close", "date"),
    Field("owner_id", "Owner", choices="owners"),
    Field("product_id", "Product", choices="products"),
)
DEAL = Editable("/pipeline/deals", "/deals", FIELDS, "deals.write", _field_choices, "deal")
fields_router = inline_router(DEAL)


@router.get("")
async def deals(visit: Visiting) -> Response:
    """The list, or only its rows."""
    asked = visit.request.query_params
    wanted = {name: asked.get(name, "") for name in _FILTERS}
    found = visit.api.get("/deals", **wanted, cursor=asked.get("cursor"), limit=_PAGE)
    if visit.is_partial:
        return visit.page("pipeline/deal_rows.html", listed=await found, wanted=wanted)
    listed, pipelines, names = await asyncio.gather(
        found, visit.api.get("/pipelines"), visit.names()
    )
    return visit.page(
        "pipeline/deals.html",
        listed=listed,
        pipelines=pipelines["items"],
        names=names,
        wanted=wanted,
        sorts=SORTS,
    )


@router.get("/new")
async def new_deal(visit: Visiting) -> Response:
    """The drawer that opens one."""
    asked = visit.request.query_params
    given = {"pipeline": asked.get("pipeline", ""), "stage": asked.get("stage", "")}
    contact, company = await asyncio.gather(
        _linked(visit, "contacts", asked.get("contact")),
        _linked(visit, "companies", asked.get("company")),
    )
    if contact:
        given |= {"contact_id": contact["id"], "contact_text": contact.get("name") or ""}
        company = company or contact.get("company")
    if company:
        given |= {"company_id": company["id"], "company_text": company.get("name") or ""}
    return visit.page("pipeline/new.html", given=given, **await _choices(visit))


@router.post("")
async def open_deal(visit: Visiting) -> Response:
    """Open one; what is wrong is said at the fields."""
    given = {name: visit.text(name) for name in _TYPED}
    try:
        written = await visit.api.post("/deals", _body(visit, given), once=visit.text("once"))
    except ValueError as wrong:
        problem = {"errors": [{"pointer": "#/value", "detail": str(wrong)}]}
        return await _again(visit, given, Refused(422, problem))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        return await _again(visit, given, refused)
    if "/pipeline" in visit.request.headers.get("hx-current-url", ""):
        return visit.done(f"“{given['title']}” is on the board", close=True)
    return visit.done(f"“{given['title']}” is open", go=f"/pipeline/deals/{written.id}")


def _body(visit: Visit, given: dict[str, str]) -> dict[str, Any]:
    currency = given["currency"] or visit.currency
    minor = formatting.minor(given["value"] or "0", currency)
    kept = {k: v for k, v in given.items() if v and k not in ("value", "currency")}
    return {**kept, "value": {"amount_minor": minor, "currency": currency}}


async def _again(visit: Visit, given: dict[str, str], refused: Refused) -> Response:
    choices = await _choices(visit)
    return visit.page("pipeline/new.html", status=422, given=given, refused=refused, **choices)


async def _choices(visit: Visit) -> dict[str, Any]:
    pipelines, products, names = await asyncio.gather(
        visit.api.get("/pipelines"), parts(visit.api.get("/products", limit=200)), visit.names()
    )
    return {
        "pipelines": pipelines["items"],
        "products": products[0]["items"] if products[0] else [],
        "names": names,
    }


async def _linked(visit: Visit, kind: str, record_id: str | None) -> Any:
    """The record that a new deal is to be linked with, if it can be had."""
    if not record_id:
        return None
    found = (await parts(visit.api.get(f"/{kind}/{record_id}")))[0]
    return found or None


@router.get("/{deal_id}")
async def deal(visit: Visiting, deal_id: str, as_of: str = "") -> Response:
    """The record; with `as_of` as it was then."""
    path = f"/deals/{deal_id}"
    record = await visit.api.get(path, as_of=as_of)
    found, pipelines, choices = await asyncio.gather(
        parts(visit.api.get(f"{path}/history")),
        parts(visit.api.get("/pipelines")),
        DEAL.choices(visit),
    )
    listed = pipelines[0]["items"] if pipelines[0] else []
    mine = (record.get("pipeline") or {}).get("id") or record.get("pipeline_id")
    return visit.page(
        "pipeline/record.html",
        record=record,
        kind=DEAL,
        choices=choices,
        history=found[0],
        stages=next((p["stages"] for p in listed if p["id"] == mine), []),
        as_of=as_of,
        base=f"/pipeline/deals/{deal_id}",
        may_edit=visit.may("deals.write") and not as_of,
    )


@router.get("/{deal_id}/close")
async def ask_close(visit: Visiting, deal_id: str, outcome: str = "won") -> Response:
    """The question when a deal is won or lost: when, for how much, or why."""
    record = await visit.api.get(f"/deals/{deal_id}")
    given = {"closed_on": visit.today.isoformat(), "value": FIELDS[1].typed(record)}
    return visit.page(
        "pipeline/close.html", record=record, outcome=outcome, given=given, reasons=REASONS
    )


@router.post("/{deal_id}/close")
async def close(visit: Visiting, deal_id: str) -> Response:
    """Win or lose it."""
    outcome, closed_on = visit.text("outcome"), visit.text("closed_on")
    record = await visit.api.get(f"/deals/{deal_id}")
    given = {name: visit.text(name) for name in ("closed_on", "value", "reason")}
    try:
        if closed_on:
            date.fromisoformat(closed_on)
        if outcome == "won":
            body: dict[str, Any] = {"closed_on": closed_on or visit.today.isoformat()}
            if given["value"] and given["value"] != FIELDS[1].typed(record):
                body |= FIELDS[1].sent(given["value"], record, visit.currency)
            await visit.api.post(f"/deals/{deal_id}/win", body, once=visit.text("once"))
        else:
            body = {"closed_on": closed_on, "reason": given["reason"] or None}
            await visit.api.post(f"/deals/{deal_id}/lose", body, once=visit.text("once"))
    except (ValueError, Refused) as error:
        refused = error if isinstance(error, Refused) else Refused(422, {"detail": str(error)})
        if refused.status not in (409, 422):
            raise
        return visit.page(
            "pipeline/close.html",
            status=422,
            record=record,
            outcome=outcome,
            given=given,
            reasons=REASONS,
            refused=refused,
        )
    undo = {"url": f"/pipeline/deals/{deal_id}/reopen", "values": {}, "label": "Reopen"}
    told = f"“{record['title']}” is {outcome}"
    return visit.done(told, undo=undo, close=True)


@router.post("/{deal_id}/reopen")
async def reopen(visit: Visiting, deal_id: str) -> Response:
    """Take the closing back."""
    await visit.api.post(f"/deals/{deal_id}/reopen", {})
    return visit.done("The deal is open again")
