"""Importing by hand: an export that is recognised, cards, rows that are mended, the way back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Page, expect

from everlog.testing import Visitor
from tests.browser.test_pages import _wrong_with

if TYPE_CHECKING:
    from tests.browser.conftest import Opening, Troubles

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

EXPORT = (
    "Notes:\n\n"
    "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n"
    "Zoë,Östergård,https://in.example/0,zoe@nordwind.example,Nordwind AB,Buyer,01 Mar 2025\n"
    "Siobhán,O'Connor,https://in.example/1,no address,Kells Press,Owner,02 Mar 2025\n"
    ",,,,,,30 Apr 2026\n"
)
CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Frank Dawson\r\nN:Dawson;Frank;;;\r\n"
    "ORG:Lotus\r\nTEL;TYPE=WORK:+1-919-676-9515\r\nEMAIL:frank@lotus.example\r\n"
    "PHOTO;ENCODING=b:AAAA\r\nEND:VCARD\r\n"
)


async def choose(page: Page, name: str, text: str) -> None:
    file = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    await page.get_by_label("File to import").set_input_files(file)  # type: ignore[arg-type]


async def kept_as_picture(page: Page, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("EVERLOG_SCREENSHOTS") or tmp_path)
    await page.screenshot(path=folder / f"{name}.png", full_page=True)


async def test_an_export_is_recognised_checked_imported_mended_and_taken_back(
    owner: Visitor, opened: Opening, troubles: Troubles, tmp_path: Path
) -> None:
    known = {"first_name": "Zoe", "email": "zoe@nordwind.example", "city": "Malmö"}
    await owner.post("/api/v1/contacts", known)
    wrong: list[str] = []
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/import?type=contacts")
        await choose(page, "Connections.csv", EXPORT)
        await expect(page.get_by_label("Recognised as")).to_have_value("linkedin")
        await expect(page.get_by_label("Connected On becomes")).to_have_value("created_at")
        await page.get_by_label("Position becomes").select_option("")
        await expect(page.get_by_text("Not imported: Position.")).to_be_visible()
        await page.get_by_label("Position becomes").select_option("company_role")
        await expect(page.get_by_text("Not imported: Position.")).to_be_hidden()
        wrong += await _wrong_with(page, "wide")
        await kept_as_picture(page, "import-mapping-wide", tmp_path)

        progress = page.locator("#progress")
        await page.get_by_role("button", name="Check first").click()
        await expect(progress).to_contain_text("Done")
        counts = progress.locator(".counts b")
        await expect(counts).to_have_text(["0", "1", "1", "1"])
        changed = progress.locator(".examples tr", has_text="Last name")
        await expect(changed).to_contain_text("Östergård")
        wrong += await _wrong_with(page, "wide")
        await kept_as_picture(page, "import-check-wide", tmp_path)

        await page.get_by_role("button", name="Import now").click()
        await expect(progress).to_contain_text("Import of Connections.csv")
        await expect(progress).to_contain_text("Done")
        await page.get_by_role("button", name="Mend them here").click()
        cell = page.get_by_label("Email Address of row 2")
        await expect(cell).to_have_attribute("aria-invalid", "true")
        await expect(cell).to_have_value("no address")
        wrong += await _wrong_with(page, "wide")
        await kept_as_picture(page, "import-mending-wide", tmp_path)
        await cell.fill("siobhan@kells.example")
        await page.get_by_role("button", name="Import these again").click()
        await expect(progress).to_contain_text("Import of Connections (mended).csv")
        await expect(counts).to_have_text(["1", "0", "0", "0"])

        past = page.locator("#past")
        await past.get_by_role("button", name="Connections.csv", exact=True).click()
        await page.get_by_role("button", name="Take it back …").click()
        await expect(progress).to_contain_text("Preview of taking back Connections.csv")
        await expect(progress).to_contain_text("Done")
        await kept_as_picture(page, "import-undo-wide", tmp_path)
        await page.get_by_role("button", name="Take it back now").click()
        await expect(progress.locator("h2")).to_contain_text("Taking back Connections.csv")
        await expect(progress).to_contain_text("Done")
        await page.goto("/contacts")
        await expect(page.locator("#rows")).to_contain_text("Siobhán O'Connor")
        await expect(page.locator("#rows").get_by_text("Zoe", exact=True)).to_be_visible()
    assert not [*wrong, *troubles]


@pytest.mark.parametrize(("size", "dark"), [("narrow", True), ("narrow", False), ("wide", True)])
async def test_cards_walk_through_the_wizard_on_every_screen(
    owner: Visitor,
    opened: Opening,
    troubles: Troubles,
    tmp_path: Path,
    size: str,
    dark: bool,
) -> None:
    theme = "dark" if dark else "light"
    async with opened(owner, size=size, dark=dark, troubles=troubles) as page:
        await page.goto("/import?type=contacts")
        await choose(page, "frank.vcf", CARD)
        await expect(page.get_by_label("Recognised as")).to_have_value("vcard")
        await expect(page.get_by_label("E-mail becomes", exact=True)).to_have_value("email")
        await expect(page.get_by_label("Nickname becomes")).to_be_hidden()
        await page.get_by_text("1 thing in the file").click()
        await expect(page.get_by_text("PHOTO of 1 cards")).to_be_visible()
        wrong = await _wrong_with(page, size)
        await kept_as_picture(page, f"import-card-mapping-{size}-{theme}", tmp_path)
        await page.get_by_role("button", name="Check first").click()
        progress = page.locator("#progress")
        await expect(progress.locator(".examples")).to_contain_text("frank@lotus.example")
        wrong += await _wrong_with(page, size)
        await kept_as_picture(page, f"import-card-check-{size}-{theme}", tmp_path)
        await page.get_by_role("button", name="Import now").click()
        await expect(progress).to_contain_text("Import of frank.vcf")
        await expect(progress).to_contain_text("Done")
        await page.goto("/contacts?q=dawson")
        await expect(page.locator("#rows")).to_contain_text("Frank Dawson")
    assert not [*wrong, *troubles]
