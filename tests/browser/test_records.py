"""Records: fields edited in place, two people at once, tags with Undo, and the past."""

from __future__ import annotations

import asyncio
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Page, expect

from everlog.testing import EmbeddedPlatform, Platform, Visitor

if TYPE_CHECKING:
    from tests.browser.conftest import Opening

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

GRACE = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.org"}


async def _contact(owner: Visitor, **more: Any) -> str:
    added = await owner.post("/api/v1/contacts", {**GRACE, **more})
    return str(added["id"])


async def _edit(page: Page, field: str, text: str) -> None:
    await page.locator(f"#field-{field}").hover()
    await page.locator(f"#field-{field}").get_by_role("button").click()
    await page.locator(f"#edit-{field}").fill(text)
    await page.keyboard.press("Enter")


async def test_a_field_is_edited_where_it_is_shown(owner: Visitor, opened: Opening) -> None:
    contact = await _contact(owner)
    async with opened(owner) as page:
        await page.goto(f"/contacts/{contact}")
        await _edit(page, "city", "Arlington")
        await expect(page.locator("#field-city .inline-value")).to_contain_text("Arlington")
        await _edit(page, "language", "no such language")
        await expect(page.locator("#wrong-language")).to_have_text("Write it like de or en-GB.")
        await expect(page.locator("#edit-language")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.locator("#field-language .inline-value")).to_have_text("–")
        await page.reload()
        await expect(page.locator("#field-city .inline-value")).to_contain_text("Arlington")


async def test_two_who_edit_at_once_are_told_of_each_other(owner: Visitor, opened: Opening) -> None:
    contact = await _contact(owner, city="New York")
    async with opened(owner) as page:
        await page.goto(f"/contacts/{contact}")
        await page.locator("#field-city").hover()
        await page.get_by_role("button", name="Edit City").click()
        await expect(page.locator("#edit-city")).to_have_value("New York")
        await owner.ask(
            "PATCH",
            f"/api/v1/contacts/{contact}",
            json={"city": "Boston"},
            headers={"If-Match": "1"},
        )
        await page.locator("#edit-city").fill("Arlington")
        await page.keyboard.press("Enter")
        box = page.get_by_role("dialog", name="Somebody else changed this contact")
        await expect(box).to_contain_text("Boston")
        await expect(box).to_contain_text("Arlington")
        assert (await owner.get(f"/api/v1/contacts/{contact}"))["city"] == "Boston"
        await box.get_by_role("button", name="Save mine").click()
        await expect(page.locator("#field-city .inline-value")).to_contain_text("Arlington")
        assert (await owner.get(f"/api/v1/contacts/{contact}"))["city"] == "Arlington"


async def test_a_tag_that_was_taken_away_comes_back_with_undo(
    owner: Visitor, opened: Opening
) -> None:
    contact = await _contact(owner, tags=["vip"])
    async with opened(owner) as page:
        await page.goto(f"/contacts/{contact}")
        await page.get_by_label("Add a tag").fill("navy")
        await page.keyboard.press("Enter")
        await expect(page.locator("#tags-of")).to_contain_text("navy")
        await page.get_by_role("button", name="Take tag vip away").click()
        await expect(page.locator("#tags-of")).not_to_contain_text("vip")
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator("#tags-of")).to_contain_text("vip")


async def test_a_call_is_logged_and_stands_first_in_the_timeline(
    owner: Visitor, opened: Opening
) -> None:
    contact = await _contact(owner)
    async with opened(owner) as page:
        await page.goto(f"/contacts/{contact}")
        await page.get_by_role("textbox", name="What happened").fill("Asked about the compiler.")
        await page.locator(".composer label", has_text="Call").click()
        await page.get_by_role("button", name="Log it").click()
        first = page.locator("#timeline-rows .timeline-row").first
        await expect(first).to_contain_text("Asked about the compiler.")
        await expect(first).to_contain_text("call")
        await page.get_by_role("button", name="Meetings").click()
        await expect(page.locator("#timeline-rows")).not_to_contain_text("compiler")


async def test_what_somebody_bought_stands_on_their_record(owner: Visitor, opened: Opening) -> None:
    contact = await _contact(owner)
    tea = {"title": "Tea", "quantity": 2, "unit_price_minor": 250}
    cup = {"title": "Cup", "unit_price_minor": 1200}
    for number, lines in (("17", [tea, cup, cup]), ("R-1", [{**tea, "quantity": -1}])):
        body = {"contact_id": contact, "number": number, "currency": "EUR", "lines": lines}
        made = await owner.post("/api/v1/purchases", body)
    gone = {"contact_id": contact, "number": "18", "currency": "EUR", "lines": [cup]}
    made = await owner.post("/api/v1/purchases", gone)
    await owner.post(f"/api/v1/purchases/{made['id']}/cancel", {"reason": "typed twice"})
    async with opened(owner) as page:
        await page.goto(f"/contacts/{contact}")
        card = page.get_by_role("region", name="Purchases")
        for text in ("€26.50", "€29", "1 return of −€2.50", "and 1 more", "typed twice"):
            await expect(card).to_contain_text(text)
        await expect(card.locator(".mark")).to_have_text(["Cancelled", "Return"])
        rows = page.locator("#timeline-rows")
        await expect(rows).to_contain_text("Grace Hopper bought 2 × Tea and 2 more for €29")
        await page.get_by_role("button", name="Purchases").click()
        await expect(rows.locator(".timeline-row")).to_have_count(4)
        await card.get_by_role("link", name="Show all").click()
        await expect(page.locator("#purchases > li")).to_have_count(3)
        await expect(page.locator("#purchases")).not_to_contain_text("and 1 more")


async def test_the_past_of_a_contact_is_shown_and_cannot_be_changed(
    owner: Visitor, opened: Opening
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=300)  # noqa: TID251 - a browser lives in the present
    contact = await _contact(owner, city="New York", at=long_ago.isoformat())
    changed = {"city": "Arlington"}
    headers = {"If-Match": "1"}
    await owner.ask("PATCH", f"/api/v1/contacts/{contact}", json=changed, headers=headers)
    await owner.get(f"/api/v1/contacts/{contact}")  # the browser does not know of this write
    async with opened(owner) as page:
        await page.goto(f"/contacts/{contact}")
        await page.get_by_role("button", name="Time machine").click()
        await page.get_by_label("Show this record as of").fill("0")
        await expect(page).to_have_url(re.compile("as_of="))
        await expect(page.get_by_text("This is how it was at")).to_be_visible()
        await expect(page.locator("#field-city .inline-value")).to_contain_text("New York")
        await expect(page.get_by_role("button", name="Edit City")).to_have_count(0)
        await page.get_by_role("link", name="Back to now").click()
        await expect(page.locator("#field-city .inline-value")).to_contain_text("Arlington")
        await page.get_by_role("link", name="History").click()
        await expect(page.locator(".change", has_text="Arlington")).to_contain_text("New York")


async def test_a_list_is_searched_while_one_types(owner: Visitor, opened: Opening) -> None:
    await _contact(owner)
    await owner.post("/api/v1/contacts", {"first_name": "Ada", "last_name": "Lovelace"})
    async with opened(owner) as page:
        await page.goto("/contacts")
        await expect(page.locator("#rows tr")).to_have_count(2)
        await page.keyboard.press("/")
        await page.keyboard.type("love")
        await expect(page.locator("#rows tr")).to_have_count(1)
        await expect(page).to_have_url(re.compile(r"\bq=love&sort="))
        await page.get_by_role("searchbox").fill("nobody of this name")
        await expect(page.locator("#rows")).to_contain_text("Nobody found")


async def test_who_erases_somebody_gets_a_certificate_to_keep(
    owner: Visitor, platform: Platform, opened: Opening, tmp_path: Path
) -> None:
    contact = await _contact(owner)
    async with opened(owner) as page:
        await page.goto(f"/contacts/{contact}")
        await page.get_by_role("button", name="More actions").click()
        await page.get_by_role("button", name="Erase this person").click()
        await page.get_by_role("button", name="Erase for good").click()
        await expect(page.get_by_role("heading", name="This person is erased")).to_be_visible()
        await expect(page.locator("main")).not_to_contain_text("Grace")
        async with page.expect_download() as kept:
            await page.get_by_role("link", name="Download the certificate").click()
        file = tmp_path / "erasure.json"
        await (await kept.value).save_as(file)
        await page.goto(f"/contacts/{contact}")
        await expect(page.get_by_role("heading", name="This person is erased")).to_be_visible()
    if isinstance(platform, EmbeddedPlatform):  # in a container the file would not be there
        told = await asyncio.to_thread(platform.everlog, "certificate", "verify", str(file))
        assert told["certificate"]["person_id"] == contact


async def test_everything_kept_of_somebody_is_one_file(owner: Visitor, opened: Opening) -> None:
    contact = await _contact(owner)
    async with opened(owner) as page:
        await page.goto(f"/contacts/{contact}")
        await page.get_by_role("button", name="More actions").click()
        async with page.expect_download() as kept:
            await page.get_by_role("link", name="Everything kept of them").click()
        path = await (await kept.value).path()
        with zipfile.ZipFile(path) as archive:
            assert b"Grace" in archive.read("person.json")
