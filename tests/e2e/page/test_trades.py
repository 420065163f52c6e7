"""What wallets have won and lost, and trading that is halted and resumed."""

import asyncio

import pytest
from playwright.async_api import Page, expect

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


async def test_what_each_wallet_has_won_and_lost_stands_beside_the_budgets(world: World) -> None:
    async with opened(world.browser, world.host, world.state, PHONE) as page:
        await page.goto("/#/money")
        row = page.get_by_role("region", name="Profit and loss of each wallet").get_by_role("row", name="Basil")
        async with asyncio.timeout(90):
            while await row.get_by_role("cell").first.inner_text() != await _trades(page):  # noqa: ASYNC110 - a page has no event for it
                # It trades while this looks, and the page follows.
                await asyncio.sleep(0.1)
        await expect(row.get_by_role("cell")).to_have_count(5)


async def _trades(page: Page) -> str:
    return str((await call(page, "GET", "trading/basil/stats"))["statistics"]["trade_count"])
