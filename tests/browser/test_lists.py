"""The list of contacts at work: many are changed at once, with one undo; views are kept;
cells are edited in place, with the keyboard alone."""

from __future__ import annotations

import asyncio
import os
import re
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


async def _people(owner: Visitor, *names: str) -> list[str]:
    async def add(name: str) -> str:
        first, last = name.split()
        body = {"first_name": first, "last_name": last, "city": "Hamburg"}
        return str((await owner.post("/api/v1/contacts", body))["id"])

    return await asyncio.gather(*(add(name) for name in names))


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
        await page.reload()
        await page.get_by_role("button", name="Recent changes of many").click()
        box = page.get_by_role("dialog")
        await expect(box).to_contain_text("3 contacts tagged “friends”")
        await _can_be_used(page, "recent")
        await box.get_by_role("button", name="Undo").click()
        await expect(told).to_contain_text("3 contacts as before again")
        await expect(page.locator("#rows .mark", has_text="friends")).to_have_count(0)
    assert not troubles


async def test_all_that_a_filter_finds_are_meant_and_a_view_keeps_the_filter(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    await _people(owner, *(f"Crowd N{n:02}" for n in range(52)), "Else Nobody")
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/contacts?sort=-name")
        await expect(page.locator("#rows")).to_contain_text("Else Nobody")
        await page.get_by_role("searchbox").fill("crowd")
        await expect(page).to_have_url(re.compile("q=crowd"))
        await expect(page.locator("#rows")).not_to_contain_text("Else Nobody")
        await expect(page.locator("#rows input[data-row]")).to_have_count(50)
        await page.get_by_label("Tick all that are shown").check()
        await page.get_by_role("button", name="Select all in this filter").click()
        await expect(page.get_by_text("All 52 selected")).to_be_visible()
        await page.get_by_label("Tag to add or take off").fill("crowd")
        await page.get_by_role("button", name="Apply").click()
        told = page.locator("#many-told")
        await expect(told).to_contain_text("52 contacts tagged “crowd”")

        await page.get_by_role("button", name="Columns").click()
        await page.locator(".columns-menu").get_by_label("E-mail").uncheck()
        await expect(page.get_by_role("columnheader", name="E-mail")).to_have_count(0)
        await page.get_by_role("heading", name="Contacts").click()
        await page.get_by_role("button", name="Save as new view").click()
        box = page.get_by_role("dialog")
        await box.get_by_label("Name").fill("The crowd")
        await box.get_by_label("Everybody in the workspace sees it").check()
        await _can_be_used(page, "save-view")
        await box.get_by_role("button", name="Save view").click()
        await expect(page).to_have_url(re.compile(r"/contacts\?view=[0-9a-f-]+$"))
        tabs = page.get_by_role("navigation", name="Views")
        await expect(tabs.get_by_role("link", name="The crowd")).to_have_attribute(
            "aria-current", "page"
        )
        await expect(page.get_by_role("searchbox")).to_have_value("crowd")
        await expect(page.get_by_role("columnheader", name="E-mail")).to_have_count(0)
        await page.get_by_label("Sort by").select_option("Newest first")
        await expect(page.get_by_text("Changed since it was saved")).to_be_visible()
        await _can_be_used(page, "changed-view")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Changed since it was saved")).to_have_count(0)
        await expect(page.get_by_label("Sort by")).to_have_value("-created")
        await tabs.get_by_role("link", name="Everybody").click()
        await expect(page.locator("#rows")).to_contain_text("Else Nobody")
    assert not troubles


async def test_a_list_is_worked_through_with_the_keyboard(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    _, grace = await _people(owner, "Ada Keys", "Grace Keys")
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/contacts?sort=name")
        for key in ("j", "j", "x", "ArrowRight", "e"):
            await page.keyboard.press(key)
        await expect(page.get_by_text("1 selected")).to_be_visible()
        cell = page.locator(f"#cell-{grace}-company")
        await expect(cell.get_by_label("Company", exact=True)).to_be_focused()
        await _can_be_used(page, "editing")
        await page.keyboard.type("Harvard")
        await page.keyboard.press("Enter")
        await expect(cell.get_by_role("link", name="Harvard")).to_be_visible()
        city = page.locator(f"#cell-{grace}-city")
        await expect(cell.get_by_role("button", name="Edit Company")).to_be_focused()
        await city.hover()
        await city.get_by_role("button", name="Edit City").click()
        path = f"/api/v1/contacts/{grace}"
        version = (await owner.get(path))["version"]
        headers = {"If-Match": f'"{version}"'}
        await owner.ask("PATCH", path, json={"city": "Arlington"}, headers=headers)
        await city.get_by_label("City", exact=True).fill("New York")
        await page.keyboard.press("Enter")
        box = page.get_by_role("dialog", name="Somebody else changed this contact")
        await expect(box).to_contain_text("Arlington")
        await _can_be_used(page, "conflict")
        await box.get_by_role("button", name="Save mine").click()
        await expect(city).to_contain_text("New York")
        await page.keyboard.press("k")
        await page.get_by_role("link", name="Ada Keys").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Ada Keys")).to_be_visible()
    assert [each for each in troubles if "412" not in each] == []
