"""The walk through a day: a contact, a deal that is dragged and won, a mail that is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Locator, Page, expect

from chassis.ids import new_id
from everlog.testing import Platform, Visitor

if TYPE_CHECKING:
    from tests.browser.conftest import Opening

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_somebody_signs_in_and_out(platform: Platform, opened: Opening) -> None:
    async with opened() as page:
        await page.goto("/contacts?tag=vip")
        await expect(page).to_have_url(f"{platform.url}/sign-in?next=/contacts%3Ftag%3Dvip")
        await page.get_by_label("E-mail").fill(platform.credentials.email)
        await page.get_by_label("Password").fill("not the password")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.get_by_label("Password").fill(platform.credentials.password)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(f"{platform.url}/contacts?tag=vip")
        await page.get_by_role("button", name="Administrator").last.click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("You are signed out.")).to_be_visible()
        await page.goto("/contacts")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_contact_a_deal_a_win_and_the_figures_follow(
    owner: Visitor, opened: Opening
) -> None:
    async with opened(owner) as page:
        await page.goto("/contacts")
        await page.get_by_role("button", name="New contact").first.click()
        await page.get_by_label("First name").fill("Grace")
        await page.get_by_label("Last name").fill("Hopper")
        await page.get_by_label("E-mail").fill("grace at example.org")
        await page.get_by_role("button", name="Add contact").click()
        await expect(page.locator("#h-email")).to_be_visible()
        await page.get_by_label("E-mail").fill("grace@example.org")
        await page.get_by_label("Company").fill("Navy Books")
        await page.get_by_role("button", name="Add contact").click()
        await expect(page.get_by_role("heading", name="Grace Hopper")).to_be_visible()
        await expect(page.get_by_text("Grace Hopper is added")).to_be_visible()

        await page.goto("/pipeline")
        await page.evaluate("window.neverReloaded = true")
        await page.get_by_role("button", name="New deal", exact=True).click()
        await page.get_by_label("Title").fill("Window display")
        await page.get_by_label("Value").fill("1,250")
        await page.get_by_role("combobox", name="Contact").fill("Grac")
        await page.locator("[data-pick]", has_text="Grace Hopper").click()
        await page.get_by_role("button", name="Open deal").click()
        card = page.locator(".deal-card", has_text="Window display")
        await expect(_column(page, "prospecting")).to_contain_text("Window display")

        await _drag(page, card, _column(page, "proposal"))
        await expect(page.get_by_text("Moved to Proposal")).to_be_visible()
        await expect(page.locator("#stage-proposal .column-head")).to_contain_text("€1,250")
        open_now = page.locator('[data-kpi="open_pipeline"] [data-watched]')
        await expect(open_now).to_have_text("€1,250")
        assert await page.evaluate("window.neverReloaded")
        await page.reload()
        await expect(_column(page, "proposal")).to_contain_text("Window display")

        await page.evaluate("window.neverReloaded = true")
        won = page.locator('[data-kpi="revenue_won"] [data-watched]')
        await expect(won).not_to_have_text("€1,250")
        await _drag(page, card, page.locator('[data-zone="won"]'))
        await page.get_by_role("button", name="Mark as won").click()
        await expect(won).to_have_text("€1,250")
        await expect(page.locator('[data-kpi="win_rate"] [data-watched]')).to_have_text("100.0%")
        await expect(card).to_have_count(0)
        assert await page.evaluate("window.neverReloaded"), "the figures came by a reload"


async def test_what_one_wins_another_sees_without_a_reload(owner: Visitor, opened: Opening) -> None:
    body = {"title": "Shelves", "value": {"amount_minor": 420_000, "currency": "EUR"}}
    deal = await owner.post("/api/v1/deals", body)
    async with opened(owner) as page:
        await page.goto("/")
        figure = page.locator('[data-kpi="open_pipeline"] [data-watched]')
        await expect(figure).to_have_text("€4,200")
        await page.evaluate("window.neverReloaded = true")
        await owner.post(f"/api/v1/deals/{deal['id']}/win")
        await expect(figure).to_have_text("€0", timeout=10_000)
        await expect(page.locator("[data-live-won]")).to_have_text("€4,200", timeout=10_000)
        await expect(page.locator("[data-live-rate]")).not_to_have_text(re.compile("^[0–]$"))
        await expect(page.locator("[data-live-recent] li").first).to_contain_text("Shelves")
        assert await page.evaluate("window.neverReloaded")


async def test_a_campaign_is_written_sent_and_its_mail_is_found(
    owner: Visitor, opened: Opening
) -> None:
    address = f"{new_id()}@example.org"
    person = {"first_name": "Ada", "last_name": "Reader", "email": address, "tags": ["reader"]}
    await owner.post("/api/v1/contacts", person)
    async with opened(owner) as page:
        await page.goto("/campaigns/templates/new")
        await page.get_by_role("textbox", name="Name").fill("Spring")
        await page.get_by_label("Subject").fill("Ten books for {{ first_name }}")
        frame = page.frame_locator("iframe[name=preview]")
        await expect(frame.get_by_text("What is new this month")).to_be_visible()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("The template is saved")).to_be_visible()
        await page.get_by_role("link", name="Use").click()
        await page.get_by_role("textbox", name="Name").fill("Spring broadcast")
        await page.locator(".tag-choice", has_text="reader").click()
        await expect(page.locator("#count")).to_contain_text("1")
        await expect(page.locator("#count")).to_contain_text("person can be reached")
        await page.get_by_role("button", name="Send now").click()
        await expect(page.get_by_role("heading", name="Spring broadcast")).to_be_visible()
        await expect(page.locator("#results")).to_contain_text("Finished", timeout=30_000)
        await expect(page.locator("#results .tile", has_text="Sent")).to_contain_text("1")

        await page.goto("/ops/mails")
        await page.get_by_label("Recipient").fill(address)
        await page.get_by_role("button", name="Ten books for Ada").click()
        mail = page.frame_locator("#drawer iframe")
        await expect(mail.get_by_text("Hello Ada,")).to_be_visible()
        await expect(page.locator("#drawer")).to_contain_text(address)


def _column(page: Page, stage: str) -> Locator:
    return page.locator(f"#cards-{stage}")


async def _drag(page: Page, card: Locator, to: Locator) -> None:
    """As a hand does it: press, begin to move, go there in steps, let go."""
    start = await card.bounding_box()
    assert start is not None
    await page.mouse.move(start["x"] + start["width"] / 2, start["y"] + 12)
    await page.mouse.down()
    await page.mouse.move(start["x"] + start["width"] / 2 + 12, start["y"] + 30, steps=4)
    end = await to.bounding_box()
    assert end is not None, "the place to drop it on is not shown"
    await page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 30, steps=12)
    await page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 32, steps=2)
    await page.mouse.up()
