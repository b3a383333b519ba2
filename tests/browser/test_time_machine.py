"""The time machine: through a record's moments, then against now, and one change taken back."""

from __future__ import annotations

import re
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


async def _changed(owner: Visitor, contact: str, version: int, **fields: object) -> None:
    """A colleague changes the contact."""
    headers = {"If-Match": str(version)}
    await owner.ask("PATCH", f"/api/v1/contacts/{contact}", json=fields, headers=headers)


async def _usable(page: Page) -> None:
    """Nothing on the page keeps anybody out."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    assert await page.evaluate(_SERIOUS) == []


async def test_a_change_is_looked_at_and_taken_back(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    person = {"first_name": "Grace", "last_name": "Hopper", "city": "London"}
    contact = str((await owner.post("/api/v1/contacts", person))["id"])
    await _changed(owner, contact, 1, city="Paris", language="fr")
    await _changed(owner, contact, 2, language="en")
    await owner.get(f"/api/v1/contacts/{contact}")  # the browser does not know of these writes
    async with opened(owner, troubles=troubles) as page:
        city = page.locator("#field-city .inline-value")
        await page.goto(f"/contacts/{contact}?tab=history")
        await page.get_by_role("button", name="Time machine").click()
        for _ in range(3):  # by keyboard: the latest change, the one before, the beginning
            await page.keyboard.press("ArrowLeft")
        await expect(page.locator("#time-machine output")).to_contain_text("added this person")
        await expect(city).to_contain_text("London")
        await expect(page).to_have_url(re.compile("as_of="))
        await expect(page.get_by_label("Show this record as of")).to_be_focused()
        await page.get_by_role("button", name="Compare with now").click()
        then_and_now = page.get_by_role("dialog", name="Then and now")
        await expect(then_and_now.locator(".change", has_text="Paris")).to_contain_text("London")
        await _usable(page)
        await page.keyboard.press("Escape")
        await page.get_by_role("link", name="Back to now").click()
        await expect(city).to_contain_text("Paris")

        await page.get_by_role("link", name="History").click()
        await page.get_by_role("button", name="Undo: changed language, city").click()
        box = page.get_by_role("dialog", name="Undo this change?")
        await expect(box.get_by_role("checkbox", name="City")).to_be_checked()
        await expect(box.get_by_role("checkbox", name="Language")).not_to_be_checked()
        await expect(box).to_contain_text("changed this since")
        await _usable(page)
        await box.get_by_role("button", name="Undo").click()
        await expect(page.get_by_text("The change is undone")).to_be_visible()
        await expect(city).to_contain_text("London")
        await expect(page.locator("#field-language .inline-value")).to_contain_text("en")
        await page.get_by_role("link", name="Show", exact=True).click()
        told = page.locator(".timeline-row:target")
        await expect(told).to_contain_text("undid a change of city")
        undone = page.locator(".timeline-row", has_text="changed language, city")
        await expect(undone).to_contain_text("Partly undone")
    assert not troubles
