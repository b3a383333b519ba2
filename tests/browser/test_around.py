"""Getting around: the palette, keys, themes, roles, importing, and the way behind a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from chassis.ids import new_id
from everlog.home import Credentials
from everlog.testing import Platform, Visitor, visiting

if TYPE_CHECKING:
    from tests.browser.conftest import Opening

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

PASSWORD = "correct horse battery staple"
PEOPLE = "Vorname,Last name,E-Mail,Firma\nAda,Lovelace,ada@example.org,Engines\nMary,,no address,\n"


async def test_the_palette_finds_people_and_keys_lead_everywhere(
    owner: Visitor, opened: Opening
) -> None:
    await owner.post("/api/v1/contacts", {"first_name": "Grace", "last_name": "Hopper"})
    async with opened(owner) as page:
        await page.goto("/")
        await page.keyboard.press("Control+k")
        await page.keyboard.type("hopp")
        await expect(page.locator("[data-found][role=option]")).to_contain_text("Grace Hopper")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Grace Hopper")).to_be_visible()
        await page.wait_for_load_state()
        await page.keyboard.press("g")
        await page.keyboard.press("p")
        await page.wait_for_url("**/pipeline")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("c")
        await expect(page.get_by_role("dialog", name="New deal")).to_be_visible()


async def test_a_theme_that_was_chosen_stays(owner: Visitor, opened: Opening) -> None:
    async with opened(owner) as page:
        await page.goto("/settings")
        await expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
        await page.locator("#settings-part").get_by_role("button", name="Dark").click()
        await expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        await page.goto("/contacts")
        await expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


async def test_a_marketing_manager_sees_figures_and_no_single_record(
    owner: Visitor, opened: Opening
) -> None:
    email = f"{new_id()}@example.org"
    body = {"name": "Tomás Ruiz", "email": email, "role": "marketing_manager", "password": PASSWORD}
    await owner.post("/api/v1/users", body)
    manager = Visitor(owner._session, owner._url)
    await manager.sign_in(Credentials(email, PASSWORD))
    async with opened(manager) as page:
        await page.goto("/")
        places = page.get_by_role("navigation", name="Main", exact=True)
        await expect(places.get_by_role("link", name="Analytics")).to_be_visible()
        await expect(places.get_by_role("link", name="Contacts")).to_have_count(0)
        await expect(places.get_by_role("link", name="Ops")).to_have_count(0)
        await page.goto("/contacts")
        await expect(page.get_by_text("Not for your role")).to_be_visible()
        await page.goto("/analytics")
        await expect(page.locator(".tile", has_text="Win rate")).to_be_visible()
        await expect(page.get_by_text("Revenue by owner")).to_have_count(0)


async def test_a_file_is_looked_at_checked_and_imported(owner: Visitor, opened: Opening) -> None:
    async with opened(owner) as page:
        await page.goto("/import?type=contacts")
        file = {"name": "people.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()}
        await page.get_by_label("File to import").set_input_files(file)  # type: ignore[arg-type]
        await expect(page.get_by_label("Last name becomes")).to_have_value("last_name")
        await expect(page.get_by_label("E-Mail becomes")).to_have_value("email")
        await page.get_by_label("Vorname becomes").select_option("first_name")
        await page.get_by_label("Firma becomes").select_option("company")
        await page.get_by_role("button", name="Check first").click()
        checked = page.locator("#progress")
        await expect(checked).to_contain_text("Done")
        await expect(checked.locator(".counts div").last).to_contain_text("1")
        await page.get_by_role("button", name="Import now").click()
        await expect(checked).to_contain_text("Import of people.csv")
        await expect(checked).to_contain_text("Done")
        await expect(page.locator("#past")).to_contain_text("people.csv")
        async with page.expect_download() as download:
            await checked.get_by_role("link", name="Rows with errors").click()
        kept = await (await download.value).path()
        assert "no address" in kept.read_text(encoding="utf-8-sig")
        await page.goto("/contacts")
        await expect(page.locator("#rows")).to_contain_text("Ada Lovelace")
        await expect(page.locator("#rows")).to_contain_text("Engines")


async def test_orders_are_imported_in_the_currency_that_is_said(
    owner: Visitor, opened: Opening
) -> None:
    async with opened(owner) as page:
        await page.goto("/import?type=purchases")
        orders = "Order number,Date,Email,Item,Qty,Price\n1,2026-02-01,ada@x.de,Tea,2,2.50\n"
        file = {"name": "orders.csv", "mimeType": "text/csv", "buffer": orders.encode()}
        await page.get_by_label("File to import").set_input_files(file)  # type: ignore[arg-type]
        currency = page.get_by_label("Amounts without a currency are in")
        await expect(currency).to_have_value("EUR")
        await currency.fill("gbp")
        await page.get_by_role("button", name="Import 1 row").click()
        await expect(page.locator("#progress")).to_contain_text("Done")
        await page.goto("/contacts?q=ada@x.de")
        await page.locator("#rows").get_by_role("link", name="ada@x.de").first.click()
        await expect(page.get_by_role("region", name="Purchases")).to_contain_text("£5")


async def test_a_figure_leads_to_the_events_behind_it(owner: Visitor, opened: Opening) -> None:
    value = {"amount_minor": 125_000, "currency": "EUR"}
    deal = await owner.post("/api/v1/deals", {"title": "Lamps", "value": value})
    await owner.post(f"/api/v1/deals/{deal['id']}/win")
    async with opened(owner) as page:
        await page.goto("/analytics")
        await page.locator(".tile", has_text="Revenue won").get_by_role("button").click()
        behind = page.get_by_role("dialog", name="Revenue won: €1,250")
        await expect(behind.get_by_role("link", name="Lamps")).to_be_visible()
        await expect(behind.locator("tbody tr")).to_have_count(1)


async def test_an_empty_workspace_says_what_to_do_first(owner: Visitor, opened: Opening) -> None:
    async with opened(owner) as page:
        await page.goto("/")
        await expect(page.get_by_text("0 of 4 done")).to_be_visible()
        await page.goto("/contacts")
        await expect(page.get_by_text("No contacts yet")).to_be_visible()
        await page.goto("/campaigns")
        await expect(page.get_by_text("No broadcast yet")).to_be_visible()


async def test_a_rebuild_is_asked_for_and_its_progress_shown(
    platform: Platform, opened: Opening
) -> None:
    async with visiting(platform) as operator, opened(operator) as page:
        await page.goto("/ops/models")
        row = page.locator("tr", has=page.get_by_text("tags", exact=True))
        await row.get_by_role("button", name="Rebuild").click()
        await expect(page.get_by_text("tags is being rebuilt beside the live one")).to_be_visible()
        asked = page.locator(".entries li", has_text="Rebuild tags").first
        await expect(asked).to_be_visible(timeout=60_000)


async def test_a_read_model_is_paused_and_resumed(platform: Platform, opened: Opening) -> None:
    async with visiting(platform) as operator, opened(operator) as page:
        await page.goto("/ops/models")
        row = page.locator("tr", has=page.get_by_text("headcounts", exact=True))
        await row.get_by_role("button", name="Pause headcounts").click()
        await page.get_by_role("button", name="Do it").click()
        await expect(row.get_by_text("Paused, answers")).to_be_visible()
        await row.get_by_role("button", name="Resume").click()
        asked = page.locator(".entries li", has_text="Resume headcounts").first
        await expect(asked).to_be_visible(timeout=60_000)
        await expect(row.get_by_role("button", name="Compare headcounts")).to_be_visible()
