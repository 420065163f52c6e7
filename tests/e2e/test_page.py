"""The page that the gateway serves, in a real browser, over a suite that lives at the demo's pace."""

import asyncio
import itertools
import json
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from puppetctl.local.page import sign_in_link
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import PrincipalFiles
from tests.conftest import ROOT
from tests.e2e.browser import DESK, PHONE, TABLET, chromium, chromium_or_skip, opened
from tests.e2e.suite import Suite, run, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

# On an idle machine each of these takes moments; a busy one must not make a test fail.
expect.set_options(timeout=90_000)
_ATTEMPTS = 8
_MS = 90_000

VIEWS = ("feed", "inbox", "characters", "trades", "money")
SIDES = ("life", "posts", "memories", "persona", "costs")
PAGES = (*VIEWS, *(f"characters/basil/{side}" for side in SIDES))
SERIOUS = {"serious", "critical"}
SMALL = (360, 420)
DRAWN = "document.querySelector('main h1') && !document.querySelector('main .skeleton')"
BROKEN = """[...document.querySelectorAll("nav a")].filter((link) => {
    const range = document.createRange();
    range.selectNodeContents(link.querySelector("span") ?? link);
    return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1;
}).map((link) => link.textContent)"""
"""Names of places that don't stand in one line."""


@dataclass(frozen=True)
class World:
    """A suite, a browser, and the cookie of whoever is signed in."""

    suite: Suite
    browser: Browser
    state: Any
    data: Path

    @property
    def host(self) -> str:
        return self.suite.address("gateway")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Start the suite once, with a character whose posts wait for a person, and sign in as a person does."""
    path = chromium_or_skip()
    folder = tmp_path_factory.mktemp("page")
    arguments = ("--personas", str(_personas(folder)), "--plain")
    async with started(folder / "data", *arguments) as suite, chromium(path) as browser:
        await suite.says("Data and logs")
        credential = suite.proof.credential
        assert credential is not None
        page = await browser.new_page()
        await page.goto(sign_in_link(suite.address("gateway"), credential))
        await expect(page.get_by_role("heading", name="What they do")).to_be_visible()
        assert "link" not in page.url
        state = await page.context.storage_state()
        await page.context.close()
        yield World(suite, browser, state, folder / "data")


def _personas(folder: Path) -> Path:
    personas = folder / "personas"
    personas.mkdir()
    for name, approval in (("odd", "none"), ("basil", "none"), ("pia", "posts")):
        persona = json.loads((ROOT / "personas" / f"{name}.json").read_text())
        (personas / f"{name}.json").write_text(json.dumps(persona | {"approval": approval}))
    return personas


async def call(page: Page, verb: str, path: str, body: object = None) -> Any:
    """Call the gateway beside the page, with its cookie, and return the data."""
    headers = {"X-Puppet-Request": "1", "Request-Timeout": "60"}
    answer = await page.request.fetch(f"/{path}", method=verb, data=body, headers=headers, timeout=_MS)
    content = await answer.json()
    assert answer.ok, content
    return content["data"]


async def triggered(page: Page, agent: str, topic: str) -> Any:
    """Let a character post, and return the activity that came of it, whatever it was."""
    body = {"topic": topic, "request_id": f"{agent}-{topic}"}
    for _ in range(_ATTEMPTS):
        # The same request again asks after the same workflow.
        if activity := (await call(page, "POST", f"agents/{agent}/post", body)).get("activity"):
            return activity
    raise AssertionError(f"{agent} was never done with {topic}")


_LOAVES = itertools.count()


async def drafted(page: Page) -> str:
    """Return the id of a draft of Nonna Pia's; where none waits she is asked until something is good enough."""
    for _ in range(_ATTEMPTS):
        if waiting := (await call(page, "GET", "drafts?states=WAITING&agent_ids=pia"))["drafts"]:
            return str(waiting[0]["id"])
        # A topic of another test's would be its request once more, and its draft, about which it has decided.
        activity = await triggered(page, "pia", f"bread {next(_LOAVES)}")
        if draft := activity.get("draft"):
            return str(draft["draft_id"])
    raise AssertionError("nothing good came of it")


async def until(page: Page, expression: str) -> None:
    """Wait until an expression is true in a page; Playwright's own way to wait is stopped by the page's policy."""
    async with asyncio.timeout(_MS / 1000):
        while not await page.evaluate(expression):  # noqa: ASYNC110 - a page has no event for whatever one waits for
            await asyncio.sleep(0.05)


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
        await page.reload()
        await expect(field).to_have_value(words)
        await call(page, "POST", f"drafts/{draft_id}/reject", {"comment": "no"})
        await expect(draft.get_by_role("status")).to_contain_text("It was rejected by operator while you wrote.")
        await expect(field).to_have_value(words)
        await expect(draft.get_by_role("button", name="Save and approve")).to_have_count(0)
        await draft.get_by_role("button", name="Leave it").click()
        await expect(draft).to_have_count(0)


async def signed_in_again(world: World, page: Page) -> None:
    """Let the session expire under a page, and sign in by another link in the same tab."""
    await page.context.clear_cookies()
    await expect(page.get_by_text("puppetctl open")).to_be_visible()
    credential = world.suite.proof.credential
    assert credential is not None
    await page.goto(sign_in_link(world.host, credential))
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert "link" not in page.url


async def test_why_a_draft_is_rejected_outlives_a_reload_and_what_others_decide(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/inbox")
        draft_id = await drafted(page)
        draft = page.locator("article").filter(has=page.locator(f"#draft-{draft_id}"))
        await draft.get_by_role("button", name="Reject").click()
        field = draft.get_by_label("Why not?")
        await field.fill("nobody bakes at noon")
        await page.reload()
        await expect(field).to_have_value("nobody bakes at noon")
        await call(page, "POST", f"drafts/{draft_id}/reject", {"comment": "no"})
        await expect(draft.get_by_role("status")).to_contain_text("It was rejected by operator while you wrote.")
        await expect(field).to_have_value("nobody bakes at noon")
        await expect(draft.get_by_role("button", name="Reject")).to_have_count(0)
        await draft.get_by_role("button", name="Leave it").click()
        await expect(draft).to_have_count(0)


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


async def test_a_link_that_was_cut_leads_somewhere(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/characters/%E0%A4%A")
        await expect(page.get_by_role("heading", name="Nobody is called “%E0%A4%A”")).to_be_visible()


async def test_a_draft_is_rejected_with_a_reason(world: World) -> None:
    async with opened(world.browser, world.host, world.state) as page:
        await page.goto("/#/inbox")
        draft_id = await drafted(page)
        draft = page.locator("article").filter(has=page.locator(f"#draft-{draft_id}"))
        await draft.get_by_role("button", name="Reject").click()
        await draft.get_by_label("Why not?").fill("not today")
        await draft.get_by_role("button", name="Reject").click()
        await expect(page.locator(".decided li").filter(has_text="not today")).to_contain_text("rejected")


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
