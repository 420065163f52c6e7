"""Takes the pictures in `docs/images` of a running suite: `python -m tools.screenshots "$(puppetctl open --print)"`.

With Debian's `fonts-inter`, `fonts-urw-base35` and `pngquant` they look like those before them, and are as small.
"""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.async_api import Page, async_playwright

from tools.browser import ARGUMENTS, INSTALL, SIZES, find_chromium

FOLDER = Path(__file__).parents[1] / "docs" / "images"

SHOTS: tuple[tuple[str, str, str, Literal["light", "dark"]], ...] = (
    *(("feed", "feed", size, "light") for size in SIZES),
    *(("feed", "feed", size, "dark") for size in SIZES),
    ("why", "feed", "desk", "light"),
    ("inbox", "inbox", "phone", "light"),
    ("inbox", "inbox", "tablet", "dark"),
    ("characters", "characters", "desk", "light"),
    ("character", "characters/odd", "desk", "dark"),
    ("character", "characters/odd", "phone", "light"),
    ("memories", "characters/odd/memories", "desk", "light"),
    ("persona", "characters/pia/persona", "tablet", "light"),
    ("trades", "trades", "desk", "light"),
    ("trades", "trades", "phone", "dark"),
    ("budgets", "money", "desk", "dark"),
    ("halt", "feed", "phone", "dark"),
)
"""What each is called, which view it shows, at which size, in which theme."""

_DRAWN = "Boolean(document.querySelector('main h1')) && !document.querySelector('main .skeleton')"


async def main(link: str) -> None:
    """Sign in by a link, and take all pictures."""
    path = find_chromium()
    if path is None:
        sys.exit(INSTALL)
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        page = await browser.new_page(base_url=f"http://{urlsplit(link).netloc}", reduced_motion="reduce")
        await page.goto(link)
        await page.get_by_role("heading", name="What they do").wait_for()
        for name, view, size, theme in SHOTS:
            width, height = SIZES[size]
            await page.set_viewport_size({"width": width, "height": height})
            await page.emulate_media(color_scheme=theme)
            await page.goto(f"/#/{view}")
            await page.reload()
            await _until_drawn(page)
            await _prepare(page, name)
            await page.screenshot(path=FOLDER / f"{name}-{size}-{theme}.png", animations="disabled")
        await browser.close()


def shrink() -> None:
    """Make the pictures small, where pngquant is installed."""
    if pngquant := shutil.which("pngquant"):
        pictures = [str(path) for path in FOLDER.glob("*.png")]
        command = (pngquant, "--force", "--ext=.png", "--skip-if-larger", "--quality=80-100", *pictures)
        subprocess.run(command, check=False)  # noqa: S603 - the names are ours


async def _prepare(page: Page, name: str) -> None:
    """Bring a view to what its picture is about."""
    if name == "why":
        await page.locator("article.is-post, article.is-reply").first.get_by_role("button", name="Why").click()
    elif name == "memories":
        await page.get_by_role("searchbox").fill("the lamp at night")
        await page.keyboard.press("Enter")
        await page.locator(".parts").first.wait_for()
    elif name == "halt":
        await page.get_by_role("button", name="Halt").click()
    await _until_drawn(page)


async def _until_drawn(page: Page) -> None:
    # The page's policy stops Playwright's own way to wait for an expression.
    while not await page.evaluate(_DRAWN):  # noqa: ASYNC110 - another process has no event
        await asyncio.sleep(0.1)
    # Sparklines and figures beside the view come with calls of their own.
    await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    shrink()
