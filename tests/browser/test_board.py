"""The board: moving by keyboard, refusals, Undo, and what it looked like before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from everlog.testing import Visitor

if TYPE_CHECKING:
    from tests.browser.conftest import Opening

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def _deal(owner: Visitor, title: str, **more: Any) -> str:
    body = {"title": title, "value": {"amount_minor": 90_000, "currency": "EUR"}, **more}
    return str((await owner.post("/api/v1/deals", body))["id"])


async def test_a_card_is_moved_by_keyboard_and_undo_moves_it_back(
    owner: Visitor, opened: Opening
) -> None:
    await _deal(owner, "By keyboard", stage="prospecting")
    async with opened(owner) as page:
        await page.goto("/pipeline")
        await page.locator(".deal-card").focus()
        await page.keyboard.press("Space")
        await expect(page.locator("#announcer")).to_contain_text("By keyboard is lifted")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Escape")
        await expect(page.locator("#cards-prospecting")).to_contain_text("By keyboard")
        await page.keyboard.press("Space")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Space")
        await expect(page.get_by_text("Moved to Engaging")).to_be_visible()
        await page.reload()
        await expect(page.locator("#cards-engaging")).to_contain_text("By keyboard")
        await page.locator(".deal-card").focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Space")
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator("#cards-engaging")).to_contain_text("By keyboard")


async def test_a_move_that_is_refused_is_taken_back_with_its_reason(
    owner: Visitor, opened: Opening
) -> None:
    deal = await _deal(owner, "Too late", stage="prospecting")
    async with opened(owner) as page:
        # Somebody whose board has not heard of it yet.
        await page.route("**/api/v1/live/stream", lambda route: route.abort())
        await page.goto("/pipeline")
        await owner.post(f"/api/v1/deals/{deal}/lose", {"reason": "Price"})
        await page.locator(".deal-card").focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Space")
        await expect(page.locator(".note.error")).to_contain_text("lost")
        await expect(page.locator("#announcer")).to_contain_text("went back to Prospecting")


async def test_what_somebody_else_moves_is_seen_without_a_reload(
    owner: Visitor, opened: Opening
) -> None:
    deal = await _deal(owner, "Moved elsewhere", stage="prospecting")
    async with opened(owner) as page:
        await page.goto("/pipeline")
        await expect(page.locator("#cards-prospecting")).to_contain_text("Moved elsewhere")
        await page.evaluate("window.neverReloaded = true")
        await owner.post(f"/api/v1/deals/{deal}/moves", {"stage": "proposal"})
        await expect(page.locator("#cards-proposal")).to_contain_text("Moved elsewhere")
        assert await page.evaluate("window.neverReloaded")


async def test_the_board_of_an_earlier_day_is_shown(owner: Visitor, opened: Opening) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - a browser lives in the present
    before = (now - timedelta(days=40)).isoformat()
    deal = await _deal(owner, "Long ago", stage="prospecting", opened_at=before)
    await owner.post(f"/api/v1/deals/{deal}/win", {"closed_on": str(now.date())})
    async with opened(owner) as page:
        await page.goto("/pipeline")
        await expect(page.locator(".deal-card")).to_have_count(0)
        await page.get_by_label("As of").fill(str((now - timedelta(days=10)).date()))
        await expect(page.get_by_text("This is the board as it was")).to_be_visible()
        await expect(page.locator("#cards-prospecting")).to_contain_text("Long ago")
        await expect(page.locator("[data-zone]")).to_have_count(0)


async def test_a_deal_is_moved_lost_and_reopened_on_its_own_page(
    owner: Visitor, opened: Opening
) -> None:
    deal = await _deal(owner, "On its page", stage="prospecting")
    async with opened(owner) as page:
        await page.goto(f"/pipeline/deals/{deal}")
        await page.get_by_role("button", name="Negotiation").click()
        await expect(page.locator(".stage-path .here")).to_have_text("Negotiation")
        await page.get_by_role("button", name="Lost", exact=True).click()
        await page.get_by_label("Why").fill("Bad timing")
        await page.get_by_role("button", name="Mark as lost").click()
        await expect(page.locator(".record-head")).to_contain_text("Bad timing")
        await page.locator(".record-head").get_by_role("button", name="Reopen").click()
        await expect(page.locator(".stage-path .here")).to_have_text("Negotiation")
        await expect(page.locator(".timeline-rows")).to_contain_text("Deal reopened")
