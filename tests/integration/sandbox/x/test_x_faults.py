"""The faults of X as a client meets them, and what outlives a killed server."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from tweepy import Forbidden, TooManyRequests, TwitterServerError
from uvicorn.config import HTTPProtocolType

from sandbox.x.accounts import Accounts
from sandbox.x.app import build_x_app
from sandbox.x.database import Database
from sandbox.x.posts import Posts
from sandbox.x.settings import XSettings
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox, XClient

_POST = "POST /2/tweets"
_WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from sandbox.x.accounts import Accounts
from sandbox.x.app import build_x_app
from sandbox.x.database import Database
from sandbox.x.posts import NewPost, Posts

database = Database(Path(sys.argv[1]))
accounts = Accounts(database)
user, _ = accounts.create("ann", "Ann", "")
print(Posts(database, accounts).create(user, NewPost("last words")).id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


async def posted(sandbox: Sandbox) -> list[str]:
    return [post["text"] for post in (await sandbox.call("GET", "/_sandbox/posts"))[1]["posts"]]


async def test_a_lost_answer_leaves_one_post_and_the_retry_is_a_duplicate(sandbox: Sandbox, ann: XClient) -> None:
    await sandbox.fault(kind="lost_answer", route=_POST, times=1, seconds=0)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await ann.create_tweet(text="hello")
    assert await posted(sandbox) == ["hello"]
    with pytest.raises(Forbidden, match="duplicate"):
        await ann.create_tweet(text="hello")


@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_either_http_parser_drops_the_connection(
    sandbox: Sandbox, tmp_path: Path, http: HTTPProtocolType
) -> None:
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / http))
    async with listening(app, http) as url:
        other = Sandbox(url, sandbox.session)
        await other.fault(kind="lost_answer", times=1, seconds=0)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await other.call("POST", "/2/tweets")  # aiohttp would try a GET again by itself
        assert (await other.call("POST", "/2/tweets"))[0] == 401


async def test_a_caller_who_doesnt_wait_for_the_lost_answer_has_posted_as_well(sandbox: Sandbox, ann: XClient) -> None:
    await sandbox.fault(kind="lost_answer", route=_POST, times=1, seconds=60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await ann.create_tweet(text="hello")
    assert await posted(sandbox) == ["hello"]


async def test_a_refused_post_isnt_there_and_can_be_tried_again(sandbox: Sandbox, ann: XClient) -> None:
    await sandbox.fault(kind="status", status=503, route=_POST, times=1)
    with pytest.raises(TwitterServerError):
        await ann.create_tweet(text="hello")
    assert await posted(sandbox) == []
    await ann.create_tweet(text="hello")


async def test_an_html_error_page_is_html(sandbox: Sandbox, ann: XClient) -> None:
    await sandbox.fault(kind="status", status=502, html=True, route=_POST, times=1)
    with pytest.raises(aiohttp.ContentTypeError):
        await ann.create_tweet(text="hello")


async def test_a_switched_on_429_tells_when_to_come_back(sandbox: Sandbox, ann: XClient) -> None:
    await sandbox.fault(kind="status", status=429, route=_POST, times=1, seconds=5)
    with pytest.raises(TooManyRequests):
        await ann.create_tweet(text="hello")


async def test_a_late_post_is_answered_hidden_and_already_a_duplicate(sandbox: Sandbox, ann: XClient) -> None:
    await sandbox.fault(kind="late_visibility", route=_POST, times=1, seconds=60)
    created = (await ann.create_tweet(text="hello"))["data"]
    assert "errors" in await ann.get_tweet(created["id"])
    timeline = await ann.get_users_tweets(ann.id, user_auth=True)
    assert timeline == {"meta": {"result_count": 0}}
    assert await posted(sandbox) == []
    with pytest.raises(Forbidden, match="duplicate"):
        await ann.create_tweet(text="hello")
    await ann.create_tweet(text="on time")
    assert await posted(sandbox) == ["on time"]


async def test_a_late_post_appears(sandbox: Sandbox, ann: XClient) -> None:
    await sandbox.fault(kind="late_visibility", route=_POST, times=1, seconds=0.2)
    await ann.create_tweet(text="hello")
    assert await posted(sandbox) == []
    async with asyncio.timeout(WAIT_SECONDS):
        while not await posted(sandbox):
            pass


async def test_a_dropped_post_is_answered_and_never_appears(sandbox: Sandbox, ann: XClient) -> None:
    await sandbox.fault(kind="dropped", route=_POST, times=1)
    created = (await ann.create_tweet(text="hello"))["data"]
    assert "errors" in await ann.get_tweet(created["id"])
    await ann.create_tweet(text="hello")


async def test_a_post_outlives_a_kill_right_after_it_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITE_AND_DIE, str(path), stdout=asyncio.subprocess.PIPE, cwd=Path.cwd()
    )
    answered, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL
    database = Database(path)
    accounts = Accounts(database)
    found = Posts(database, accounts).get(int(answered))
    database.close()
    assert found is not None
    assert found.text == "last words"
