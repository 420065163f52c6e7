"""What wallets have won and lost, and trading that is halted and resumed."""

import asyncio
import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from puppet.trading.v1 import trading_service_pb2 as pb
from puppetctl.clients import Clients
from puppetctl.clients import opened as clients_of
from services.runtime.ids import new_id
from tests.e2e.browser import PHONE, opened
from tests.e2e.page.living import World, call
from tests.support.waits import WAIT_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]

SOL = "So11111111111111111111111111111111111111112"


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


async def test_what_was_realised_is_a_curve_from_the_first_sale_on(world: World) -> None:
    async with opened(world.browser, world.host, world.state, PHONE) as page:
        await page.goto("/#/money")
        await expect(page.get_by_text("No sale yet")).to_be_visible()
        await call(page, "PATCH", "trading/basil/policy", {"max_daily_trades": 20})
        wallet = await call(page, "GET", "trading/basil/wallet")
        async with clients_of(world.data) as clients:
            mint = (await clients.trading.ListTrendingTokens(pb.ListTrendingTokensRequest(page_size=1))).tokens[0].mint
            bought = await _swapped(clients, wallet["id"], SOL, mint, 10_000_000)
            sales = [await _swapped(clients, wallet["id"], mint, SOL, bought.output_amount // 2) for _ in range(2)]
        realised = sum(sale.realised_pnl_lamports for sale in sales)
        stats = (await call(page, "GET", "trading/basil/stats"))["statistics"]
        assert int(stats["realised_pnl_lamports"]) == realised
        await page.reload()
        of_basil = page.get_by_role("region", name="Wallet of Basil")
        curve = of_basil.get_by_role("img", name="What Basil realised: ")
        await expect(curve).to_have_accessible_name(
            re.compile(r": [+\u2212]?[\d.]+ SOL now, from 0 SOL, by 2 sales; at best ")
        )
        await expect(curve.locator("circle")).to_have_count(2)
        await of_basil.get_by_text("As a table").focus()
        await page.keyboard.press("Enter")
        rows = of_basil.get_by_role("region", name="Sales of Basil").get_by_role("row")
        await expect(rows).to_have_count(3)
        await expect(rows.nth(1).get_by_role("cell").last).to_have_text(re.compile(r"^[+\u2212]?[\d.]+$"))
        for theme in ("light", "dark"):
            await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found = (await Axe().run(page)).response["violations"]
            assert [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}] == []
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


async def _swapped(clients: Clients, wallet_id: str, source: str, target: str, amount: int) -> pb.Trade:
    request = pb.ExecuteTradeRequest(
        wallet_id=wallet_id, input_mint=source, output_mint=target, amount=amount, request_id=new_id("req")
    )
    trade = (await clients.trading.ExecuteTrade(request, timeout=WAIT_SECONDS)).trade
    assert trade.state == pb.TRADE_STATE_SETTLED, trade.state_reason
    return trade


async def _trades(page: Page) -> str:
    return str((await call(page, "GET", "trading/basil/stats"))["statistics"]["trade_count"])
