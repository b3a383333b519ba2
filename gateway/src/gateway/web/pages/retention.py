"""Retention: rules that say who is to be erased, whom each finds, and having them erased."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, parts
from gateway.web.pages.privacy_desk import desk_page
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/privacy/retention")

_SPARED = ("spare_consenting", "spare_buyers")
_RUNS_SHOWN = 10
_UNDER_WAY = ("checking", "running")


@router.get("")
async def rules(visit: Visiting) -> Response:
    """The rules, and what became of those that were run."""
    return await _rules(visit)


async def _rules(visit: Visit) -> Response:
    found, runs, segments = await asyncio.gather(
        visit.api.get("/retention/rules"),
        visit.api.get("/retention/runs", limit=_RUNS_SHOWN),
        _segments(visit),
    )
    return desk_page(
        visit,
        "retention",
        rules=found["items"],
        runs=runs["items"],
        segments=dict(segments),
        under_way=_UNDER_WAY,
    )


async def _segments(visit: Visit) -> list[tuple[str, str]]:
    found = (await parts(visit.api.get("/segments", limit=200)))[0]
    return [(str(each["id"]), str(each["name"])) for each in found["items"]] if found else []


@router.get("/runs/{run_id}")
async def run(visit: Visiting, run_id: str) -> Response:
    """How far a run is; asks again by itself until it is over."""
    found = await visit.api.get(f"/retention/runs/{run_id}")
    return visit.page("privacy/retention_run.html", run=found, under_way=_UNDER_WAY)


@router.get("/new")
async def new_rule(visit: Visiting) -> Response:
    """The box that makes one."""
    given = {"months": 36, "spare_consenting": True, "spare_buyers": True}
    return await _form(visit, given)


@router.get("/{rule_id}/edit")
async def edit_rule(visit: Visiting, rule_id: str) -> Response:
    """The box that changes one."""
    rule = await visit.api.get(f"/retention/rules/{rule_id}")
    return await _form(visit, rule, rule=rule)


async def _form(
    visit: Visit, given: Any, *, rule: Any = None, refused: Refused | None = None
) -> Response:
    return visit.page(
        "privacy/retention_rule.html",
        given=given,
        rule=rule,
        refused=refused,
        segments=await _segments(visit),
    )


def _said(visit: Visit) -> dict[str, Any]:
    """What the form says, as the API takes it."""
    months = visit.text("months")
    return {
        "name": visit.text("name"),
        "months": int(months) if months.isdigit() else 0,
        "segment_id": visit.text("segment_id") or None,
        **{name: bool(visit.text(name)) for name in _SPARED},
    }


@router.post("")
async def make_rule(visit: Visiting) -> Response:
    """Make one; whom it finds is shown next."""
    body = _said(visit)
    try:
        made = await visit.api.post("/retention/rules", body, once=visit.text("once") or None)
    except Refused as refused:
        return await _form(visit, body, refused=refused)
    return visit.done(go=f"/privacy/retention/{made.id}")


@router.post("/{rule_id}")
async def change_rule(visit: Visiting, rule_id: str) -> Response:
    """Change one."""
    body = _said(visit)
    path = f"/retention/rules/{rule_id}"
    try:
        await visit.api.patch(path, body, version=visit.text("version"))
    except Refused as refused:
        rule = {"id": rule_id, "version": visit.text("version")}
        return await _form(visit, body, rule=rule, refused=refused)
    return visit.done(go=f"/privacy/retention/{rule_id}")


@router.post("/{rule_id}/remove")
async def remove_rule(visit: Visiting, rule_id: str) -> Response:
    """Take one away."""
    await visit.api.write("DELETE", f"/retention/rules/{rule_id}")
    return visit.done(go="/privacy/retention")


@router.get("/{rule_id}")
async def preview(visit: Visiting, rule_id: str) -> Response:
    """Whom it finds now; nothing changes."""
    found, segments = await asyncio.gather(
        visit.api.get(f"/retention/rules/{rule_id}/preview"), _segments(visit)
    )
    return desk_page(visit, "retention", "preview", found=found, segments=dict(segments))


@router.get("/{rule_id}/run")
async def ask_run(visit: Visiting, rule_id: str) -> Response:
    """The question before everybody is erased whom it finds."""
    found = await visit.api.get(f"/retention/rules/{rule_id}/preview")
    return visit.page("privacy/retention_ask.html", found=found)


@router.post("/{rule_id}/run")
async def run_rule(visit: Visiting, rule_id: str) -> Response:
    """Have them erased."""
    people = visit.text("people")
    body = {"people": int(people) if people.isdigit() else 0}
    await visit.api.post(
        f"/retention/rules/{rule_id}/run",
        body,
        version=visit.text("version"),
        once=visit.text("once") or None,
    )
    return visit.done(go="/privacy/retention")
