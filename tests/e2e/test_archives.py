"""A character is deleted and restored while the services, and the command itself, are killed in the middle of it."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppetctl import web
from puppetctl.clients import Clients, connected, find_agent
from puppetctl.suite import SERVICES
from tests.e2e.suite import Suite, run, started
from tests.support.waits import WAIT_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PASSPHRASE = {"PUPPET_CTL_PASSPHRASE": "correct horse battery"}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
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
        where = {name: suite.address(name) for name in SERVICES}
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


async def test_wherever_a_backup_and_a_restoration_are_killed_the_next_one_makes_it_whole(tmp_path: Path) -> None:
    file = tmp_path / "odd.puppet"
    async with started(tmp_path / "data", "--speed", "0.01") as suite:
        await suite.says("Data and logs")
        where = {name: suite.address(name) for name in SERVICES}
        async with connected(where, suite.proof) as clients:
            await lives(clients)
            environment = suite.environment() | PASSPHRASE
            code, output = await run("stop", "--all", environment=environment)
            assert code == 0, output
            backup = ("backup", "odd", "--output", str(file), "--secrets", "--force")
            code, output = await run(*backup, environment=environment)
            assert code == 0, output
            whole, had, posts = file.read_bytes(), await belongings(clients), Counter(await all_posts(suite))

            # A backup that is killed while it waits for a service leaves the file that was there.
            for name in ("social", "memory"):
                stopped = suite.pid(name)
                os.kill(stopped, signal.SIGSTOP)
                writing = await begun(suite, *backup)
                await until(lambda: there(tmp_path / "odd.puppet.part"))
                writing.kill()
                await writing.wait()
                os.kill(stopped, signal.SIGCONT)
                assert file.read_bytes() == whole
            code, output = await run(*backup, environment=environment)
            assert code == 0, output
            assert not (tmp_path / "odd.puppet.part").exists()
            assert file.read_bytes() != whole

            # A restoration is killed while it waits for a service, and that service with it.
            for name in ("social", "memory"):
                code, output = await run("delete", "odd", "--yes", environment=environment)
                assert code == 0, output
                stopped = suite.pid(name)
                os.kill(stopped, signal.SIGSTOP)
                restoring = await begun(suite, "restore", str(file))
                await until(partial(waits_for, restoring, suite.address(name)))
                restoring.kill()
                await restoring.wait()
                lines = len(suite.lines)
                os.kill(stopped, signal.SIGKILL)
                await suite.says(f"{name} is healthy again", lines)
                assert await is_gone(clients)
                code, output = await run("restore", str(file), environment=environment)
                assert code == 0, output
                assert "odd: restored, and stopped" in output
                assert await belongings(clients) == had
            code, output = await run("restore", str(file), "--start", environment=environment)
            assert (code, "was restored from this archive before" in output) == (0, True), output
            await lives(clients)
            assert Counter(await all_posts(suite)) == posts


async def lives(clients: Clients) -> None:
    """Let the character feel and say something, once for however many calls."""
    mood = pb.AdjustMoodRequest(agent_id="odd", push=pb.MoodPush(valence=0.1), request_id="mood")
    await clients.agents.AdjustMood(mood)
    [account] = (await clients.social.ListAccounts(social_pb.ListAccountsRequest(agent_id="odd"))).accounts
    request = social_pb.CreatePostRequest(account_id=account.id, text="the lamp turns.", request_id="one")
    answer = await clients.social.CreatePost(request)

    async def is_settled() -> bool:
        found = await clients.social.GetPost(social_pb.GetPostRequest(id=answer.post.id))
        return found.post.state == social_pb.POST_STATE_SETTLED

    await until(is_settled)


async def belongings(clients: Clients) -> dict[str, object]:
    """Return what the services have of the character, without what tells that it was moved."""
    memories = await clients.memory.ListMemories(memory_pb.ListMemoriesRequest(agent_id="odd", page_size=500))
    known = await clients.relationships.ListRelationships(
        relationship_pb.ListRelationshipsRequest(agent_id="odd", page_size=500)
    )
    [account] = (await clients.social.ListAccounts(social_pb.ListAccountsRequest(agent_id="odd"))).accounts
    posts = await clients.social.ListPosts(social_pb.ListPostsRequest(account_id=account.id, page_size=500))
    log = await clients.agents.ListActivity(pb.ListActivityRequest(agent_ids=["odd"], page_size=500))
    return {
        "account": (account.id, account.network_user_id),
        "memories": sorted(memory.id for memory in memories.memories),
        "relationships": sorted(one.counterpart for one in known.relationships),
        "posts": sorted(one.id for one in posts.posts),
        "log": sorted(one.workflow_id for one in log.activities if one.kind != log_pb.ACTIVITY_KIND_LIFECYCLE),
    }


async def there(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


async def waits_for(process: asyncio.subprocess.Process, address: str) -> bool:
    """Say whether a process has a connection to this address, where nobody answers."""
    port = int(address.rpartition(":")[2])
    try:
        found = await asyncio.to_thread(psutil.Process(process.pid).net_connections)
    except psutil.Error:
        return False
    return any(one.raddr and one.raddr.port == port for one in found)


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
