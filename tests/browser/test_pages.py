"""Every page, in every size and theme: nothing breaks, everybody can use it, and it is kept as a
picture.

EVERLOG_SCREENSHOTS names the folder for the pictures (else a temporary one);
EVERLOG_UPDATE_SCREENSHOTS=1 also renews those in docs/images.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Page

from everlog.testing import Platform, Visitor

if TYPE_CHECKING:
    from tests.browser.conftest import Opening, Troubles

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ROOT = Path(__file__).parents[2]
AXE = ROOT / "gateway" / "node_modules" / "axe-core" / "axe.min.js"
IN_README = ("today", "pipeline", "analytics", "contact")
TITLES = ("Window display", "Reading corner", "School year order", "Gift cards", "Shelf renewal")
STAGES = ("prospecting", "engaging", "proposal", "negotiation")
_BROKEN_ICONS = """() => [...document.querySelectorAll("svg.icon use")]
    .filter((use) => use.closest("svg").checkVisibility() && use.getBBox().width === 0)
    .map((use) => use.getAttribute("href").split("#")[1])"""
_SERIOUS = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations
        .filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => [one.id, ...one.nodes.map((n) => n.html.slice(0, 150))].join(" | "));
}"""


async def _lively(owner: Visitor) -> dict[str, str]:
    """A workspace in which something has happened; the addresses of its records."""
    now = datetime.now(UTC)  # noqa: TID251 - a browser lives in the present
    company = await owner.post("/api/v1/companies", {"name": "Kulturverein Altona", "city": "Kiel"})
    people = []
    for number, name in enumerate(("Grace Hopper", "Ada Lovelace", "Mary Shelley", "Jane Austen")):
        first, last = name.split()
        more = {"tags": ["newsletter"], "city": "Hamburg", "email": f"{first}@example.org".lower()}
        body = {"first_name": first, "last_name": last, **more, "company_id": company["id"]}
        body["custom"] = {"customer_number": 4711 + number, "reads": ["Novels", "Poems"]}
        body["at"] = (now - timedelta(days=30 * number + 1)).isoformat()
        people.append(await owner.post("/api/v1/contacts", body))
    note = {"kind": "call", "text": "Called about the window. Wants oak, before Easter."}
    await owner.post(f"/api/v1/contacts/{people[0]['id']}/interactions", note)
    line = {"title": "Ulysses", "quantity": 2, "unit_price_minor": 2450}
    order = {"contact_id": people[0]["id"], "number": "17", "currency": "EUR", "lines": [line]}
    await owner.post("/api/v1/purchases", order)
    deals = [await _deal(owner, number, people, company, now) for number in range(24)]
    template, broadcast = await _mailing(owner)
    gone = await owner.post("/api/v1/contacts", {"first_name": "Gone", "last_name": "For Good"})
    await owner.post(f"/api/v1/contacts/{gone['id']}/erase")
    segment = await _segment(owner)
    return {
        **await _privacy(owner, people, now),
        "today": "/",
        "contacts": "/contacts",
        "contacts-then": f"/contacts?as_of={now.date() - timedelta(days=20)}",
        "contact": f"/contacts/{people[0]['id']}",
        "contact-purchases": f"/contacts/{people[0]['id']}?tab=purchases",
        "contact-history": f"/contacts/{people[0]['id']}?tab=history",
        "contact-then": f"/contacts/{people[0]['id']}?as_of={now.date() - timedelta(days=1)}",
        "erased": f"/contacts/{gone['id']}/erased",
        "segments": "/segments",
        "segment": f"/segments/{segment}",
        "segment-moves": f"/segments/{segment}?tab=moves",
        "segment-edit": f"/segments/{segment}/edit",
        "companies": "/companies",
        "company": f"/companies/{company['id']}",
        "pipeline": "/pipeline",
        "deals": "/pipeline/deals",
        "deal": f"/pipeline/deals/{deals[0]}",
        "campaigns": "/campaigns",
        "broadcast": f"/campaigns/{broadcast}",
        "new-broadcast": "/campaigns/new",
        "templates": "/campaigns/templates",
        "template": f"/campaigns/templates/{template}",
        "analytics": "/analytics?period=year",
        "kpi": "/analytics/revenue_won?by=owner",
        "kpi-as-known": f"/analytics/revenue_won?known_at={now.date() - timedelta(days=1)}",
        "import": "/import",
        "ops": "/ops",
        "ops-models": "/ops/models",
        "ops-parked": "/ops/parked",
        "ops-mails": "/ops/mails",
        **await _settings(owner),
        "not-here": "/nothing/at/this/address",
    }


async def _mailing(owner: Visitor) -> tuple[str, str]:
    """A template, and the broadcast that sends it to those with a tag."""
    html = "<p>Dear {{ first_name }}, <a href='https://example.org/new'>new books</a>!</p>"
    letter = {"name": "Spring", "subject": "Ten books for spring", "html": html}
    template = await owner.post("/api/v1/templates", letter)
    plan = {"name": "Spring catalogue", "template_id": template["id"], "topic": "Newsletter"}
    broadcast = await owner.post("/api/v1/broadcasts", {**plan, "audience": {"tag": "newsletter"}})
    await owner.post(f"/api/v1/broadcasts/{broadcast['id']}/start")
    return template["id"], broadcast["id"]


async def _settings(owner: Visitor) -> dict[str, str]:
    """The pages of the settings, once there are a team and fields of several types."""
    await owner.post("/api/v1/teams", {"name": "North", "region": "Hamburg"})
    about = "How they found us"
    for field in (
        {"title": "Customer number", "type": "number"},
        {
            "title": "Way to us",
            "type": "choice",
            "choices": ["Fair", "Friend"],
            "description": about,
        },
        {"title": "Reads", "type": "choices", "choices": ["Novels", "Poems", "Comics"]},
        {"title": "Invoice by mail", "type": "yes_no"},
    ):
        await owner.post("/api/v1/contacts/fields", field)
    return {
        "settings": "/settings",
        "settings-tokens": "/settings/tokens",
        "settings-users": "/settings/users",
        "settings-teams": "/settings/teams",
        "settings-fields": "/settings/fields",
    }


async def _privacy(owner: Visitor, people: Any, now: datetime) -> dict[str, str]:
    """The pages of the privacy desk, once there is something on them."""
    await _consents(owner, people)
    rule = await _retention(owner)
    return {
        "privacy": "/privacy",
        "privacy-retention": "/privacy/retention",
        "privacy-retention-rule": f"/privacy/retention/{rule}",
        "privacy-breach": f"/privacy/breach?from={now.date() - timedelta(days=1)}",
        "privacy-exports": "/privacy/exports",
    }


async def _consents(owner: Visitor, people: Any) -> None:
    """All agreed, one took it back, and somebody took the ledger out."""
    for person, source in zip(
        people, ("web form", "at the fair", "shop checkout", ""), strict=True
    ):
        path = f"/api/v1/contacts/{person['id']}/consents/email/newsletter"
        said = {"source": source, "text_version": "2026-02"}
        assert (await owner.ask("PUT", path, json=said)).status == 200
    assert (await owner.ask("DELETE", path)).status == 200
    await owner.get("/api/v1/consents/export")


async def _retention(owner: Visitor) -> str:
    """Two rules, and people with whom nothing has happened for years; the rule that finds them."""
    for first, last in (("Anne", "Brontë"), ("George", "Eliot")):
        body = {"first_name": first, "last_name": last, "at": "2019-03-02T12:00:00Z"}
        await owner.post("/api/v1/contacts", body)
    strict = {"name": "Ten years, buyers too", "months": 120, "spare_buyers": False}
    await owner.post("/api/v1/retention/rules", strict)
    rule = {"name": "Quiet for three years", "months": 36}
    return str((await owner.post("/api/v1/retention/rules", rule))["id"])


async def _segment(owner: Visitor) -> str:
    """Two segments; the one with more to it."""
    reads = {"field": "tags", "is": "has", "value": "newsletter"}
    quiet = {"field": "purchases.last_at", "is": "not_in_last_days", "value": 90}
    nobody = {"not": {"any": [{"field": "city", "is": "is", "value": "Kiel"}]}}
    condition = {"all": [reads, {"any": [quiet, nobody]}]}
    said = {"name": "Quiet readers", "description": "Write to them again.", "condition": condition}
    made = await owner.post("/api/v1/segments", said)
    more = {"name": "No fan of Kiel", "condition": {"not": nobody}}
    await owner.post("/api/v1/segments", more)
    return str(made["id"])


async def _deal(owner: Visitor, number: int, people: Any, company: Any, now: datetime) -> str:
    """Every second one is closed, most of them won."""
    opened = now - timedelta(days=number * 12 + 3)
    body = {
        "title": TITLES[number % len(TITLES)],
        "value": {"amount_minor": (number % 7 + 1) * 75_000, "currency": "EUR"},
        "stage": STAGES[number % 4],
        "contact_id": people[number % 4]["id"],
        "company_id": company["id"],
        "opened_at": opened.isoformat(),
        "expected_close": str((now + timedelta(days=number - 4)).date()),
    }
    deal = await owner.post("/api/v1/deals", body)
    if number % 2:
        closed_on = str((opened + timedelta(days=2)).date())
        lost = number % 5 == 0
        outcome = {"closed_on": closed_on, **({"reason": "Price"} if lost else {})}
        await owner.post(f"/api/v1/deals/{deal['id']}/{'lose' if lost else 'win'}", outcome)
    return str(deal["id"])


async def _wrong_with(page: Page, size: str) -> list[str]:
    """What is wrong with a page as it is shown."""
    wrong = [f"no icon {name}" for name in await page.evaluate(_BROKEN_ICONS)]
    over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if over > 0:
        wrong.append(f"{over} px wider than the screen")
    if size == "wide" or over <= 0:
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        wrong += await page.evaluate(_SERIOUS)
    return wrong


async def _settled(page: Page) -> None:
    await page.wait_for_load_state("load")
    await page.wait_for_timeout(350)  # charts are drawn, the live stream has spoken


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
async def test_no_page_breaks_and_everybody_can_use_it(
    owner: Visitor, opened: Opening, troubles: Troubles, tmp_path: Path, size: str, dark: bool
) -> None:
    pages = await _lively(owner)
    folder = Path(os.environ.get("EVERLOG_SCREENSHOTS") or tmp_path)
    wrong: list[str] = []
    async with opened(owner, size=size, dark=dark, troubles=troubles) as page:
        for name, address in pages.items():
            await page.goto(address)
            await _settled(page)
            picture = f"{name}-{size}-{'dark' if dark else 'light'}.png"
            await page.screenshot(path=folder / picture)
            if name in IN_README and os.environ.get("EVERLOG_UPDATE_SCREENSHOTS") == "1":
                await page.screenshot(path=ROOT / "docs" / "images" / picture)
            wrong += [f"{name}: {each}" for each in await _wrong_with(page, size)]
            wrong += [f"{name}: {each}" for each in troubles if not _expected(name, each)]
            troubles.clear()
    assert not wrong, "\n".join(wrong)


def _expected(name: str, trouble: str) -> bool:
    """The browser reports the answer 404 of the page that is not there."""
    return name == "not-here" and "404" in trouble


async def test_drawers_and_boxes_can_be_used_by_everybody(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    pages = await _lively(owner)
    wrong: list[str] = []
    async with opened(owner, troubles=troubles) as page:
        for address, press in (
            ("/contacts", "New contact"),
            (pages["company"], "New deal"),
            ("/companies", "New company"),
            (pages["deal"], "Won"),
            ("/settings/users", "Add a user"),
            ("/settings/tokens", "New token"),
            ("/settings/fields", "New field"),
        ):
            await page.goto(address)
            await page.get_by_role("button", name=press, exact=True).first.click()
            await page.get_by_role("dialog").wait_for()
            wrong += [f"{press}: {each}" for each in await _wrong_with(page, "wide")]
        await page.keyboard.press("Escape")
        await page.keyboard.press("Control+k")
        wrong += [f"palette: {each}" for each in await _wrong_with(page, "wide")]
    assert not [*wrong, *troubles]


async def test_the_sign_in_can_be_used_by_everybody(
    platform: Platform, opened: Opening, troubles: Troubles
) -> None:
    for dark in (False, True):
        async with opened(dark=dark, troubles=troubles) as page:
            await page.goto("/sign-in")
            assert not await _wrong_with(page, "wide")
    assert not troubles
