"""Who sees what on the page, and how one gets in."""

import pytest
from playwright.async_api import expect

from puppetctl.local.page import sign_in_link
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import PrincipalFiles
from tests.e2e.browser import opened
from tests.e2e.page.living import World
from tests.e2e.suite import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]


async def test_without_a_link_the_page_says_how_to_get_one(world: World) -> None:
    context = await world.browser.new_context(base_url=f"http://{world.host}")
    page = await context.new_page()
    await page.goto("/")
    await expect(page.get_by_text("puppetctl open")).to_be_visible()
    await page.goto("/#link=nonsense")
    await expect(page.get_by_role("alert")).to_contain_text("Sign in again by a link of “puppetctl open”.")
    await context.close()


async def test_who_may_see_one_character_sees_that_one_and_changes_nothing(world: World) -> None:
    code, said = await run("principals", "add", "viewer", "--agent", "odd", "--data", str(world.data))
    assert code == 0, said
    credential = Credential.read(PrincipalFiles(world.data / "auth").credential_path("viewer"))
    async with opened(world.browser, world.host, None) as page:
        await page.goto(sign_in_link(world.host, credential))
        await expect(page.locator("article").first).to_be_visible()
        assert set(await page.locator("article .entry-who > .name").all_inner_texts()) == {"Odd Halvorsen"}
        await expect(page.get_by_role("button", name="Halt")).to_be_disabled()
        await page.get_by_role("link", name="Characters").click()
        await expect(page.locator(".card")).to_have_count(1)
        await expect(page.get_by_role("button", name="Stop Odd Halvorsen")).to_be_disabled()


async def test_who_is_signed_in_is_asked_for_again_when_nobody_could_say(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.add_init_script(
            """
            const [asked, refusal] = [window.fetch, { code: "UNAVAILABLE", message: "not now" }];
            let failures = 1;
            window.fetch = (path, options) => path === "session" && failures-- > 0
                ? Promise.resolve(new Response(JSON.stringify({ status: "error", error: refusal }), { status: 503 }))
                : asked(path, options);
            """
        )
        await page.goto("/")
        await expect(page.get_by_text("Not now")).to_be_visible()
        await expect(page.locator("article").first).to_be_visible()
