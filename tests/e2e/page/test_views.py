"""What every view has: keys, themes, labels, and room on small screens."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.e2e.browser import DESK, PHONE, TABLET, opened
from tests.e2e.page.living import World, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]

VIEWS = ("feed", "inbox", "characters", "trades", "money")
SIDES = ("life", "posts", "memories", "persona", "costs")
PAGES = (*VIEWS, *(f"characters/basil/{side}" for side in SIDES))
SERIOUS = {"serious", "critical"}
DRAWN = "document.querySelector('main h1') && !document.querySelector('main .skeleton')"
BROKEN = """[...document.querySelectorAll("nav a")].filter((link) => {
    const range = document.createRange();
    range.selectNodeContents(link.querySelector("span") ?? link);
    return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1;
}).map((link) => link.textContent)"""
"""Names of places that don't stand in one line."""


async def test_the_page_is_used_by_keyboard_alone(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/")
        await expect(page.locator("article").first).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#main")).to_be_focused()
        await page.keyboard.press("j")
        await expect(page.locator("article:focus")).to_have_count(1)
        await page.keyboard.press("g")
        await page.keyboard.press("c")
        await expect(page.get_by_role("heading", name="The characters")).to_be_focused()


async def test_the_theme_is_chosen_and_kept(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/")
        await page.get_by_role("button", name="Make it dark").click()
        await page.reload()
        await expect(page.get_by_role("button", name="Make it light")).to_be_visible()
        assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


@pytest.mark.parametrize(("theme", "size"), [("light", DESK), ("dark", PHONE), ("light", TABLET)])
async def test_every_view_is_accessible_and_fits(world: World, theme: Any, size: tuple[int, int]) -> None:
    found: list[str] = []
    async with opened(world.browser, world.host, world.state, size) as page:
        await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for view in PAGES:
            await page.goto(f"/#/{view}")
            await until(page, DRAWN)
            results = await Axe().run(page)
            found += [
                f"{view}: {rule['id']}: {rule['nodes'][0]['html'][:200]}"
                for rule in results.response["violations"]
                if rule["impact"] in SERIOUS
            ]
            wide = await page.evaluate("document.documentElement.scrollWidth")
            if wide > size[0]:
                found.append(f"{view}: {wide} wide")
            found += [f"{view}: {name} is broken" for name in await page.evaluate(BROKEN)]
    assert found == []


async def test_the_description_of_the_api_fits_a_phone(world: World) -> None:
    async with opened(world.browser, world.host, world.state, PHONE) as page:
        await page.goto("/docs.html")
        await expect(page.locator("#operations h2").first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


async def test_a_sign_of_several_characters_is_not_cut(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/")
        told = await page.evaluate(
            """async () => {
                const { shortened, signs } = await import("/parts/words.js");
                return [signs("👩‍🚀é🌸"), shortened("👩‍🚀🌸🌸", 2), shortened("🌸🌸", 2)];
            }"""
        )
    assert told == [["👩‍🚀", "é", "🌸"], "👩‍🚀…", "🌸🌸"]


async def test_what_others_write_runs_in_its_own_direction(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/")
        entry = page.locator("article p").first
        await expect(entry).to_be_visible()
        assert await entry.evaluate("it => getComputedStyle(it).unicodeBidi") == "plaintext"
