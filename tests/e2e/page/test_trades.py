"""Trading, halted and resumed on the page."""

import pytest
from playwright.async_api import expect

from tests.e2e.browser import PHONE, opened
from tests.e2e.page.living import World, call

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]


async def test_the_halt_asks_once_more_and_is_lifted(world: World) -> None:
    async with opened(world.browser, world.host, world.state, PHONE) as page:
        await page.goto("/")
        await page.get_by_role("button", name="Halt").click()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert not (await call(page, "GET", "status"))["trading"]["is_halted_for_all"]
        await page.get_by_role("button", name="Halt").click()
        await page.get_by_label("Why, for whoever looks later").fill("a drill")
        await page.get_by_role("button", name="Halt now").click()
        await expect(page.get_by_text("Trading is halted.")).to_be_visible()
        wallets = (await call(page, "GET", "trading/wallets"))["wallets"]
        assert [wallet["halt"]["reason"] for wallet in wallets] == ["a drill"]
        await page.get_by_role("button", name="Resume trading").click()
        await expect(page.get_by_text("Trading is halted.")).to_have_count(0)
