"""The feed: what is new, what moves, and what is told once."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.browser import opened
from tests.e2e.page.living import World, triggered, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]

SMALL = (360, 420)


async def test_the_feed_updates_live(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/")
        await expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
        activity = await triggered(page, "odd", "the lamp")
        entry = page.locator(f"article#{activity['id']}")
        await expect(entry).to_contain_text("Odd Halvorsen")
        await entry.get_by_role("button", name="Why").click()
        await expect(entry.get_by_label("Why", exact=True)).to_contain_text("Somebody asked for it, by operator")


async def test_what_is_new_does_not_move_what_somebody_reads(world: World) -> None:
    async with opened(world.browser, world.host, world.state, SMALL) as page:
        await page.goto("/")
        await expect(page.locator("article").nth(2)).to_be_visible()
        await page.evaluate("window.scrollTo(0, 240)")
        await until(page, "window.scrollY > 200")
        read = page.locator("article").nth(2)
        name = await read.get_attribute("id")
        before = await page.evaluate(f"document.querySelector('#{name}').getBoundingClientRect().top")
        activity = await triggered(page, "odd", "gulls")
        pill = page.get_by_role("button", name=re.compile(r"\d+ new"))
        await expect(pill).to_be_visible()
        after = await page.evaluate(f"document.querySelector('#{name}').getBoundingClientRect().top")
        assert after == before
        await pill.click()
        await expect(page.locator(f"article#{activity['id']}")).to_be_visible()
        await until(page, "window.scrollY < 40")


async def test_what_fails_again_and_again_for_one_reason_is_one_entry(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/")
        told = await page.evaluate(
            """async () => {
                const { folded, threadsOf } = await import("/parts/threads.js");
                const one = (id, kind, reason) => ({ id, kind: `ACTIVITY_KIND_${kind}`, reason });
                const log = [
                    one("a", "FAILURE", "no answer in 3 s"), one("b", "PASS", "sleeps"),
                    one("c", "FAILURE", "no answer in 40 s"), one("d", "POST", "fog"),
                    one("e", "FAILURE", "no answer in 3 s"), one("f", "POST", "fog"),
                    one("g", "PASS", ""), one("h", "PASS", ""),
                ];
                const told = ({ key, entries, like }) => `${entries[0].activity.id} ${like.length} ${key}`;
                return folded(threadsOf(log)).map(told);
            }"""
        )
        assert told == ["a 1 c", "b 0 b", "d 0 d", "e 0 e", "f 0 f", "g 0 g", "h 0 h"]
