"""Segments: put together with a live count, looked into, asked why not, and written to."""

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
    from tests.browser.conftest import Opening

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _people(owner: Visitor) -> dict[str, str]:
    """Three of whom two read the newsletter, and one of those lives in Kiel; their ids."""
    made = {}
    for name, tags, city in (
        ("Grace", ["newsletter"], "Kiel"),
        ("Ada", ["newsletter"], "London"),
        ("Mary", [], "Kiel"),
    ):
        body = {"first_name": name, "email": f"{name}@example.org", "tags": tags, "city": city}
        made[name] = str((await owner.post("/api/v1/contacts", body))["id"])
    await owner.get("/api/v1/contacts")
    return made


async def _build(page: Page) -> None:
    """Readers of the newsletter, but none of those in Kiel; by keyboard as far as it goes."""
    await page.goto("/segments")
    await page.get_by_role("link", name="New segment").first.click()
    await page.get_by_label("Name *").fill("Readers elsewhere")
    await page.get_by_label("Value").fill("newsletter")
    await expect(page.locator("#count [data-found]")).to_have_text("2")
    await page.get_by_role("button", name="Add group").focus()
    await page.keyboard.press("Enter")
    inner = page.locator(".group .group")
    await expect(inner.get_by_label("How these conditions go together")).to_be_focused()
    await inner.get_by_label("How these conditions go together").select_option("none")
    await inner.get_by_label("What is asked about").select_option("city")
    await inner.get_by_label("Value").fill("kiel")
    await expect(page.locator("#count [data-found]")).to_have_text("1")
    await expect(page.locator("#count")).to_contain_text("Ada")


@pytest.mark.parametrize("size", ["wide", "narrow"])
async def test_a_segment_is_built_with_its_count_and_says_why_not(
    owner: Visitor, opened: Opening, size: str
) -> None:
    people = await _people(owner)
    async with opened(owner, size=size) as page:
        await _build(page)
        await page.get_by_role("button", name="Add it").click()
        await expect(page).to_have_url(re.compile(r"/segments/[0-9a-f-]{36}$"))
        await expect(page.locator("[data-members]")).to_have_text("1 person")
        await expect(page.get_by_role("link", name="Ada")).to_be_visible()
        await expect(page.get_by_role("complementary", name="Condition")).to_contain_text(
            "City is kiel"
        )
        await page.goto(f"/contacts/{people['Grace']}")
        card = page.get_by_role("region", name="Segments")
        await card.get_by_text("Readers elsewhere").click()
        await expect(card).to_contain_text("Missing: not “City is kiel”")
        await expect(card).to_contain_text("Tags include newsletter")
        if folder := os.environ.get("EVERLOG_SCREENSHOTS"):
            await card.scroll_into_view_if_needed()
            await page.screenshot(path=Path(folder) / f"segments-why-{size}.png")
        wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, "the page scrolls sideways"


async def test_a_segment_is_edited_written_to_and_narrows_the_list(
    owner: Visitor, opened: Opening
) -> None:
    await _people(owner)
    condition = {"all": [{"not": {"any": [{"field": "city", "is": "is", "value": "Kiel"}]}}]}
    made = await owner.post("/api/v1/segments", {"name": "Elsewhere", "condition": condition})
    letter = {"name": "Spring", "subject": "Hi", "html": "<p>Hello</p>"}
    await owner.post("/api/v1/templates", letter)
    async with opened(owner) as page:
        await page.goto(f"/segments/{made['id']}/edit")
        await expect(page.locator("#count [data-found]")).to_have_text("1")
        inner = page.locator(".group .group")
        await expect(inner.get_by_label("Value")).to_have_value("Kiel")
        await inner.get_by_label("Value").fill("London")
        await expect(page.locator("#count [data-found]")).to_have_text("2")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("[data-members]")).to_have_text("2 people")
        await page.get_by_role("link", name="In contacts").click()
        await expect(page.locator("#rows")).to_contain_text("Mary")
        await expect(page.locator("#rows")).not_to_contain_text("Ada")
        await page.goto(f"/segments/{made['id']}")
        await page.get_by_role("link", name="Send a campaign").click()
        await expect(page.locator("#count")).to_contain_text("2")
        await expect(page.get_by_label("In a segment")).to_have_value(made["id"])


async def test_ticked_contacts_are_put_into_a_list_and_taken_out_with_undo(
    owner: Visitor, opened: Opening
) -> None:
    await _people(owner)
    made = await owner.post("/api/v1/segments", {"name": "Guests", "kind": "static"})
    members = f"/api/v1/segments/{made['id']}/members"
    async with opened(owner) as page:
        await page.goto("/contacts")
        for name in ("Grace", "Ada"):
            await page.get_by_label(f"Tick {name}").check()
        await page.get_by_label("What to do with them").select_option("Put into a list")
        await page.get_by_label("List to put them into").select_option("Guests")
        await page.get_by_role("button", name="Apply").click()
        await expect(page.locator("#toasts")).to_contain_text("2 contacts put into the list")
        await _counts(owner, members, 2)
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator("#toasts")).to_contain_text("Undone")
        await _counts(owner, members, 0)


async def _counts(owner: Visitor, members: str, people: int) -> None:
    """What was done in the page is seen by others a moment later."""
    async with asyncio.timeout(10):
        while (await owner.get(members))["count"] != people:
            await asyncio.sleep(0.05)
