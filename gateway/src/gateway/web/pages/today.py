"""Today: what is going on right now, what waits, and what to do first in an empty workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway.web.asking import Missing, parts
from gateway.web.visiting import Visit, Visiting

router = APIRouter()

_RECENT_MOST = 10
_NAMED = {
    "person": ("contacts", "name"),
    "company": ("companies", "name"),
    "deal": ("deals", "title"),
    "broadcast": ("broadcasts", "name"),
}
STEPS = (
    {
        "about": "people",
        "title": "Bring in your people",
        "text": "Import a file of your old CRM, or add them one by one.",
        "url": "/import?type=contacts",
        "action": "Import",
    },
    {
        "about": "deals",
        "title": "Open your first deal",
        "text": "Put what you are selling on the board.",
        "url": "/pipeline",
        "action": "To the board",
    },
    {
        "about": "mails",
        "title": "Send a broadcast",
        "text": "Write to everybody with a tag and see who reads it.",
        "url": "/campaigns/new",
        "action": "New broadcast",
    },
    {
        "about": "team",
        "title": "Invite your team",
        "text": "Colleagues see their own customers, managers see figures.",
        "url": "/settings/users",
        "action": "Add a user",
    },
)


@router.get("/")
async def today(visit: Visiting) -> Response:
    """The page."""
    live, tiles, deals, people = await parts(
        _live(visit), _figures(visit), _closing(visit), _newest(visit)
    )
    return visit.page(
        "today/today.html",
        greeting=_greeting(visit),
        live=live,
        recent=await _recent(visit, live),
        figures=tiles or [],
        deals=deals,
        people=people,
        steps=await _steps(visit, deals, people),
    )


@router.get("/today/figures")
async def figures(visit: Visiting) -> Response:
    """The figures among the tiles, when something has happened."""
    return visit.page("today/figures.html", figures=await _figures(visit))


@router.get("/today/waiting")
async def waiting(visit: Visiting) -> Response:
    """What closes soon, when something has happened."""
    deals = (await parts(_closing(visit)))[0]
    return visit.page("today/waiting.html", deals=deals)


@router.get("/today/recent")
async def recent(visit: Visiting) -> Response:
    """What has just happened, when something has happened."""
    live = (await parts(_live(visit)))[0]
    return visit.page("today/recent.html", live=live, recent=await _recent(visit, live))


async def _recent(visit: Visit, live: Any) -> list[dict[str, Any]]:
    """The latest events with the names of what they are about."""
    events = _runs((live or {}).get("recent") or ())[:_RECENT_MOST]
    if not visit.sees_records:
        return events
    streams = list(dict.fromkeys(str(event.get("stream") or "") for event in events))
    found = await parts(*(_about(visit, stream) for stream in streams))
    about = dict(zip(streams, found, strict=True))
    return [{**event, "about": about[str(event.get("stream") or "")] or None} for event in events]


def _runs(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Events of one kind without a page of their own, one after the other, as one with a count."""
    found: list[dict[str, Any]] = []
    for event in events:
        named = str(event.get("stream") or "").partition("-")[0] in _NAMED
        if found and not named and found[-1]["type"] == event.get("type"):
            found[-1]["times"] += 1
        else:
            found.append({**event, "times": 1})
    return found


async def _about(visit: Visit, stream: str) -> str | None:
    """What a stream is the history of, by name; None for what has no page."""
    category, _, id_ = stream.partition("-")
    if category not in _NAMED or not id_:
        return None
    path, field = _NAMED[category]
    return str((await visit.remembered(f"/{path}/{id_}")).get(field) or "")


async def _live(visit: Visit) -> Any:
    return await visit.api.get("/live") if visit.may("analytics.read") else None


async def _figures(visit: Visit) -> list[Any]:
    if not visit.may("analytics.read"):
        return []
    first, last = visit.today - timedelta(days=90), visit.today
    return list(
        await parts(
            visit.api.get("/kpis/open_pipeline", to=last, from_=first, group_by="week"),
            visit.api.get("/kpis/win_rate", from_=first, to=last, group_by="week"),
        )
    )


async def _closing(visit: Visit) -> Any:
    if not (visit.may("deals.read") and visit.sees_records):
        return None
    return await visit.api.get("/deals", status="open", sort="expected_close", limit=6)


async def _newest(visit: Visit) -> Any:
    if not (visit.may("contacts.read") and visit.sees_records):
        return None
    return await visit.api.get("/contacts", sort="-created", limit=5)


async def _steps(visit: Visit, deals: Any, people: Any) -> list[dict[str, Any]]:
    """What is left to do in a new workspace; nothing once it is all done."""
    if not visit.may("identity.manage") or not isinstance(deals, dict | None):
        return []
    sent, users, all_deals = await parts(
        visit.api.get("/broadcasts", limit=1),
        visit.api.get("/users", limit=2),
        visit.api.get("/deals", limit=1),
    )
    if any(isinstance(part, Missing) for part in (sent, users, all_deals, people)):
        return []
    done = {"people": people, "deals": all_deals, "mails": sent, "team": users}
    found = [
        {**step, "done": _any(done[step["about"]], 1 if step["about"] == "team" else 0)}
        for step in STEPS
    ]
    return [] if all(step["done"] for step in found) else found


def _any(part: Any, beyond: int) -> bool:
    return len((part or {}).get("items") or []) > beyond


def _greeting(visit: Visit) -> str:
    hour = visit.now.astimezone(visit.zone).hour
    part = "morning" if 5 <= hour < 12 else "afternoon" if 12 <= hour < 18 else "evening"
    name = str(visit.me.get("name") or "")
    if not name or name == visit.me.get("role_title"):
        return f"Good {part}"
    return f"Good {part}, {name.partition(' ')[0]}"
