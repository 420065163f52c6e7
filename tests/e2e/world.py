"""What really happened: read from the public timeline, from the chain and from the services, and compared."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl import web
from puppetctl.clients import Clients, connected
from puppetctl.local.until import Goals, counted_as
from tests.e2e.suite import Suite

STORY = Goals.parse("posts>=3,replies_with_memory>=1,trades>=1,trade_posts>=1")


class Addressed(Protocol):
    """Programs that run somewhere."""

    def address(self, name: str) -> str:
        """Return where a program listens."""
        ...


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction on the chain: who paid for it, and whether it failed."""

    signature: str
    payer: str
    failed: bool


@dataclass(frozen=True, slots=True)
class World:
    """Everything at one moment; activities are in the order in which they happened."""

    agents: list[agents_pb.Agent]
    activities: list[log_pb.Activity]
    timeline: dict[str, dict[str, Any]]
    """The posts of the public timeline by their network ids."""
    accounts: list[social_pb.Account]
    outbox: list[social_pb.Post]
    wallets: list[trading_pb.Wallet]
    trades: list[trading_pb.Trade]
    chain: list[Transaction]
    memories: dict[str, set[str]]
    """What each agent remembers, by its id."""

    def of_kind(self, kind: log_pb.ActivityKind.ValueType) -> list[log_pb.Activity]:
        """Return the activities of one kind."""
        return [activity for activity in self.activities if activity.kind == kind]

    def missing(self) -> list[str]:
        """Return what is missing of the story."""
        return STORY.missing(Counter(name for activity in self.activities for name in counted_as(activity)))


async def look(suite: Suite) -> World:
    """Read everything."""
    where = {name: suite.address(name) for name in ("agents", "llm", "memory", "social", "trading")}
    async with connected(where, suite.proof) as clients:
        agents = (await clients.agents.ListAgents(agents_pb.ListAgentsRequest(page_size=500))).agents
        # The log first: what it tells of has happened, so that it is found in what is read afterwards.
        log = (await clients.agents.ListActivity(agents_pb.ListActivityRequest(page_size=500))).activities
        accounts = (await clients.social.ListAccounts(social_pb.ListAccountsRequest(page_size=500))).accounts
        wallets = (await clients.trading.ListWallets(trading_pb.ListWalletsRequest(page_size=500))).wallets
        outbox: list[social_pb.Post] = []
        trades: list[trading_pb.Trade] = []
        posts_url = f"http://{suite.address('sandbox.x')}/_sandbox/posts?after_id=0"
        timeline = await web.get(posts_url, suite.token("sandbox.x"))
        chain = [item for wallet in wallets for item in await transactions(suite, wallet.address)]
        for account in accounts:
            request = social_pb.ListPostsRequest(account_id=account.id, page_size=500)
            outbox += (await clients.social.ListPosts(request)).posts
        for wallet in wallets:
            wish = trading_pb.ListTradesRequest(wallet_id=wallet.id, page_size=500)
            trades += (await clients.trading.ListTrades(wish)).trades
        memories = await _memories(clients, agents)
    posts = {post["id"]: post for post in timeline["posts"]}
    return World(list(agents), list(log)[::-1], posts, list(accounts), outbox, list(wallets), trades, chain, memories)


def assert_everything_happened_once(world: World) -> None:
    """Compare what is public with what was meant: nothing is there twice, and nothing that nobody asked for."""
    asked = Counter(post.request_id for post in world.outbox)
    assert [name for name, count in asked.items() if count > 1] == []
    owned = Counter(post.network_post_id for post in world.outbox if post.network_post_id)
    assert [name for name, count in owned.items() if count > 1] == []
    # A post is on the network a moment before the outbox knows its id there.
    pending = {post.text for post in world.outbox if not post.network_post_id}
    stray = [post for post in world.timeline.values() if post["id"] not in owned and post["text"] not in pending]
    assert stray == []
    said = Counter((post["author_id"], post["text"]) for post in world.timeline.values())
    assert [words for words, count in said.items() if count > 1] == []
    answered = Counter((post["author_id"], post["reply_to"]) for post in world.timeline.values() if post["reply_to"])
    assert [pair for pair, count in answered.items() if count > 1] == []
    logged = Counter(activity.workflow_id for activity in world.activities)
    assert [name for name, count in logged.items() if count > 1] == []
    wallets = {wallet.address for wallet in world.wallets}
    swaps = {item.signature for item in world.chain if item.payer in wallets}
    assert swaps <= {trade.signature for trade in world.trades}


def assert_the_story_is_told(world: World) -> None:
    """Check what the log says against the public timeline and the chain."""
    assert world.missing() == []
    names = {agent.name: agent.id for agent in world.agents}
    user_ids = {account.agent_id: account.network_user_id for account in world.accounts}
    published = [*world.of_kind(log_pb.ACTIVITY_KIND_POST), *world.of_kind(log_pb.ACTIVITY_KIND_REPLY)]
    for activity in published:
        post = world.timeline[activity.post.network_post_id or activity.reply.network_post_id]
        assert post["text"] == activity.summary
        assert post["author_id"] == user_ids[activity.agent_id]
        assert post["reply_to"] == (activity.reply.in_reply_to_network_post_id or None)
    answers = [
        activity
        for activity in world.of_kind(log_pb.ACTIVITY_KIND_REPLY)
        if activity.reply.to_name in names and activity.memories
    ]
    assert answers
    for activity in answers:
        to = names[activity.reply.to_name]
        assert to != activity.agent_id
        assert world.timeline[activity.reply.in_reply_to_network_post_id]["author_id"] == user_ids[to]
        assert shared_words(activity.summary, activity.memories[0].text)
    settled = {trade.signature: trade for trade in world.trades if trade.state == trading_pb.TRADE_STATE_SETTLED}
    landed = {item.signature for item in world.chain if not item.failed}
    for activity in world.of_kind(log_pb.ACTIVITY_KIND_TRADE):
        assert activity.trade.swap.signature in settled
        assert activity.trade.swap.signature in landed
    told = [activity for activity in published if activity.post.HasField("swap")]
    assert told
    assert {activity.post.swap.signature for activity in told} <= landed


def shared_words(one: str, other: str) -> set[str]:
    """Return the words that two texts have in common, by their first four letters."""
    return _stems(one) & _stems(other)


def _stems(text: str) -> set[str]:
    return {word[:4] for word in re.findall(r"[a-z]{4,}", text.lower())}


async def _memories(clients: Clients, agents: Sequence[agents_pb.Agent]) -> dict[str, set[str]]:
    requests = [memory_pb.ListMemoriesRequest(agent_id=agent.id, page_size=500) for agent in agents]
    return {
        request.agent_id: {item.text for item in (await clients.memory.ListMemories(request)).memories}
        for request in requests
    }


async def transactions(suite: Addressed, address: str) -> Sequence[Transaction]:
    """Return the transactions of a wallet, as the chain knows them."""
    found = []
    confirmed: dict[str, object] = {"commitment": "confirmed"}
    for entry in await _rpc(suite, "getSignaturesForAddress", address, confirmed):
        wish = {**confirmed, "encoding": "jsonParsed", "maxSupportedTransactionVersion": 0}
        details = await _rpc(suite, "getTransaction", entry["signature"], wish)
        payer = details["transaction"]["message"]["accountKeys"][0]["pubkey"]
        found.append(Transaction(entry["signature"], payer, entry["err"] is not None))
    return found


async def _rpc(suite: Addressed, method: str, *parameters: object) -> Any:
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    answer = await web.post(f"http://{suite.address('sandbox.solana')}/", call)
    assert "result" in answer, answer
    return answer["result"]
