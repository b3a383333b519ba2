"""The privacy desk: who agreed to what, what left, whose data was touched, who is erased."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Page, expect

from everlog.testing import Visitor

if TYPE_CHECKING:
    from tests.browser.conftest import Opening, Troubles

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _person(owner: Visitor, first: str, last: str) -> str:
    made = await owner.post("/api/v1/contacts", {"first_name": first, "last_name": last})
    return str(made["id"])


async def _agreed(owner: Visitor, person: str, what: str, **said: str) -> None:
    path = f"/api/v1/contacts/{person}/consents/{what}"
    assert (await owner.ask("PUT", path, json=said)).status == 200


async def _rows_of_file(page: Page) -> list[dict[str, str]]:
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="CSV").click()
    path = await (await downloading.value).path()
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


async def test_the_ledger_is_filtered_followed_and_taken_out_and_that_is_noted(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    grace, ada = await _person(owner, "Grace", "Hopper"), await _person(owner, "Ada", "Lovelace")
    await _agreed(owner, grace, "email/news", source="=shop form", text_version="2026-01")
    await _agreed(owner, ada, "sms/offers", source="phone")
    gone = f"/api/v1/contacts/{grace}/consents/email/news"
    assert (await owner.ask("DELETE", gone)).status == 200
    await owner.get("/api/v1/consents")  # the browser does not know of these writes
    async with opened(owner, troubles=troubles) as page:
        rows = page.locator("#listed tbody tr")
        await page.goto(f"/contacts/{grace}")
        await page.get_by_role("link", name="Every change").click()
        await expect(page.get_by_role("heading", name="Privacy")).to_be_visible()
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text("Withdrawn")
        await page.get_by_role("link", name="Show everybody, not only Grace Hopper").click()
        await expect(rows).to_have_count(3)
        await page.get_by_label("What was said").select_option("given")
        await expect(rows).to_have_count(2)
        await page.get_by_label("Where it came from").fill("shop")
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_contain_text("2026-01")
        await expect(page).to_have_url("/privacy?q=shop&state=given")
        [row] = await _rows_of_file(page)
        assert (row["person"], row["source"]) == ("Grace Hopper", "'=shop form")
        assert (row["agreed"], row["agrees_now"]) == ("yes", "no")

        await page.get_by_role("link", name="Exports").click()
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_contain_text("Consent ledger")
        await page.get_by_label("What", exact=True).select_option("person")
        await expect(page.get_by_text("Nothing was taken out")).to_be_visible()
    assert not troubles


async def test_a_breach_is_looked_into_and_everybody_concerned_is_in_a_file(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    grace = await _person(owner, "Grace", "Hopper")
    ada = await _person(owner, "Ada", "Lovelace")
    path = f"/api/v1/contacts/{grace}"
    token = await owner.post("/api/v1/api-tokens", {"name": "Shop", "scopes": ["contacts.write"]})
    await owner.get(f"{path}/timeline")
    await owner.post(f"{path}/interactions", {"kind": "note", "text": "Looked around"})
    await owner.get(f"{path}/timeline")  # the browser does not know of these writes
    async with opened(owner, troubles=troubles) as page:
        assert (await page.request.get(f"/contacts/{grace}/export.zip")).ok
        rows = page.locator("table.rows tbody tr")
        await page.goto("/privacy")
        await page.get_by_role("link", name="Breach helper").click()
        await page.get_by_role("button", name="Look into it").click()
        await expect(page).to_have_url(re.compile(r"/privacy/breach\?"))
        await expect(page.get_by_role("alert")).to_contain_text("Say from when on")

        await page.get_by_label("or an API token").select_option(token["id"])
        await page.get_by_role("button", name="Look into it").click()
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_contain_text("Grace Hopper")
        await expect(rows.first).to_contain_text("Export 1")
        await expect(page.get_by_text("is not logged")).to_be_visible()
        [row] = await _rows_of_file(page)
        assert (row["person"], row["what"]) == ("Grace Hopper", "export: 1, note: 1")

        await page.get_by_label("or an API token").select_option("")
        await page.get_by_label("From").fill("2026-01-01")
        await page.get_by_role("button", name="Look into it").click()
        await expect(rows).to_have_count(2)
        await expect(rows.filter(has_text="Ada Lovelace")).to_contain_text("Added 1")
        await page.get_by_role("link", name="Ada Lovelace").click()
        await expect(page).to_have_url(re.compile(f"/contacts/{ada}"))
    assert not troubles


async def test_a_rule_is_made_looked_at_and_run(
    owner: Visitor, opened: Opening, troubles: Troubles
) -> None:
    quiet = {"first_name": "Anne", "last_name": "Elliot", "at": "2019-03-02T12:00:00Z"}
    anne = (await owner.post("/api/v1/contacts", quiet))["id"]
    await _person(owner, "Grace", "Hopper")
    await owner.get("/api/v1/contacts")  # the browser does not know of these writes
    async with opened(owner, troubles=troubles) as page:
        await page.goto("/privacy/retention")
        await page.get_by_role("button", name="New rule").click()
        box = page.get_by_role("dialog", name="New rule")
        await box.get_by_label("Name").fill("Quiet")
        await box.get_by_label("Months without anything").fill("0")
        await box.get_by_role("button", name="Make rule").click()
        await expect(box.locator(".invalid-feedback")).to_be_visible()
        await box.get_by_label("Months without anything").fill("36")
        await box.get_by_role("button", name="Make rule").click()
        rows = page.locator("table.rows tbody tr")
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_contain_text("Anne Elliot")

        await page.get_by_role("button", name="Erase 1 person…").click()
        ask = page.get_by_role("dialog", name="Erase 1 person?")
        await ask.get_by_role("button", name="Erase 1 person").click()
        await expect(page).to_have_url(re.compile("/privacy/retention$"))
        await expect(page.get_by_text("1 record of 1 person erased")).to_be_visible()
        await page.goto(f"/contacts/{anne}/erased")
        await expect(page.get_by_role("heading", name="This person is erased")).to_be_visible()
        await page.goto("/privacy/retention")
        await page.get_by_role("link", name="Quiet").click()
        await expect(page.get_by_text("Nobody is found")).to_be_visible()
    assert not troubles
