"""A real browser for tests of the page: Debian's Chromium, driven by Playwright, watched for what a page must not do."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

PHONE, TABLET, DESK = (360, 780), (820, 1180), (1440, 900)

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def find_chromium() -> str | None:
    """Return where a browser of the Chromium family is on this machine; None when there is none."""
    named = os.environ.get("PUPPET_TEST_CHROMIUM")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)


def chromium_or_skip() -> str:
    """Return where the browser is; without one the test is skipped, or fails where `CI` is set."""
    path = find_chromium()
    if path is None:
        missing = "the page is tested in Chromium, and there is none here: `apt-get install chromium`, then again"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return path


@contextlib.asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    """Open a browser without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


class Watched:
    """What pages did that they must not do: errors on their console, and requests to other hosts."""

    def __init__(self, host: str) -> None:
        self.errors: list[str] = []
        self.strange: list[str] = []
        self._host = host

    def watch(self, page: Page) -> None:
        """Listen to a page until it is closed."""
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._check)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.text} {message.location}")

    def _check(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in {"data", "blob", "about"} and url.netloc != self._host:
            self.strange.append(request.url)


@contextlib.asynccontextmanager
async def opened(browser: Browser, host: str, state: Any, size: tuple[int, int] = DESK) -> AsyncIterator[Page]:
    """Open a page in a context of its own; at the end it must have kept to itself, without an error."""
    context: BrowserContext = await browser.new_context(
        storage_state=state, viewport={"width": size[0], "height": size[1]}, base_url=f"http://{host}"
    )
    page = await context.new_page()
    watched = Watched(host)
    watched.watch(page)
    try:
        yield page
    finally:
        await context.close()
    assert watched.errors == []
    assert watched.strange == []
