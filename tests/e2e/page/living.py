"""A suite that lives, a browser that is signed in there, and what tests of several views do with them."""

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from puppetctl.local.page import sign_in_link
from tests.e2e.browser import WAIT_MS
from tests.e2e.suite import Suite

_ATTEMPTS = 8

expect.set_options(timeout=WAIT_MS)


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


async def call(page: Page, verb: str, path: str, body: object = None) -> Any:
    """Call the gateway beside the page, with its cookie, and return the data."""
    headers = {"X-Puppet-Request": "1", "Request-Timeout": "60"}
    answer = await page.request.fetch(f"/{path}", method=verb, data=body, headers=headers, timeout=WAIT_MS)
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
    async with asyncio.timeout(WAIT_MS / 1000):
        while not await page.evaluate(expression):  # noqa: ASYNC110 - a page has no event for whatever one waits for
            await asyncio.sleep(0.05)


async def signed_in_again(world: World, page: Page) -> None:
    """Let the session expire under a page, and sign in by another link in the same tab."""
    await page.context.clear_cookies()
    await expect(page.get_by_text("puppetctl open")).to_be_visible()
    credential = world.suite.proof.credential
    assert credential is not None
    await page.goto(sign_in_link(world.host, credential))
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert "link" not in page.url
