"""The privacy desk: who agreed to what, whose data somebody touched, what was taken out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Refused, part
from gateway.web.visiting import Visit, Visiting

router = APIRouter(prefix="/privacy")

_PAGE = 50
_LEDGER = ("channel", "purpose", "state", "person")
STATES = (("given", "Given"), ("withdrawn", "Withdrawn"))
_HANDED_ON = ("Content-Disposition", "Content-Type", "Cache-Control")


def _tabs(visit: Visit) -> list[tuple[str, str, str, str]]:
    tabs = [("consents", "Consent ledger", "/privacy", "checks")]
    if visit.may("settings.write"):
        tabs += [
            ("retention", "Retention", "/privacy/retention", "clock"),
            ("breach", "Breach helper", "/privacy/breach", "alert-triangle"),
            ("exports", "Exports", "/privacy/exports", "download"),
        ]
    return tabs


def desk_page(visit: Visit, tab: str, part: str = "", /, **context: Any) -> Response:
    """A page of the desk. `part`: what it shows of a tab, if not all of it."""
    shown = f"{tab}_{part}" if part else tab
    return visit.page("privacy/desk.html", tab=tab, shown=shown, tabs=_tabs(visit), **context)


def _moments(visit: Visit, asked: Mapping[str, str]) -> dict[str, str]:
    """From when to when: the days of the workspace, from the first's start to the last's end."""
    told = {}
    for name, at in (("from", time.min), ("to", time.max)):
        if asked.get(name):
            day = _day(asked[name])
            told[name] = datetime.combine(day, at, visit.zone).isoformat()
    return told


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        problem = {"title": "That is no day", "detail": f"{text} is no day. Choose one."}
        raise Refused(422, problem) from error


def _asked(visit: Visit, *names: str) -> dict[str, str]:
    given = visit.request.query_params
    return {name: given.get(name, "").strip() for name in (*names, "from", "to")}


async def _file(visit: Visit, path: str, params: Mapping[str, str]) -> Response:
    """A file of the API, to be kept."""
    given = {name: value for name, value in params.items() if value}
    answer = await visit.api.ask("GET", path, params=given)
    return Response(answer.body, headers={name: answer.headers[name] for name in _HANDED_ON})


# --- who agreed to what


def _of_ledger(visit: Visit, asked: Mapping[str, str]) -> dict[str, str]:
    filters = {name: asked[name] for name in _LEDGER}
    return {**filters, "source": asked["q"], **_moments(visit, asked)}


@router.get("")
async def consents(visit: Visiting) -> Response:
    """Every change of a consent; or only the table, or its next rows."""
    asked = _asked(visit, *_LEDGER, "q")
    cursor = visit.request.query_params.get("cursor", "")
    wanted = {**_of_ledger(visit, asked), "cursor": cursor, "limit": _PAGE}
    listed = visit.api.get("/consents", **wanted)
    if visit.is_partial:
        rows = "privacy/consent_rows.html" if cursor else "privacy/consent_table.html"
        return visit.page(rows, listed=await listed, asked=asked)
    found, words, person = await asyncio.gather(
        listed, visit.api.get("/consents/words"), _person(visit, asked["person"])
    )
    return desk_page(
        visit, "consents", listed=found, words=words, states=STATES, asked=asked, person=person
    )


async def _person(visit: Visit, person: str) -> Any:
    return await part(visit.api.get(f"/contacts/{person}")) if person else None


@router.get("/consents.csv")
async def consents_file(visit: Visiting) -> Response:
    """The same as a file."""
    asked = _asked(visit, *_LEDGER, "q")
    return await _file(visit, "/consents/export", _of_ledger(visit, asked))


# --- what was taken out


@router.get("/exports")
async def exports(visit: Visiting) -> Response:
    """The register of exports; or only its table, or its next rows."""
    asked = _asked(visit, "user", "kind")
    cursor = visit.request.query_params.get("cursor", "")
    filters = {"user": asked["user"], "kind": asked["kind"], **_moments(visit, asked)}
    listed = visit.api.get("/exports", **filters, cursor=cursor, limit=_PAGE)
    if visit.is_partial:
        rows = "privacy/export_rows.html" if cursor else "privacy/export_table.html"
        return visit.page(rows, listed=await listed, asked=asked, kinds=KINDS)
    found, names = await asyncio.gather(listed, visit.names())
    return desk_page(visit, "exports", listed=found, names=names, asked=asked, kinds=KINDS)


KINDS = {
    "person": "All that is kept of a person",
    "consents": "Consent ledger",
    "breach": "Report of a breach",
}
"""What can be taken out."""


# --- whose data somebody touched


@router.get("/breach")
async def breach(visit: Visiting) -> Response:
    """Whose data was touched, once it is said when and by whom; or only the next rows."""
    asked = _asked(visit, "user", "token")
    cursor = visit.request.query_params.get("cursor", "")
    if visit.is_partial and cursor:
        found = await visit.api.get("/breach", **_of_breach(visit, asked), cursor=cursor)
        return visit.page("privacy/breach_rows.html", found=found, asked=asked)
    looked = "user" in visit.request.query_params or any(asked.values())
    report, tokens, names = await asyncio.gather(
        _report(visit, asked) if looked else _nothing(),
        visit.api.get("/breach/tokens"),
        visit.names(),
    )
    found, refused = report
    return desk_page(
        visit,
        "breach",
        found=found,
        refused=refused,
        tokens=tokens["items"],
        names=names,
        asked=asked,
        kinds=KINDS,
    )


async def _nothing() -> tuple[None, None]:
    return None, None


async def _report(visit: Visit, asked: Mapping[str, str]) -> tuple[Any, Refused | None]:
    """What is known; or what is wrong with what was asked."""
    try:
        return await visit.api.get("/breach", **_of_breach(visit, asked), limit=_PAGE), None
    except Refused as refused:
        if refused.status not in (404, 422):
            raise
        return None, refused


def _of_breach(visit: Visit, asked: Mapping[str, str]) -> dict[str, str]:
    return {"user": asked["user"], "token": asked["token"], **_moments(visit, asked)}


@router.get("/breach.csv")
async def breach_file(visit: Visiting) -> Response:
    """Everybody concerned, as a file."""
    asked = _asked(visit, "user", "token")
    return await _file(visit, "/breach/export", _of_breach(visit, asked))
