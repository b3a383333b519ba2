"""The list of contacts as of an earlier day: who was known then, as they were; nothing to do."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Page, expect

from everlog.testing import Visitor
from tests.browser.test_pages import AXE

if TYPE_CHECKING:
    from tests.browser.conftest import Opening, Troubles

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

_SERIOUS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => [one.id, ...one.nodes.map((n) => n.html.slice(0, 150))].join(" | "))"""


def _days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)  # noqa: TID251 - a browser lives in the present


async def _renamed(owner: Visitor) -> str:
    """Grace Murray, known for ten days, is Grace Hopper since now; Mary came today."""
    born = {"first_name": "Grace", "last_name": "Murray", "city": "Arlington", "tags": ["navy"]}
    body = {**born, "at": _days_ago(10).isoformat()}
    grace = str((await owner.post("/api/v1/contacts", body))["id"])
    headers = {"If-Match": '"1"'}
    path = f"/api/v1/contacts/{grace}"
    await owner.ask("PATCH", path, json={"last_name": "Hopper"}, headers=headers)
    await owner.post("/api/v1/contacts", {"first_name": "Mary", "last_name": "Shelley"})
    await owner.get("/api/v1/contacts")  # the browser does not know of these writes
    return grace


async def _usable(page: Page, name: str) -> None:
    """By everybody; it fits the window, and is kept as a picture."""
    if folder := os.environ.get("EVERLOG_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"past-{name}.png")
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    assert await page.evaluate(_SERIOUS) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("size", ["wide", "narrow"])
async def test_a_renamed_person_has_their_old_name_on_an_earlier_day(
    owner: Visitor, opened: Opening, troubles: Troubles, size: str
) -> None:
    grace = await _renamed(owner)
    day = str(_days_ago(2).date())
    async with opened(owner, troubles=troubles, size=size) as page:
        rows, banner = page.locator("#rows"), page.locator(".alert-line.past")
        await page.goto("/contacts?sort=name")
        await expect(rows).to_contain_text("Grace Hopper")
        await expect(rows).to_contain_text("Mary Shelley")
        await page.get_by_label("As of").fill(day)
        await page.wait_for_url(re.compile(f"as_of={day}"))
        await expect(banner).to_contain_text("As of the end of")
        await expect(rows).to_contain_text("Grace Murray")
        await expect(rows).not_to_contain_text("Hopper")
        await expect(rows).not_to_contain_text("Mary")
        for control in ("New contact", "Import", "Edit City of Grace Murray", "Save as new view"):
            await expect(page.get_by_role("button", name=control)).to_have_count(0)
        await expect(page.get_by_label("Tick Grace Murray")).to_have_count(0)
        await _usable(page, f"then-{size}")

        await page.get_by_role("searchbox").fill("hopper")
        await expect(rows).to_contain_text("Nobody found")
        await expect(page).to_have_url(re.compile(f"q=hopper.*as_of={day}|as_of={day}.*q=hopper"))
        await _usable(page, f"nobody-{size}")
        await page.get_by_role("searchbox").fill("murray")
        await expect(rows.get_by_role("link", name="Grace Murray")).to_be_visible()

        await page.get_by_role("link", name="Back to now").click()
        await page.wait_for_url(lambda url: "as_of" not in url and "q=murray" in url)
        await expect(banner).to_have_count(0)
        await expect(rows).to_contain_text("Nobody found")
        await page.goto(f"/contacts?as_of={day}")
        await rows.get_by_role("link", name="Grace Murray").click()
        await page.wait_for_url(re.compile(f"/contacts/{grace}\\?as_of={day}"))
        await expect(page.get_by_role("heading", name="Grace Murray")).to_be_visible()
    assert not troubles


async def test_keys_do_no_harm_in_the_past_and_a_half_typed_year_is_no_day(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    await _renamed(owner)
    day = str(_days_ago(2).date())
    async with opened(owner, troubles=troubles) as page:
        await page.goto(f"/contacts?as_of={day}")
        link = page.locator("#rows").get_by_role("link", name="Grace Murray")
        await page.keyboard.press("j")
        await expect(link).to_be_focused()
        for key in ("x", "e"):
            await page.keyboard.press(key)
        await expect(link).to_be_focused()
        await page.get_by_label("As of").fill("0202-03-01")
        await page.get_by_label("As of").fill("")
        await page.wait_for_url(lambda url: "as_of" not in url)
        await expect(page.locator("#rows")).to_contain_text("Grace Hopper")
    assert not troubles
