"""Through the gateway, too, nobody reads another workspace: by any route that reads, with any id.

Each service tries this on its own routes (`services/*/tests/test_isolation.py`), writes as well;
here are the routes that the gateway puts together from several services.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import pytest

from everlog.testing import Platform, Visitor, visiting_alone

pytestmark = pytest.mark.e2e

MARK = "Zephyr"
PEOPLE = f"First Name,E-mail\n{MARK},zephyr@example.org\n{MARK} Bad,not an address\n"
COMPOSED = (
    "/api/v1/events?stream=person-{id}",
    "/api/v1/imports",
    "/api/v1/imports/{import_id}",
    "/api/v1/imports/{import_id}/errors.csv",
)

ENDLESS = "/api/v1/live/stream"
"""A stream without an end: services/analytics/tests/test_live.py asks whose figures it pushes."""


@pytest.fixture
async def ada(platform: Platform) -> AsyncIterator[Visitor]:
    async with visiting_alone(platform, name="Bookshop") as visitor:
        yield visitor


@pytest.fixture
async def eve(platform: Platform) -> AsyncIterator[Visitor]:
    async with visiting_alone(platform, name="Elsewhere") as visitor:
        yield visitor


async def test_no_route_of_the_gateway_shows_anothers_workspace(
    platform: Platform, ada: Visitor, eve: Visitor
) -> None:
    ids = await _things(platform, ada)
    described = (await ada.get("/api/openapi.json"))["paths"]
    routes = [path for path, verbs in described.items() if "get" in verbs and path != ENDLESS]
    assert ENDLESS in described
    assert {path.split("?")[0] for path in COMPOSED} <= set(routes)
    asked, seen = 0, set()
    for route in [*routes, *COMPOSED]:
        for path in _filled(route, ids):
            if route in COMPOSED and MARK in str((await ada.ask("GET", path)).body):
                seen.add(route)
            answer = await eve.ask("GET", path)
            assert MARK not in str(answer.body), f"{path}: {answer}"
            assert not [i for i in ids if i in str(answer.body) and i not in path], path
            asked += 1
    assert asked > 100
    assert seen >= set(COMPOSED), "she who may sees it there"


def _filled(route: str, ids: Iterable[str]) -> Iterable[str]:
    places = re.findall(r"{\w+}", route)
    for chosen in itertools.product(ids, repeat=min(len(places), 1)):
        path = route
        for place in places:
            path = path.replace(place, chosen[0])
        yield path


async def _things(platform: Platform, ada: Visitor) -> list[str]:
    """What is somebody's, where each is found: its ids."""
    person = {"first_name": MARK, "last_name": "Hopper", "email": "zephyr@example.org"}
    contact = await ada.post("/api/v1/contacts", {**person, "company": f"{MARK} Books"})
    shown = await ada.get(f"/api/v1/contacts/{contact['id']}")
    value = {"amount_minor": 100, "currency": "EUR"}
    deal = await ada.post("/api/v1/deals", {"title": MARK, "value": value})
    template = {"name": MARK, "subject": MARK, "html": f"<p>{MARK}</p>"}
    made = await ada.post("/api/v1/templates", template)
    started = await _import(platform, ada)
    async with asyncio.timeout(30):
        while (await ada.get(f"/api/v1/imports/{started}"))["status"] != "done":
            await asyncio.sleep(0.1)
    company = shown["companies"][0]["id"]
    return [contact["id"], company, deal["id"], made["id"], started]


async def _import(platform: Platform, ada: Visitor) -> str:
    form = aiohttp.FormData()
    form.add_field("type", "contacts")
    form.add_field("file", PEOPLE.encode(), filename=f"{MARK}.csv", content_type="text/csv")
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{platform.url}/api/v1/imports", data=form) as response,
    ):
        answer: Any = await response.json()
    assert response.status == 202, answer
    return str(answer["id"])
