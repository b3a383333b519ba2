"""A real Chromium, and visitors who look at the pages with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from everlog.testing import Platform, Visitor, visiting_alone

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}


def chromium_path() -> str | None:
    """Which Chromium to drive."""
    given = os.environ.get("EVERLOG_CHROMIUM")
    return given or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser."""
    path = chromium_path()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("There is no Chromium: install it, or name it in EVERLOG_CHROMIUM.")
        pytest.skip("There is no Chromium here (apt-get install chromium).")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_FLAGS.split())
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def owner(platform: Platform) -> AsyncIterator[Visitor]:
    """The administrator of a workspace of the test's own."""
    async with visiting_alone(platform, name="Papierhaus", time_zone="Europe/Berlin") as visitor:
        yield visitor


class Troubles(list[str]):
    """What a page complained about: errors in the console, refused resources, broken scripts."""

    def watch(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.append(f"script: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.append(f"{message.text} ({message.location.get('url', '')})")


@pytest.fixture
def troubles() -> Troubles:
    """None so far."""
    return Troubles()


Opening = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
def opened(chromium: Browser, platform: Platform) -> Opening:
    """Opens a browser of its own: `async with opened(visitor) as page`. Nobody: not signed in."""

    @asynccontextmanager
    async def open_one(
        visitor: Visitor | None = None,
        *,
        size: str = "wide",
        dark: bool = False,
        troubles: Troubles | None = None,
    ) -> AsyncIterator[Page]:
        width, height = SIZES[size]
        context = await chromium.new_context(
            base_url=platform.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
        )
        context.set_default_timeout(15_000)
        try:
            if visitor is not None:
                await let_in(context, platform, visitor)
            page = await context.new_page()
            if troubles is not None:
                troubles.watch(page)
            yield page
        finally:
            await context.close()

    return open_one


async def let_in(context: BrowserContext, platform: Platform, visitor: Visitor) -> None:
    """Give the browser a session, as signing in would."""
    cookie = {"name": "everlog_session", "value": visitor.token, "url": platform.url}
    await context.add_cookies([cookie])  # type: ignore[list-item]
