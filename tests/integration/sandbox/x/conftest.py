"""A running X sandbox with two accounts."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.x import Sandbox, XClient


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    timeout = aiohttp.ClientTimeout(total=10)
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path))
    async with listening(app) as url, aiohttp.ClientSession(timeout=timeout) as session:
        yield Sandbox(url, session)


@pytest.fixture
async def ann(sandbox: Sandbox) -> XClient:
    return await sandbox.account("ann")


@pytest.fixture
async def bob(sandbox: Sandbox) -> XClient:
    return await sandbox.account("bob")
