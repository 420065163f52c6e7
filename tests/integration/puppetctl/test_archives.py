"""Characters move from one place to another in a file, and are deleted, through the real services."""

import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl.archives.backup import backup
from puppetctl.archives.deleting import delete
from puppetctl.archives.file import seal
from puppetctl.archives.restore import Options, restore
from puppetctl.clients import Clients, list_agents
from puppetctl.suite import SuiteError
from sandbox.solana.app import create_app
from sandbox.solana.settings import SolanaSandboxSettings
from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from tests.conftest import ROOT
from tests.support.http import ADMIN_TOKEN, listening, listening_in_a_thread
from tests.support.places import Outside, place
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox

GOLDEN = ROOT / "tests" / "data" / "archives"
"""Archives as each format wrote them, without secrets; they stay for ever."""
PASSPHRASE = "correct horse battery"  # noqa: S105


@pytest.fixture
async def x(tmp_path: Path) -> AsyncIterator[Sandbox]:
    timeout = aiohttp.ClientTimeout(total=10)
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / "x", rate_limits=False))
    async with listening(app) as url, aiohttp.ClientSession(timeout=timeout) as session:
        yield Sandbox(url, session)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = SolanaSandboxSettings(data_dir=tmp_path_factory.mktemp("chain"), admin_token=ADMIN_TOKEN, builds=False)
    with listening_in_a_thread(create_app(settings)) as url:
        yield url


@pytest.fixture
def outside(x: Sandbox, chain: str) -> Outside:
    return Outside(x.url, chain)


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUPPET_CTL_PASSPHRASE", PASSPHRASE)


@pytest.fixture
async def persona(sample_persona: dict[str, Any], x: Sandbox) -> dict[str, Any]:
    client = await x.account("wren")
    keys = {
        "apiKey": client.consumer_key,
        "apiKeySecret": client.consumer_secret,
        "accessToken": client.access_token,
        "accessTokenSecret": client.access_token_secret,
    }
    return sample_persona | {"twitter_credentials": keys, "budget": {"llm_usd_per_day": 0.5}}


async def create(clients: Clients, persona: dict[str, Any]) -> pb.Agent:
    given = Struct()
    given.update(persona)
    return (await clients.agents.CreateAgent(pb.CreateAgentRequest(persona=given))).agent


async def post(clients: Clients, request_id: str, agent_id: str = "wren") -> pb.TriggerPostResponse:
    return await clients.agents.TriggerPost(
        pb.TriggerPostRequest(agent_id=agent_id, request_id=request_id), timeout=WAIT_SECONDS
    )


async def posted(x: Sandbox) -> list[str]:
    return [one["text"] for one in (await x.call("GET", "/_sandbox/posts"))[1]["posts"]]


async def told(clients: Clients, agent_id: str = "wren") -> dict[str, Any]:
    """Return what each service says of a character."""
    memories = clients.memory.ExportMemories(memory_pb.ExportMemoriesRequest(agent_id=agent_id))
    known = await clients.relationships.ListRelationships(relationship_pb.ListRelationshipsRequest(agent_id=agent_id))
    [account] = (await clients.social.ListAccounts(social_pb.ListAccountsRequest(agent_id=agent_id))).accounts
    posts = await clients.social.ListPosts(social_pb.ListPostsRequest(account_id=account.id))
    [wallet] = (await clients.trading.ListWallets(trading_pb.ListWalletsRequest(agent_id=agent_id))).wallets
    policy = await clients.trading.GetPolicy(trading_pb.GetPolicyRequest(wallet_id=wallet.id))
    budget = (await clients.llm.GetBudget(llm_pb.GetBudgetRequest(agent_id=agent_id))).budget
    versions = await clients.agents.ListPersonaVersions(pb.ListPersonaVersionsRequest(agent_id=agent_id))
    activity = await clients.agents.ListActivity(pb.ListActivityRequest(agent_ids=[agent_id]))
    lines = [(one.summary, one.reason, one.create_time.ToDatetime()) for one in activity.activities]
    return {
        "memories": sorted([str(one.memory) async for one in memories]),
        "relationships": str(known),
        "account": str(account),
        "posts": str(posts),
        "wallet": (wallet.id, wallet.address),
        "policy": str(policy),
        "budget": (budget.usd_per_day, budget.tokens_per_day),
        "versions": str(versions),
        "activity": lines,
    }


async def moved(clients: Clients, file: Path, *, with_secrets: bool = True) -> None:
    """Stop a character, and write it to a file."""
    await clients.agents.StopAgent(pb.StopAgentRequest(id="wren"))
    assert await backup(["wren"], file, with_secrets=with_secrets) == 0


async def test_a_character_moves_with_all_that_it_is_and_goes_on_elsewhere(
    tmp_path: Path, outside: Outside, x: Sandbox, persona: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wren.puppet"
    async with place(tmp_path / "here", outside, monkeypatch) as clients:
        await create(clients, persona)
        first = await post(clients, "one")
        # What an operator has set since holds, and not what the persona says.
        limits = llm_pb.SetBudgetRequest(agent_id="wren", usd_per_day="0.25", tokens_per_day=90_000)
        await clients.llm.SetBudget(limits)
        await moved(clients, file)
        before = await told(clients)
        assert before["budget"] == ("0.25", 90_000)
    assert file.stat().st_mode & 0o077 == 0
    async with place(tmp_path / "there", outside, monkeypatch) as clients:
        assert await restore(file, Options()) == 0
        after = await told(clients)
        imported, *lines = after.pop("activity")
        assert (imported[0], lines) == ("was imported", before.pop("activity"))
        assert after == before
        agent = (await clients.agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent
        assert not agent.is_active
        assert len(await posted(x)) == 1
        await clients.agents.StartAgent(pb.StartAgentRequest(id="wren"))
        # A request that was carried out before has its first answer.
        again = await post(clients, "one")
        assert again.activity.post.network_post_id == first.activity.post.network_post_id
        await post(clients, "two")
        assert len(await posted(x)) == len(set(await posted(x))) == 2


async def test_restoring_again_changes_nothing_and_over_another_character_is_refused(
    tmp_path: Path,
    outside: Outside,
    persona: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "wren.puppet"
    async with place(tmp_path / "here", outside, monkeypatch) as clients:
        await create(clients, persona)
        await moved(clients, file)
        with pytest.raises(SuiteError, match=r"'wren' is here already \(AGENT_EXISTS: .*\), and nothing was changed"):
            await restore(file, Options())
    async with place(tmp_path / "there", outside, monkeypatch) as clients:
        await restore(file, Options())
        before = await told(clients)
        capsys.readouterr()
        assert await restore(file, Options()) == 0
        assert "was restored from this archive before: nothing was changed" in capsys.readouterr().out
        assert await told(clients) == before


async def test_of_a_whole_suite_who_is_here_already_is_left_as_it_is_and_the_others_come_back(
    tmp_path: Path,
    outside: Outside,
    persona: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "all.puppet"
    own = {"id": "otto", "name": "Otto", "post_examples": ["I swept the quay."]}
    async with place(tmp_path / "here", outside, monkeypatch) as clients:
        await create(clients, persona)
        await create(clients, own)
        assert await backup([], file, with_secrets=False) == 0
    async with place(tmp_path / "there", outside, monkeypatch) as clients:
        await create(clients, own)
        before = (await clients.agents.GetAgent(pb.GetAgentRequest(id="otto"))).agent
        with pytest.raises(SuiteError, match="'otto' is here already"):
            await restore(file, Options(agent_ids=["wren", "otto"]))
        assert [agent.id for agent in await list_agents(clients)] == ["otto"]
        capsys.readouterr()
        assert await restore(file, Options()) == 0
        words = " ".join(capsys.readouterr().out.split())
        assert "wren: restored, and stopped" in words
        assert "'otto' is here already (AGENT_EXISTS: agent 'otto' exists), and left as it is" in words
        assert (await clients.agents.GetAgent(pb.GetAgentRequest(id="otto"))).agent == before


async def test_without_its_secrets_a_character_lives_on_once_it_is_given_them(
    tmp_path: Path,
    outside: Outside,
    x: Sandbox,
    persona: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, given = tmp_path / "wren.puppet", persona["twitter_credentials"]
    async with place(tmp_path / "here", outside, monkeypatch) as clients:
        await create(clients, persona)
        await moved(clients, file, with_secrets=False)
    with zipfile.ZipFile(file) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert not [secret for secret in given.values() if secret in whole]
    monkeypatch.delenv("PUPPET_CTL_PASSPHRASE")
    async with place(tmp_path / "there", outside, monkeypatch) as clients:
        capsys.readouterr()
        await restore(file, Options(starts=True))
        assert "wren: posts nothing and trades nothing without its secrets: `puppetctl apply" in capsys.readouterr().out
        activity = (await post(clients, "one")).activity
        assert activity.failure.reason == "CREDENTIALS_REFUSED"
        assert "restored without its credentials" in activity.reason
        persona_now = Struct()
        persona_now.update(persona)
        change = pb.UpdateAgentRequest(agent=pb.Agent(id="wren", persona=persona_now))
        change.update_mask.paths.append("persona")
        await clients.agents.UpdateAgent(change)
        assert (await post(clients, "two")).activity.HasField("post")
        assert len(await posted(x)) >= 1


async def test_a_wrong_passphrase_a_newer_format_and_damage_are_refused_before_anything_is_written(
    tmp_path: Path, outside: Outside, persona: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wren.puppet"
    async with place(tmp_path / "here", outside, monkeypatch) as clients:
        await create(clients, persona)
        await moved(clients, file)
    whole = file.read_bytes()
    async with place(tmp_path / "there", outside, monkeypatch) as clients:
        monkeypatch.setenv("PUPPET_CTL_PASSPHRASE", "another one")
        with pytest.raises(SuiteError, match="not the passphrase"):
            await restore(file, Options())
        monkeypatch.setenv("PUPPET_CTL_PASSPHRASE", PASSPHRASE)
        broken = tmp_path / "broken.puppet"
        for size in (0, 100, len(whole) // 2, len(whole) - 1):
            broken.write_bytes(whole[:size])
            with pytest.raises(SuiteError, match="is no archive, or was cut off or changed"):
                await restore(broken, Options())
        for at in range(0, len(whole), len(whole) // 60):
            changed = bytearray(whole)
            changed[at] ^= 1
            broken.write_bytes(changed)
            with pytest.raises(SuiteError, match="is no archive, or was cut off or changed"):
                await restore(broken, Options())
        _rewrite(file, broken, format=2)
        with pytest.raises(SuiteError, match="the archive has the format 2, and this version reads up to 1"):
            await restore(broken, Options())
        _rewrite(file, broken, characters=[{}])
        with pytest.raises(SuiteError, match="the manifest of the archive can't be read"):
            await restore(broken, Options())
        assert not (await clients.agents.ListAgents(pb.ListAgentsRequest())).agents
        assert not (await clients.social.ListAccounts(social_pb.ListAccountsRequest())).accounts
        assert not (await clients.trading.ListWallets(trading_pb.ListWalletsRequest())).wallets


def _rewrite(source: Path, target: Path, **changes: Any) -> None:
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "manifest.json":
                content = json.dumps(json.loads(content) | changes).encode()
            other.writestr(name, content)
        other.comment = archive.comment
    with target.open("r+b") as file:
        seal(file)


@pytest.mark.parametrize("name", ["v1"])
async def test_an_archive_of_every_format_that_there_was_is_read(
    name: str, tmp_path: Path, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place(tmp_path / "there", outside, monkeypatch) as clients:
        await restore(GOLDEN / f"{name}.puppet", Options())
        found = await told(clients)
        assert [line[0] for line in found["activity"]][:2] == ["was imported", "was stopped"]
        assert len(found["memories"]) == 4
        [wallet] = (await clients.trading.ListWallets(trading_pb.ListWalletsRequest(agent_id="wren"))).wallets
        assert wallet.halt.reason == "it was imported without its key: register the wallet with it, then resume"


async def test_no_backup_is_lost_to_another_one(
    tmp_path: Path, outside: Outside, persona: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wren.puppet"
    file.write_text("the only copy of somebody")
    async with place(tmp_path / "here", outside, monkeypatch) as clients:
        await create(clients, persona)
        for command in (backup(["wren"], file), delete("wren", file)):
            with pytest.raises(SuiteError, match="is there already: name another file, or write over it with --force"):
                await command
        assert file.read_text() == "the only copy of somebody"
        assert (await clients.agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent.is_active
        assert await backup(["wren"], file, force=True) == 0
    assert zipfile.is_zipfile(file)


async def test_the_whole_suite_is_in_one_file_of_which_some_can_be_taken(
    tmp_path: Path, outside: Outside, persona: dict[str, Any], x: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = tmp_path / "suite.puppet", persona | {"id": "otto", "name": "Otto"}
    del other["twitter_credentials"]
    async with place(tmp_path / "here", outside, monkeypatch) as clients:
        await create(clients, persona)
        await create(clients, other)
        assert await backup([], file, with_secrets=True) == 0
        await clients.agents.StopAgent(pb.StopAgentRequest(id="wren"))
    async with place(tmp_path / "there", outside, monkeypatch) as clients:
        with pytest.raises(SuiteError, match="has no 'nobody'; it has otto, wren"):
            await restore(file, Options(["nobody"]))
        await restore(file, Options(["otto"]))
        assert [agent.id for agent in (await clients.agents.ListAgents(pb.ListAgentsRequest())).agents] == ["otto"]
        await restore(file, Options())
        assert [agent.id for agent in (await clients.agents.ListAgents(pb.ListAgentsRequest())).agents] == [
            "otto",
            "wren",
        ]


async def test_a_deleted_character_is_gone_everywhere_and_comes_back_from_its_backup(
    tmp_path: Path, outside: Outside, x: Sandbox, persona: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wren.puppet"
    async with place(tmp_path / "here", outside, monkeypatch) as clients:
        await create(clients, persona)
        await post(clients, "one")
        assert await delete("wren", file, with_secrets=True) == 0
        assert not (await clients.agents.ListAgents(pb.ListAgentsRequest())).agents
        assert not (await clients.social.ListAccounts(social_pb.ListAccountsRequest())).accounts
        assert not (await clients.trading.ListWallets(trading_pb.ListWalletsRequest())).wallets
        stats = await clients.memory.GetMemoryStats(memory_pb.GetMemoryStatsRequest(agent_id="wren"))
        assert (stats.memory_count, stats.relationship_count) == (0, 0)
        budget = (await clients.llm.GetBudget(llm_pb.GetBudgetRequest(agent_id="wren"))).budget
        assert (budget.usd_per_day, budget.HasField("tokens_per_day")) == ("", False)
        with pytest.raises(SuiteError, match="there is no agent 'wren'"):
            await delete("wren", None)
        for _ in range(2):
            await restore(file, Options(starts=True))
            await post(clients, "one")
            await delete("wren", None)
        assert len(await posted(x)) == 1
        await create(clients, persona)
        assert (await told(clients))["activity"]
