"""The pipeline as a board: what is open in which stage, now or on any day; moving cards."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import parts
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/pipeline")

_CARDS = 20
_CARDS_MOST = 200


@router.get("")
async def pipeline(
    visit: Visiting, pipeline: str = "", owner: str = "", as_of: str = "", cards: int = _CARDS
) -> Response:
    """The board, or only its columns when something has changed."""
    board = _board(visit, pipeline, owner, as_of, cards)
    asked = {"pipeline": pipeline, "owner": owner, "as_of": as_of}
    if visit.is_partial:
        return visit.page("pipeline/columns.html", board=await board, asked=asked, cards=cards)
    shown, pipelines, names, figures = await asyncio.gather(
        board, visit.api.get("/pipelines"), visit.names(), _figures(visit)
    )
    return visit.page(
        "pipeline/board.html",
        board=shown,
        pipelines=pipelines["items"],
        names=names,
        figures=figures,
        asked=asked,
        cards=cards,
    )


@router.get("/figures")
async def figures(visit: Visiting) -> Response:
    """The figures above the board."""
    return visit.page("pipeline/figures.html", figures=await _figures(visit))


@router.post("/deals/{deal_id}/move")
async def move(visit: Visiting, deal_id: str) -> Response:
    """Move a card to another stage; Undo moves it back."""
    stage, before = visit.text("stage"), visit.text("from")
    await visit.api.post(f"/deals/{deal_id}/moves", {"stage": stage})
    told = f"Moved to {visit.text('stage_name') or stage}"
    undo = None
    if before:
        values = {"stage": before, "stage_name": visit.text("from_name")}
        undo = {"url": f"/pipeline/deals/{deal_id}/move", "values": values}
    return visit.done(told, undo=undo)


async def _board(visit: Visit, pipeline: str, owner: str, as_of: str, cards: int) -> Any:
    return await visit.api.get(
        "/board",
        pipeline=pipeline,
        owner=owner,
        as_of=end_of(as_of),
        limit_per_stage=min(cards, _CARDS_MOST),
    )


async def _figures(visit: Visit) -> list[Any]:
    """Open and weighted now, won this month, and how often of late: parts that may be missing."""
    if not visit.may("analytics.read"):
        return []
    today = visit.today
    return list(
        await parts(
            visit.api.get("/kpis/open_pipeline"),
            visit.api.get("/kpis/weighted_pipeline"),
            visit.api.get("/kpis/revenue_won", from_=today.replace(day=1), to=today),
            visit.api.get("/kpis/win_rate", from_=today - timedelta(days=90), to=today),
        )
    )


def end_of(day: str) -> str:
    """A day typed as a date, as the last moment of it; a moment as it is."""
    try:
        return f"{date.fromisoformat(day)}T23:59:59Z" if len(day) == 10 else day
    except ValueError:
        return ""
