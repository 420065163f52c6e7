"""A real browser for tests of the page: Chromium, driven by Playwright and watched for what a page must not do."""

import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tools.browser import ARGUMENTS, INSTALL, SIZES, find_chromium

DESK, TABLET, PHONE = SIZES["desk"], SIZES["tablet"], SIZES["phone"]
WAIT_MS = 180_000
"""On an idle machine each thing that is waited for takes moments; a busy one must not make a test fail."""


def chromium_or_skip() -> str:
    """Return where the browser is; without one the test is skipped, or fails where `CI` is set."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    return path


@contextlib.asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    """Open a browser without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
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
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    watched = Watched(host)
    watched.watch(page)
    try:
        yield page
    finally:
        await context.close()
    assert watched.errors == []
    assert watched.strange == []
