"""The page of a character: its memories, and whether it lives."""

import pytest
from playwright.async_api import expect

from tests.e2e.browser import PHONE, opened
from tests.e2e.page.living import World, call

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]


async def test_a_link_that_was_cut_leads_somewhere(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/characters/%E0%A4%A")
        await expect(page.get_by_role("heading", name="Nobody is called “%E0%A4%A”")).to_be_visible()


async def test_a_memory_is_found_and_the_search_says_by_what(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/characters/odd/memories")
        await page.get_by_role("searchbox").fill("the lamp at night")
        await page.keyboard.press("Enter")
        found = page.locator(".memories > li").first
        await expect(found).to_contain_text("lamp")
        await expect(found).to_contain_text("has the words of the query")


async def test_what_others_write_is_shown_as_text(world: World) -> None:
    text = "<img src=x onerror=\"document.title='stolen'\"> & <b>bold</b>"
    async with opened(world.browser, world.host, world.state) as page:
        body = {"text": text, "kind": "GENERAL", "provenance": "EXTERNAL", "author": "x:1"}
        await call(page, "POST", "memory/odd", body)
        await page.goto("/#/characters/odd/memories")
        await expect(page.get_by_text(text)).to_be_visible()
        assert await page.locator("main img, .memories b").count() == 0


async def test_a_character_is_stopped_and_started(world: World) -> None:
    async with opened(world.browser, world.host, world.state, PHONE) as page:
        await page.goto("/#/characters/odd")
        await page.get_by_role("button", name="Stop Odd Halvorsen").click()
        await expect(page.get_by_text("Odd Halvorsen rests. Start it first.")).to_be_visible()
        assert not (await call(page, "GET", "agents/odd"))["is_active"]
        await page.get_by_role("button", name="Start Odd Halvorsen").click()
        await expect(page.get_by_role("button", name="Stop Odd Halvorsen")).to_be_visible()
        assert (await call(page, "GET", "agents/odd"))["is_active"]
