"""The editor of personas: what is checked, what is kept, and what crosses."""

import re

import pytest
from playwright.async_api import expect

from puppetctl.local.page import sign_in_link
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import PrincipalFiles
from tests.e2e.browser import opened
from tests.e2e.page.living import World, call, signed_in_again
from tests.e2e.suite import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]


async def test_a_persona_is_checked_by_the_schema_and_saved(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/characters/pia/persona")
        chance = page.get_by_label("Reply probability")
        await chance.fill("7")
        await expect(page.locator("#violations")).to_contain_text("behavior.interaction_patterns.reply_probability")
        await expect(page.get_by_role("button", name="Save")).to_be_disabled()
        await chance.fill("0.25")
        await page.get_by_role("button", name="JSON").click()
        whole = page.get_by_label("The whole persona")
        text = await whole.input_value()
        await whole.fill(text + "}")
        await expect(page.locator("#violations")).to_contain_text(re.compile(r"line \d+, column \d+"))
        await whole.fill(text.replace("The night baker", "The early baker"))
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".versions-list li").first).to_contain_text("description")
        persona = (await call(page, "GET", "agents/pia"))["persona"]
        assert persona["behavior"]["interaction_patterns"]["reply_probability"] == 0.25
        assert persona["description"].startswith("The early baker")


async def test_a_change_that_crosses_another_is_told_with_both_versions(world: World) -> None:
    # A refusal by an etag is what this is about, and a browser writes it on its console.
    context = await world.browser.new_context(storage_state=world.state, base_url=f"http://{world.host}")
    page = await context.new_page()
    await page.goto("/#/characters/odd/persona")
    await page.get_by_label("Description").fill("A keeper, as I see him.")
    await call(page, "PUT", "agents/odd/config", {"description": "A keeper, as they see him."})
    await page.get_by_role("button", name="Save").click()
    row = page.locator(".conflict tr").filter(has_text="description")
    await expect(row).to_contain_text("A keeper, as I see him.")
    await expect(row).to_contain_text("A keeper, as they see him.")
    await page.get_by_role("button", name="Save mine over theirs").click()
    await expect(page.locator(".conflict")).to_have_count(0)
    assert (await call(page, "GET", "agents/odd"))["description"] == "A keeper, as I see him."
    await context.close()


async def test_what_somebody_types_into_a_persona_outlives_a_reload_a_session_and_a_live_change(world: World) -> None:
    # An expired session is a refusal, and a browser writes it on its console.
    context = await world.browser.new_context(storage_state=world.state, base_url=f"http://{world.host}")
    page = await context.new_page()
    field = page.get_by_label("Description")
    await page.goto("/#/characters/basil/persona")
    before = await field.input_value()
    await field.fill("A gardener, as I see him.")
    await page.reload()
    await expect(field).to_have_value("A gardener, as I see him.")
    await call(page, "POST", "agents/basil/mood", {"push": {"valence": 0.01}})
    await call(page, "POST", "agents/basil/stop")
    await expect(page.get_by_text("Basil rests. Start it first.")).to_be_visible()
    await call(page, "POST", "agents/basil/start")
    await expect(field).to_have_value("A gardener, as I see him.")
    await signed_in_again(world, page)
    assert page.url.endswith("/#/characters/basil/persona"), "one is where one was"
    await expect(field).to_have_value("A gardener, as I see him.")
    await expect(page.get_by_text("Changed: description")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(field).to_have_value(before)
    await page.get_by_role("button", name="JSON").click()
    whole = page.get_by_label("The whole persona")
    await whole.fill("{ not yet")
    await page.reload()
    await expect(whole).to_have_value("{ not yet")
    await whole.fill('{"id": "basil", "name": "Basil", "solana_integration": {"private_key": "not for a disk"}}')
    assert await page.evaluate("sessionStorage.getItem('typed')") is None
    await page.reload()
    await expect(field).to_have_value(before)
    await field.fill("Only mine.")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("puppetctl open")).to_be_visible()
    assert await page.evaluate("sessionStorage.getItem('typed')") is None
    await context.close()


async def test_what_somebody_types_is_shown_to_nobody_else(world: World) -> None:
    context = await world.browser.new_context(storage_state=world.state, base_url=f"http://{world.host}")
    page = await context.new_page()
    await page.goto("/#/characters/odd/persona")
    await page.get_by_label("Description").fill("Nobody's business.")
    await page.reload()
    await expect(page.get_by_label("Description")).to_have_value("Nobody's business.")
    await page.context.clear_cookies()
    code, said = await run("principals", "add", "guest", "--kind", "reader", "--data", str(world.data))
    assert code == 0, said
    await page.goto(
        sign_in_link(world.host, Credential.read(PrincipalFiles(world.data / "auth").credential_path("guest")))
    )
    await expect(page.get_by_text("Signed in as guest")).to_be_visible()
    assert await page.evaluate("sessionStorage.getItem('typed')") is None
    await context.close()
