"""Own fields by hand: settled, filled in when somebody is added, edited in place, imported."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Locator, Page, expect

from everlog.testing import Visitor
from tests.browser.test_pages import _wrong_with

if TYPE_CHECKING:
    from tests.browser.conftest import Opening, Troubles

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _can_be_used(page: Page, name: str) -> None:
    """By everybody, and it is kept as a picture."""
    if folder := os.environ.get("EVERLOG_SCREENSHOTS"):
        # Hiding the caret leaves a style behind, which htmx copies and the page's policy forbids.
        picture = Path(folder) / f"own-fields-{name}.png"
        await page.screenshot(path=picture, caret="initial")
    assert await _wrong_with(page, "wide") == []


async def _drawer(page: Page, button: str, title: str) -> Locator:
    """The drawer that a button opens."""
    await page.get_by_role("button", name=button, exact=True).first.click()
    drawer = page.get_by_role("dialog", name=title)
    await expect(drawer).to_be_visible()
    return drawer


async def test_fields_are_settled_changed_and_retired(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/settings/fields")
        await expect(page.get_by_text("No own field yet")).to_be_visible()
        drawer = await _drawer(page, "New field", "New field")
        await expect(drawer.get_by_label("Choices")).to_be_hidden()
        await drawer.get_by_label("Title").fill("Shirt size")
        await drawer.get_by_label("Type").select_option("choice")
        await drawer.get_by_label("Choices").fill("Small\nSMALL")
        await drawer.get_by_role("button", name="Add field").click()
        await expect(drawer).to_contain_text("SMALL is there twice.")
        await expect(drawer.get_by_label("Type")).to_have_value("choice")
        await _can_be_used(page, "refused")
        await drawer.get_by_label("Choices").fill("Small\nLarge")
        await drawer.get_by_role("button", name="Add field").click()
        row = page.get_by_role("row", name="Shirt size")
        await expect(row).to_contain_text("Small, Large")
        await expect(row).to_contain_text("shirt_size")
        await expect(drawer).to_be_hidden()

        drawer = await _drawer(page, "Change Shirt size", "Shirt size")
        await drawer.get_by_label("Title").fill("Size of shirts")
        await drawer.get_by_label("Needed").check()
        await drawer.get_by_role("button", name="Save").click()
        row = page.get_by_role("row", name="Size of shirts")
        await expect(row).to_contain_text("Needed")
        await expect(drawer).to_be_hidden()
        drawer = await _drawer(page, "Change Size of shirts", "Size of shirts")
        await _can_be_used(page, "change")
        await drawer.get_by_role("button", name="Retire").click()
        await page.get_by_role("button", name="Do it").click()
        await expect(page.get_by_text("No own field yet")).to_be_visible()
    assert not _unexpected(troubles)


async def test_own_fields_are_filled_in_and_edited_in_place(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    for field in (
        {"title": "Shoe size", "type": "number", "required": True},
        {"title": "Shirt", "type": "choice", "choices": ["Small", "Large"]},
        {"title": "Reads", "type": "choices", "choices": ["Novels", "Poems", "Comics"]},
        {"title": "Renewal", "type": "date"},
    ):
        await owner.post("/api/v1/contacts/fields", field)
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/contacts")
        await _adding(page)
        await expect(page).to_have_url(re.compile("/contacts/[0-9a-f-]{36}$"))
        await _editing(page)
        contact = page.url.rsplit("/", 1)[1]
    kept = (await owner.get(f"/api/v1/contacts/{contact}"))["custom"]
    assert kept == {"shoe_size": 38, "shirt": "Small", "reads": ["Poems", "Comics"]}
    assert not _unexpected(troubles)


async def _adding(page: Page) -> None:
    drawer = await _drawer(page, "New contact", "New contact")
    add = drawer.get_by_role("button", name="Add contact")
    await drawer.get_by_label("First name").fill("Ada")
    await drawer.get_by_label("Shirt").select_option("Large")
    await drawer.get_by_label("Poems").check()
    await drawer.get_by_label("Shoe size").fill("big")
    await add.click()
    await expect(drawer).to_contain_text("“big” is no number; write it like 1100.04.")
    await expect(drawer.get_by_label("Shirt")).to_have_value("Large")
    await expect(drawer.get_by_label("Poems")).to_be_checked()
    await _can_be_used(page, "new-contact")
    await drawer.get_by_label("Shoe size").fill("")
    await add.click()
    await expect(drawer).to_contain_text("This is needed.")
    await drawer.get_by_label("Shoe size").fill("1100,5")
    await add.click()


async def _editing(page: Page) -> None:
    size = page.locator("#field-own-shoe_size")
    await expect(size).to_contain_text("1,100.5")
    await size.get_by_role("button", name="Edit Shoe size").click()
    await size.get_by_label("Shoe size", exact=True).fill("38 or so")
    await size.get_by_role("button", name="Save Shoe size").click()
    await expect(size).to_contain_text("“38 or so” is no number")
    await _can_be_used(page, "wrong-in-place")
    await size.get_by_label("Shoe size", exact=True).fill("38")
    await size.get_by_role("button", name="Save Shoe size").click()
    await expect(size.locator(".inline-value")).to_have_text("38")

    reads = page.locator("#field-own-reads")
    await expect(reads.locator(".inline-value")).to_have_text("Poems")
    await reads.get_by_role("button", name="Edit Reads").click()
    await reads.get_by_label("Comics").check()
    await _can_be_used(page, "choices-in-place")
    await reads.get_by_role("button", name="Save Reads").click()
    await expect(reads.locator(".inline-value")).to_have_text("Poems, Comics")

    shirt = page.locator("#field-own-shirt")
    await shirt.get_by_role("button", name="Edit Shirt").click()
    await shirt.get_by_label("Shirt", exact=True).select_option("Small")
    await shirt.get_by_role("button", name="Save Shirt").click()
    await expect(shirt.locator(".inline-value")).to_have_text("Small")


async def test_a_file_has_columns_for_own_fields(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    field = {"title": "Shoe size", "type": "number", "key": "shoe"}
    await owner.post("/api/v1/contacts/fields", field)
    text = "Email,Shoe size\nada@feet.example,38\nbob@feet.example,big\n"
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/import?type=contacts")
        file = {"name": "feet.csv", "mimeType": "text/csv", "buffer": text.encode()}
        await page.get_by_label("File to import").set_input_files(file)  # type: ignore[arg-type]
        column = page.get_by_label("Shoe size becomes")
        await expect(column).to_have_value("custom.shoe")
        await expect(column.locator("option:checked")).to_have_text("Shoe size")
        await page.get_by_role("button", name="Import 2 rows").click()
        progress = page.locator("#progress")
        await expect(progress).to_contain_text("Done")
        await expect(progress.locator(".counts b")).to_have_text(["1", "0", "0", "1"])
    assert not _unexpected(troubles)


async def test_a_segment_asks_for_own_fields_by_title_and_type(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    shirt = {"title": "Shirt", "type": "choice", "choices": ["Small", "Large"]}
    for field in ({"title": "Shoe size", "type": "number"}, shirt):
        await owner.post("/api/v1/contacts/fields", field)
    for name, worn in (("Ada", 38), ("Grace", 42.5)):
        custom = {"shoe_size": worn, "shirt": "Large"}
        await owner.post("/api/v1/contacts", {"first_name": name, "custom": custom})
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/segments/new")
        await page.get_by_label("Name *").fill("Large feet")
        await page.get_by_label("What is asked about").select_option(label="Shirt")
        await page.get_by_label("Value").select_option("Large")
        await expect(page.locator("#count [data-found]")).to_have_text("2")
        await page.get_by_role("button", name="Add condition").click()
        size = page.locator(".condition").last
        await size.get_by_label("What is asked about").select_option(label="Shoe size")
        await size.get_by_label("How it is compared").select_option(label="is at least")
        await size.get_by_label("Value").fill("42.5")
        await expect(page.locator("#count [data-found]")).to_have_text("1")
        await _can_be_used(page, "segment")
        await page.get_by_role("button", name="Add it").click()
        await expect(page).to_have_url(re.compile(r"/segments/[0-9a-f-]{36}$"))
        said = page.get_by_role("complementary", name="Condition")
        await expect(said).to_contain_text("Shoe size at least 42.5")
        await page.goto(f"{page.url}/edit")
        await expect(page.get_by_label("Value").first).to_have_value("Large")
        await expect(page.get_by_label("Value").last).to_have_value("42.5")
    assert not _unexpected(troubles)


def _unexpected(troubles: Troubles) -> list[str]:
    """The browser reports the answers 422, which say what is wrong in a form."""
    return [each for each in troubles if "422" not in each]
