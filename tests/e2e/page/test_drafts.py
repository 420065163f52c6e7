"""The inbox: drafts that are edited, approved and rejected, and what somebody has typed meanwhile."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.browser import PHONE, opened
from tests.e2e.page.living import World, call, drafted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="package")]


async def test_a_draft_is_edited_and_approved_on_a_phone(world: World) -> None:
    words = "Warm the bowl first. Then the guests."
    async with opened(world.browser, world.host, world.state, PHONE) as page:
        await page.goto("/#/inbox")
        draft_id = await drafted(page)
        draft = page.locator("article").filter(has=page.locator(f"#draft-{draft_id}"))
        await draft.get_by_role("button", name="Edit").click()
        await draft.get_by_label("What Nonna Pia says").fill(words)
        await draft.get_by_role("button", name="Save and approve").click()
        await expect(draft).to_have_count(0)
        await page.get_by_role("link", name="Feed").click()
        said = page.locator("article.is-post").filter(has_text=words)
        await expect(said).to_contain_text("edited by a person")


async def test_what_somebody_writes_for_a_draft_outlives_the_view_and_what_others_decide(world: World) -> None:
    words = "Nobody but me has these words."
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/inbox")
        draft_id = await drafted(page)
        draft = page.locator("article").filter(has=page.locator(f"#draft-{draft_id}"))
        await draft.get_by_role("button", name="Edit").click()
        field = draft.get_by_label("What Nonna Pia says")
        await field.fill(words)
        await page.get_by_role("link", name="Feed").click()
        await page.get_by_role("link", name="Inbox").click()
        await expect(field).to_have_value(words)
        await _assert_words_outlive(page, draft_id, field, words, "Save and approve")


async def test_why_a_draft_is_rejected_outlives_a_reload_and_what_others_decide(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/inbox")
        draft_id = await drafted(page)
        draft = page.locator("article").filter(has=page.locator(f"#draft-{draft_id}"))
        await draft.get_by_role("button", name="Reject").click()
        field = draft.get_by_label("Why not?")
        await field.fill("nobody bakes at noon")
        await _assert_words_outlive(page, draft_id, field, "nobody bakes at noon", "Reject")


async def test_a_draft_is_rejected_with_a_reason(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/inbox")
        draft_id = await drafted(page)
        draft = page.locator("article").filter(has=page.locator(f"#draft-{draft_id}"))
        await draft.get_by_role("button", name="Reject").click()
        await draft.get_by_label("Why not?").fill("not today")
        await draft.get_by_role("button", name="Reject").click()
        await expect(page.locator(".decided li").filter(has_text="not today")).to_contain_text("rejected")


async def _assert_words_outlive(page: Page, draft_id: str, field: Locator, words: str, button: str) -> None:
    """Assert that what stands in a field is there after a reload, and after others have decided, without its button."""
    draft = page.locator("article").filter(has=page.locator(f"#draft-{draft_id}"))
    await page.reload()
    await expect(field).to_have_value(words)
    await call(page, "POST", f"drafts/{draft_id}/reject", {"comment": "no"})
    await expect(draft.get_by_role("status")).to_contain_text("It was rejected by operator while you wrote.")
    await expect(field).to_have_value(words)
    await expect(draft.get_by_role("button", name=button)).to_have_count(0)
    await draft.get_by_role("button", name="Leave it").click()
    await expect(draft).to_have_count(0)
