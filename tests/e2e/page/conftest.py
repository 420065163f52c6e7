"""The suite that all tests of the page share, with somebody who is signed in."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from puppetctl.local.page import sign_in_link
from tests.conftest import ROOT
from tests.e2e.browser import chromium, chromium_or_skip
from tests.e2e.page.living import World
from tests.e2e.suite import started


@pytest_asyncio.fixture(scope="package", loop_scope="package")
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
