"""A character is deleted and restored while the services, and the command itself, are killed in the middle of it."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppetctl import web
from puppetctl.clients import Clients, connected, find_agent
from tests.e2e.suite import Suite, run, started

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PASSPHRASE = {"PUPPET_CTL_PASSPHRASE": "correct horse battery"}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def begun(suite: Suite, *arguments: str) -> asyncio.subprocess.Process:
    """Start a command of puppetctl."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "puppetctl", *arguments),
        env=suite.environment() | PASSPHRASE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def test_a_kill_in_the_middle_of_a_deletion_and_of_a_restoration_leaves_nothing_half_done(tmp_path: Path) -> None:
    file = str(tmp_path / "odd.puppet")
    # So slow that nobody does anything unasked.
    async with started(tmp_path / "data", "--speed", "0.01") as suite:
        await suite.says("Data and logs")
        where = {name: suite.address(name) for name in ("agents", "llm", "memory", "social", "trading")}
        async with connected(where, suite.proof) as clients:
            await post(clients, "one")
            environment = suite.environment() | PASSPHRASE
            code, output = await run("stop", "--all", environment=environment)
            assert code == 0, output
            before = Counter(await all_posts(suite))
            code, output = await run("backup", "odd", "--output", file, "--secrets", environment=environment)
            assert code == 0, output

            # The memory service sleeps, so that the deletion waits for it, and the agents service dies over that.
            memory = suite.pid("memory")
            os.kill(memory, signal.SIGSTOP)
            deleting = await begun(suite, "delete", "odd", "--yes")
            await until(lambda: is_without_account(clients))
            suite.kill("agents")
            await suite.says("agents is healthy again")
            assert not await is_gone(clients)
            os.kill(memory, signal.SIGCONT)
            await until(lambda: is_gone(clients))
            await deleting.wait()

            # Restoring waits for it too, after the account has come, and is killed there, as the social service is.
            memory = suite.pid("memory")
            os.kill(memory, signal.SIGSTOP)
            restoring = await begun(suite, "restore", file)
            await until(lambda: is_with_account(clients))
            restoring.kill()
            suite.kill("social")
            os.kill(memory, signal.SIGCONT)
            await restoring.wait()
            assert await is_gone(clients)
            await suite.says("social is healthy again")
            code, output = await run("restore", file, "--start", environment=environment)
            assert code == 0, output
            assert "odd: restored, and started" in output
            code, output = await run("restore", file, environment=environment)
            assert (code, "was restored from this archive before" in output) == (0, True), output

            # What it had done it doesn't do again, and it goes on.
            again = await post(clients, "one")
            assert Counter(await all_posts(suite)) >= before
            new = await post(clients, "two")
            assert new.activity.HasField("post"), new
            assert again.activity.post.network_post_id != new.activity.post.network_post_id
            assert max(Counter(await all_posts(suite)).values()) == 1


async def all_posts(suite: Suite) -> list[str]:
    url = f"http://{suite.address('sandbox.x')}/_sandbox/posts?after_id=0"
    return [post["text"] for post in (await web.get(url, suite.token("sandbox.x")))["posts"]]


async def post(clients: Clients, request_id: str) -> pb.TriggerPostResponse:
    request = pb.TriggerPostRequest(agent_id="odd", request_id=request_id)
    return await clients.agents.TriggerPost(request, timeout=120)


async def accounts_of(clients: Clients) -> int:
    return len((await clients.social.ListAccounts(social_pb.ListAccountsRequest(agent_id="odd"))).accounts)


async def is_without_account(clients: Clients) -> bool:
    return not await accounts_of(clients)


async def is_with_account(clients: Clients) -> bool:
    return bool(await accounts_of(clients))


async def is_gone(clients: Clients) -> bool:
    return await find_agent(clients, "odd") is None
