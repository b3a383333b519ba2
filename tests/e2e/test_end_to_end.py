"""A day's work over HTTP alone: a contact, a deal that is won, a mail that arrives, the figures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from chassis.ids import new_id
from everlog.testing import Answer, Platform, Visitor, visiting_alone

pytestmark = pytest.mark.e2e

HTML = (
    "<p>Dear {{ first_name|default:'reader' }}, "
    "<a href='https://books.example.com/new'>new books</a> have come.</p>"
)


@pytest.fixture
async def ada(platform: Platform) -> AsyncIterator[Visitor]:
    async with visiting_alone(platform, name="Bookshop") as visitor:
        yield visitor


@pytest.fixture
async def eve(platform: Platform) -> AsyncIterator[Visitor]:
    async with visiting_alone(platform, name="Elsewhere") as visitor:
        yield visitor


async def until(
    ask: Callable[[], Awaitable[Answer]], holds: Callable[[Answer], Any], within_s: float = 30
) -> Answer:
    """Ask again and again: what other services are told takes its moment."""
    try:
        async with asyncio.timeout(within_s):
            while not holds(answer := await ask()):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"it did not happen within {within_s} s: {answer}") from None
    return answer


async def test_a_deal_goes_from_a_contact_over_the_board_into_the_figures(ada: Visitor) -> None:
    before = await ada.get("/api/v1/kpis/revenue_won")
    assert not before["value"]
    contact = await ada.post("/api/v1/contacts", _grace("grace@example.org"))
    shown = await ada.get(f"/api/v1/contacts/{contact['id']}")
    assert (shown["name"], shown["companies"][0]["name"]) == ("Grace Hopper", "Navy Books")

    deal = await _open(ada, contact, 125_000)
    assert await _stage_of(ada, deal) == "prospecting"
    await ada.post(f"/api/v1/deals/{deal['id']}/moves", {"stage": "negotiation"})
    assert await _stage_of(ada, deal) == "negotiation"
    assert (await ada.get("/api/v1/kpis/open_pipeline"))["value"] == 1250
    await ada.post(f"/api/v1/deals/{deal['id']}/win")
    assert await _stage_of(ada, deal) is None

    after = await ada.get("/api/v1/kpis/revenue_won")
    assert (after["value"], after["currency"]) == (1250, "EUR")
    assert (await ada.get("/api/v1/kpis/win_rate"))["value"] == 1
    assert (await ada.get("/api/v1/kpis/open_pipeline"))["value"] == 0
    [fact] = (await ada.get(after["events_url"]))["items"]
    event = await ada.get("/api/v1/events", service="pipeline", ids=fact["event_id"])
    assert [item["type"] for item in event["items"]] == ["pipeline.deal-won.v1"]


async def test_a_campaign_to_a_tag_arrives_in_the_mailbox_and_the_timeline(ada: Visitor) -> None:
    address = f"{new_id()}@example.org"
    contact = await ada.post("/api/v1/contacts", {**_grace(address), "tags": ["reader"]})
    other = await ada.post("/api/v1/contacts", {**_grace(f"{new_id()}@example.org"), "tags": []})
    deal = await _open(ada, contact, 9_900)
    body = {"name": "News", "subject": "New for {{ first_name }}", "html": HTML}
    template = await ada.post("/api/v1/templates", body)
    audience = await until(
        lambda: ada.post("/api/v1/audiences/count", {"tag": "reader"}), lambda a: a["people"] == 1
    )
    assert audience["reachable"] == 1
    plan = {"name": "First", "template_id": template["id"], "audience": {"tag": "reader"}}
    broadcast = await ada.post("/api/v1/broadcasts", {**plan, "topic": "news"})
    await ada.post(f"/api/v1/broadcasts/{broadcast['id']}/start")

    sent = await until(
        lambda: ada.get(f"/api/v1/broadcasts/{broadcast['id']}"),
        lambda found: found["counts"]["sent"] == 1,
    )
    assert sent["counts"]["refused"] == 0
    listed = await until(
        lambda: ada.get("/api/v1/ops/mails", to=address), lambda found: found["items"]
    )
    [summary] = listed["items"]
    assert summary["subject"] == "New for Grace"
    mail = await ada.get(f"/api/v1/ops/mails/{summary['id']}")
    assert "Dear Grace" in mail["html"]
    headers = {header["name"].lower(): header["value"] for header in mail["headers"]}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"

    timeline = await until(
        lambda: ada.get(f"/api/v1/contacts/{contact['id']}/timeline"),
        lambda found: {"deal", "campaign"} <= {item["kind"] for item in found["items"]},
    )
    deals = [item for item in timeline["items"] if item["kind"] == "deal"]
    assert {item["data"]["deal_id"] for item in deals} == {deal["id"]}
    strangers = await ada.get(f"/api/v1/contacts/{other['id']}/timeline", kind="deal,campaign")
    assert strangers["items"] == []


async def test_a_reader_who_unsubscribes_gets_no_more_mail(ada: Visitor) -> None:
    address = f"{new_id()}@example.org"
    await ada.post("/api/v1/contacts", {**_grace(address), "tags": ["reader"]})
    template = await ada.post("/api/v1/templates", {"name": "N", "subject": "Hello", "html": HTML})
    first = await _send(ada, template, "First")
    assert first["counts"]["sent"] == 1
    [summary] = (await ada.get("/api/v1/ops/mails", to=address))["items"]
    mail = await ada.get(f"/api/v1/ops/mails/{summary['id']}")
    headers = {header["name"].lower(): header["value"] for header in mail["headers"]}
    links = [part.strip(" <>") for part in headers["list-unsubscribe"].split(",")]
    [link] = [link for link in links if link.startswith("http")]
    path = "/u/" + link.rpartition("/u/")[2]
    stranger = Visitor(ada._session, ada._url)  # no session, no cookie: as a mail service does it
    assert (await stranger.ask("POST", path)).status == 200
    second = await _send(ada, template, "Second")
    assert second["counts"]["sent"] == 0
    assert len((await ada.get("/api/v1/ops/mails", to=address))["items"]) == 1


async def test_a_reader_who_forbids_tracking_is_not_counted_and_a_prefetch_is_no_reader(
    ada: Visitor,
) -> None:
    address = f"{new_id()}@example.org"
    await ada.post("/api/v1/contacts", {**_grace(address), "tags": ["reader"]})
    template = await ada.post("/api/v1/templates", {"name": "N", "subject": "Hello", "html": HTML})
    sent = await _send(ada, template, "First")
    [summary] = (await ada.get("/api/v1/ops/mails", to=address))["items"]
    html = (await ada.get(f"/api/v1/ops/mails/{summary['id']}"))["html"]
    [picture] = re.findall(r"/t/o/[\w-]+\.gif", html)
    program = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101"}

    async def look(**said: str) -> None:
        async with ada._session.get(ada._url + picture, headers={**program, **said}) as answer:
            assert (await answer.read())[:6] == b"GIF89a"

    async def counted(holds: Callable[[Any], Any]) -> tuple[int, int]:
        """People and machines that have opened it, once that is so."""
        path = f"/api/v1/broadcasts/{sent['id']}"
        counts = (await until(lambda: ada.get(path), lambda b: holds(b["counts"])))["counts"]
        return counts["opened"], counts["machine_opened"]

    # What is counted next shows that the one before was not.
    await look(**{"Sec-GPC": "1"})
    await look(**{"Sec-Purpose": "prefetch;prerender"})
    assert await counted(lambda c: c["machine_opened"]) == (0, 1)
    await look()
    assert await counted(lambda c: c["opened"]) == (1, 1)


async def test_another_workspace_sees_nothing_of_it(ada: Visitor, eve: Visitor) -> None:
    contact = await ada.post("/api/v1/contacts", _grace(f"{new_id()}@example.org"))
    deal = await _open(ada, contact, 100)
    await ada.get(f"/api/v1/deals/{deal['id']}")
    for path in (f"/api/v1/contacts/{contact['id']}", f"/api/v1/deals/{deal['id']}"):
        assert (await eve.ask("GET", path)).status == 404
    for path in ("contacts", "companies", "deals"):
        assert (await eve.get(f"/api/v1/{path}"))["items"] == []
    won = await eve.ask("POST", f"/api/v1/deals/{deal['id']}/win")
    assert won.status == 404
    for service, stream in (("contacts", "person"), ("pipeline", "deal")):
        feed = await eve.get("/api/v1/events", service=service)
        assert not [e for e in feed["items"] if e["stream"].startswith(stream)]


async def test_the_feed_has_every_event_once_with_numbers_that_show_gaps(ada: Visitor) -> None:
    contact = await ada.post("/api/v1/contacts", _grace(f"{new_id()}@example.org"))
    deal = await _open(ada, contact, 100)
    await ada.post(f"/api/v1/deals/{deal['id']}/moves", {"stage": "proposal"})
    await ada.post(f"/api/v1/deals/{deal['id']}/lose", {"reason": "too dear"})
    await ada.get(f"/api/v1/deals/{deal['id']}")
    items: list[dict[str, Any]] = []
    after = 0
    while page := (await ada.get("/api/v1/events", service="pipeline", after=after, limit=2)):
        if not page["items"]:
            break
        items += page["items"]
        after = page["next"]
    assert [item["number"] for item in items] == list(range(1, len(items) + 1))
    mine = [item["type"] for item in items if item["stream"] == f"deal-{deal['id']}"]
    assert mine == [
        "pipeline.deal-opened.v1",
        "pipeline.deal-moved.v1",
        "pipeline.deal-lost.v1",
    ]


async def test_the_same_key_has_one_effect_and_a_stale_version_is_refused(ada: Visitor) -> None:
    body, key = _grace(f"{new_id()}@example.org"), str(new_id())
    first = await ada.post("/api/v1/contacts", body, Idempotency_Key=key)
    again = await ada.post("/api/v1/contacts", body, Idempotency_Key=key)
    assert first["id"] == again["id"]
    path, name = f"/api/v1/contacts/{first['id']}", {"first_name": "Amazing"}
    version = (await ada.get(path)).headers["ETag"]
    changed = await ada.ask("PATCH", path, json=name, headers={"If-Match": version})
    assert changed.status == 200, changed
    stale = await ada.ask("PATCH", path, json={"first_name": "X"}, headers={"If-Match": version})
    assert (stale.status, stale["code"]) == (412, "stale-version")


async def test_who_is_not_signed_in_gets_nothing(platform: Platform, ada: Visitor) -> None:
    nobody = Visitor(ada._session, platform.url)
    for path in ("contacts", "deals", "kpis", "events?service=contacts", "ops/services"):
        assert (await nobody.ask("GET", f"/api/v1/{path}")).status == 401
    for path in ("/internal/tokens", "/api/v1/internal/tokens"):
        assert (await nobody.ask("POST", path, json={})).status == 404
    assert (await nobody.ask("GET", "/readyz")).status == 200


async def test_operators_see_that_nothing_lags_fails_or_is_parked(ada: Visitor) -> None:
    found = await until(
        lambda: ada.get("/api/v1/ops/services"),
        lambda a: not any(item["outbox"] and item["outbox"]["events"] for item in a["items"]),
    )
    states = {item["service"]: item for item in found["items"]}
    for name in ("identity", "contacts", "pipeline", "campaigns", "analytics"):
        assert states[name]["status"] == "ready", states[name]
        assert (states[name]["parked"], states[name]["failing"]) == (0, {}), states[name]


def _grace(address: str) -> dict[str, Any]:
    return {
        "first_name": "Grace",
        "last_name": "Hopper",
        "email": address,
        "company": "Navy Books",
    }


async def _open(visitor: Visitor, contact: Answer, amount_minor: int) -> Answer:
    # A new workspace is given its first pipeline by a reaction.
    await until(lambda: visitor.get("/api/v1/pipelines"), lambda found: found["items"])
    return await visitor.post(
        "/api/v1/deals",
        {
            "title": "A hundred compilers",
            "value": {"amount_minor": amount_minor, "currency": "EUR"},
            "contact_id": contact["id"],
        },
    )


async def _stage_of(visitor: Visitor, deal: Answer) -> str | None:
    for stage in (await visitor.get("/api/v1/board"))["stages"]:
        if deal["id"] in [card["id"] for card in stage["deals"]]:
            return str(stage["key"])
    return None


async def _send(visitor: Visitor, template: Answer, name: str) -> Answer:
    await until(
        lambda: visitor.post("/api/v1/audiences/count", {"tag": "reader"}),
        lambda a: a["people"] == 1,
    )
    plan = {"name": name, "template_id": template["id"], "audience": {"tag": "reader"}}
    broadcast = await visitor.post("/api/v1/broadcasts", {**plan, "topic": "news"})
    path = f"/api/v1/broadcasts/{broadcast['id']}"
    await visitor.post(f"{path}/start")
    return await until(lambda: visitor.get(path), lambda found: found["status"] == "finished")
