"""What the page says of services that are down."""

import signal

import pytest
from playwright.async_api import expect

from tests.e2e.browser import opened
from tests.e2e.page.living import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]


async def test_a_killed_service_shows_as_degraded_and_recovers(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/")
        state = page.locator(".masthead .state")
        await expect(state).to_have_text("Live")
        # While puppetctl stands still it starts nothing again.
        world.suite.send(signal.SIGSTOP)
        try:
            world.suite.kill("memory")
            await expect(state).to_have_text("memory down")
            await expect(page.get_by_role("alert")).to_contain_text("Degraded: memory")
        finally:
            world.suite.send(signal.SIGCONT)
        await expect(state).to_have_text("Live")
        await expect(page.get_by_role("alert")).to_have_count(0)
