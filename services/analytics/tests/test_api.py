"""The whole service: events on the topics in, figures over HTTP out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from analytics.manifest import MANIFEST
from analytics.testing import Story, principal
from chassis.clock import SystemClock
from chassis.errands import rebuild
from chassis.http.principal import AGGREGATE
from chassis.service import Service

pytestmark = pytest.mark.integration

KPIS = "/api/v1/kpis"


def a_good_spring(story: Story) -> None:
    ada = story.user("Ada Lovelace", story.team("North", "Europe"))
    for day, value in (("2017-03-10", 100_00), ("2017-03-30", 300_00)):
        story.deal(value, "2017-01-05", owner=ada).win(day)
    story.deal(100_00, "2017-01-05", owner=ada).lose("2017-03-30", known="2017-04-03")
    story.person("2017-03-01", owner_id=ada)


async def test_what_is_published_becomes_figures(running: Any, story: Story) -> None:
    a_good_spring(story)
    seen = await running.publish(story)
    status, body, headers = await running.get(f"{KPIS}/win_rate?group_by=owner", story, seen)
    assert status == 200
    assert "Everlog-Stale" not in headers
    assert body["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert [(item["label"], item["value"]) for item in body["series"]] == [
        ("Ada Lovelace", pytest.approx(2 / 3, abs=1e-6))
    ]
    _, body, _ = await running.get(f"{KPIS}/win_rate?known_at=2017-04-01", story)
    assert (body["value"], body["known_at"]) == (1.0, "2017-04-01T23:59:59.999999Z")
    _, body, _ = await running.get(f"{KPIS}/revenue_won?group_by=month", story)
    assert (body["value"], body["currency"], body["unit"]) == (400.0, "EUR", "money")
    assert [(point["key"], point["value"]) for point in body["series"]] == [("2017-03", 400.0)]


async def test_the_facts_behind_a_figure_are_listed_page_by_page(
    running: Any, story: Story
) -> None:
    a_good_spring(story)
    seen = await running.publish(story)
    _, figure, _ = await running.get(f"{KPIS}/deals_won", story, seen)
    url, found = f"{figure['events_url']}?limit=1", []
    cursor: str | None = ""
    while cursor is not None:
        _, page, _ = await running.get(f"{url}&cursor={quote(cursor)}", story)
        found += page["items"]
        cursor = page["next"]
    assert len(found) == 3
    assert sum(item["contribution"]["won"] for item in found) == figure["value"] == 2
    assert found == sorted(found, key=lambda item: item["occurred_at"])
    assert page["formula"] == figure["formula"]


async def test_the_catalogue_tells_what_there_is_to_ask(running: Any, story: Story) -> None:
    status, body, _ = await running.get(KPIS, story)
    assert status == 200
    win_rate = next(item for item in body["items"] if item["name"] == "win_rate")
    assert win_rate["unit"] == "ratio"
    assert win_rate["formula"] == "won / (won + lost)"
    assert "region" in win_rate["dimensions"]
    assert "month" in win_rate["periods"]


async def test_bad_questions_get_problems_that_say_what_to_do(running: Any, story: Story) -> None:
    status, problem, headers = await running.get(f"{KPIS}/win_rate?group_by=colour", story)
    assert (status, problem["code"]) == (422, "bad-input")
    assert headers["Content-Type"] == "application/problem+json"
    assert "owner" in problem["possible"]
    status, problem, _ = await running.get(f"{KPIS}/luck", story)
    assert (status, problem["code"]) == (404, "not-found")
    status, problem, _ = await running.get(f"{KPIS}/win_rate/events?cursor=x", story)
    assert (status, problem["code"]) == (422, "bad-input")
    status, problem, _ = await running.get(
        f"{KPIS}/win_rate?group_by=day&from=1990-01-01&to=2020-01-01", story
    )
    assert status == 422


async def test_roles_without_the_right_get_nothing(running: Any, story: Story) -> None:
    manager = principal(story.workspace, "marketing_manager", sees=AGGREGATE)
    assert (await running.get(f"{KPIS}/win_rate?group_by=team", manager))[0] == 200
    for path in ("win_rate?group_by=owner", "win_rate/events"):
        status, problem, _ = await running.get(f"{KPIS}/{path}", manager)
        assert (status, problem["code"]) == (403, "aggregates-only")
    nobody = principal(story.workspace, "guest", permissions=())
    status, problem, _ = await running.get(f"{KPIS}/win_rate", nobody)
    assert (status, problem["permission"]) == (403, "analytics.read")


async def test_every_read_model_rebuilt_from_the_topics_says_the_same(
    running: Any, story: Story
) -> None:
    a_good_spring(story)
    story.deal(50_00, "2017-02-05").lose("2017-02-10").reopen("2017-02-20").win("2017-02-15")
    seen = await running.publish(story)
    paths = [
        f"{KPIS}/{name}?group_by={by}{moment}"
        for name in ("win_rate", "open_deals", "revenue_won", "new_contacts")
        for by in ("month", "owner", "region,month")
        for moment in ("", "&as_of=2017-03-20", "&known_at=2017-04-01")
    ]
    before = [(await running.get(path, story, seen))[1] for path in paths]
    service = Service(MANIFEST, running.settings, SystemClock(), "worker")
    await service.start()
    for projection in MANIFEST.projections:
        await rebuild(service, projection.name, None)
    await service.stop()
    again = [(await running.get(path, story, seen))[1] for path in paths]
    assert again == before


async def test_the_openapi_document_names_the_parameters(running: Any, story: Story) -> None:
    _, document, _ = await running.get("/openapi.json", story)
    parameters = document["paths"]["/api/v1/kpis/{name}"]["get"]["parameters"]
    assert {"from", "group_by", "as_of", "known_at", "filter[region]"} <= {
        each["name"] for each in parameters
    }
