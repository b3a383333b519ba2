"""The list of contacts at work: many are changed at once, with one undo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Page, expect

from everlog.testing import Visitor

if TYPE_CHECKING:
    from tests.browser.conftest import Opening, Troubles

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ROOT = Path(__file__).parents[2]
AXE = ROOT / "gateway" / "node_modules" / "axe-core" / "axe.min.js"
_SERIOUS = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations
        .filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => [one.id, ...one.nodes.map((n) => n.html.slice(0, 150))].join(" | "));
}"""


async def _people(owner: Visitor, *names: str) -> None:
    for name in names:
        first, last = name.split()
        body = {"first_name": first, "last_name": last, "city": "Hamburg"}
        await owner.post("/api/v1/contacts", body)


async def _can_be_used(page: Page, name: str) -> None:
    """By everybody, and it is kept as a picture."""
    if folder := os.environ.get("EVERLOG_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"lists-{name}.png")
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    assert await page.evaluate(_SERIOUS) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_many_contacts_are_tagged_at_once_with_one_undo(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    await _people(owner, "Ada Many", "Grace Many", "Mary Many")
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/contacts?sort=name")
        await page.get_by_label("Tick Ada Many").click()
        await page.get_by_label("Tick Mary Many").click(modifiers=["Shift"])
        await expect(page.get_by_text("3 selected")).to_be_visible()
        await page.get_by_label("Tag to add or take off").fill("friends")
        await _can_be_used(page, "ticked")
        await page.get_by_role("button", name="Apply").click()
        told = page.locator("#many-told")
        await expect(told).to_contain_text("3 contacts tagged “friends”")
        await expect(page.locator("#rows .mark", has_text="friends")).to_have_count(3)
        await _can_be_used(page, "done")
        await told.get_by_role("button", name="Undo").click()
        await expect(told).to_contain_text("3 contacts as before again")
        await expect(page.locator("#rows .mark", has_text="friends")).to_have_count(0)
    assert not troubles
