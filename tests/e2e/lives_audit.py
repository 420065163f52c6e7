"""What became of many lives: read from the services, the network, the chain and DBOS, and compared."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1 import draft_service_pb2 as drafts_pb
from puppet.agents.v1 import event_service_pb2 as events_pb
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppetctl import web
from puppetctl.clients import Clients
from tests.e2e.lives import Lives
from tests.e2e.lives_person import People, Verdict
from tests.e2e.world import Transaction, transactions

_PAGE = 500
_NEWS = 20
"""Activities of a page where few are expected."""
_FINISHED = {"SUCCESS"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Books:
    """Everything at one moment; activities are in the order in which they happened."""

    agents: Sequence[agents_pb.Agent]
    activities: Sequence[log_pb.Activity]
    timeline: dict[str, dict[str, Any]]
    accounts: Sequence[social_pb.Account]
    outbox: Sequence[social_pb.Post]
    wallets: Sequence[trading_pb.Wallet]
    trades: Sequence[trading_pb.Trade]
    chain: Sequence[Transaction]
    drafts: dict[str, drafts_pb.Draft]
    events: dict[str, events_pb.Event]
    workflows: dict[str, str]
    """How each workflow stands, by DBOS's name of it."""

    def unfinished(self) -> list[str]:
        """Return the workflows that haven't come to an end."""
        return [f"{name} {state}" for name, state in self.workflows.items() if state not in _FINISHED]

    def unsettled(self) -> list[str]:
        """Return the posts and trades whose outcome isn't known."""
        posts = (social_pb.POST_STATE_SETTLED, social_pb.POST_STATE_FAILED)
        trades = (trading_pb.TRADE_STATE_SETTLED, trading_pb.TRADE_STATE_FAILED)
        return [post.id for post in self.outbox if post.state not in posts] + [
            trade.id for trade in self.trades if trade.state not in trades
        ]

    def unanswered(self, mentions: Iterable[str]) -> list[str]:
        """Return those mentions of which the log says nothing, or that answering them failed."""
        ended = {activity.workflow_id for activity in self.activities if not activity.HasField("failure")}
        return [name for name in mentions if name not in ended]

    def mentions(self) -> list[str]:
        """Return the names of all mentions, as workflows that answer them have them."""
        handles = {account.handle.lower(): account for account in self.accounts}
        found = []
        for post in self.timeline.values():
            for handle in set(re.findall(r"@(\w+)", post["text"].lower())) & handles.keys():
                account = handles[handle]
                if account.network_user_id != post["author_id"]:
                    found.append(f"reply/{account.agent_id}/{post['id']}")
        return found

    def undone(self) -> list[str]:
        """Return the drafts that were approved and that nothing has come of yet."""
        return [draft.id for draft in self.drafts.values() if draft.state == drafts_pb.DRAFT_STATE_APPROVED]


class Auditor:
    """Reads everything, again and again; what was logged or posted before isn't asked for a second time.

    Whoever waits for the lives to be done would otherwise keep them from it: of a long log each reading is more work
    for the agents service than a post.
    """

    def __init__(self, lives: Lives, dbos_url: str) -> None:
        self._lives, self._dbos_url = lives, dbos_url
        self._activities: list[log_pb.Activity] = []
        self._timeline: dict[str, dict[str, Any]] = {}

    async def read(self) -> Books:
        """Read everything; the log first, as what it tells of has happened."""
        async with self._lives.clients() as clients:
            agents = (await clients.agents.ListAgents(agents_pb.ListAgentsRequest(page_size=_PAGE))).agents
            await self._read_log(clients)
            drafts = await _pages(clients.drafts.ListDrafts, drafts_pb.ListDraftsRequest, "drafts")
            events = await _pages(clients.events.ListEvents, events_pb.ListEventsRequest, "events")
            accounts = (await clients.social.ListAccounts(social_pb.ListAccountsRequest(page_size=_PAGE))).accounts
            wallets = (await clients.trading.ListWallets(trading_pb.ListWalletsRequest(page_size=_PAGE))).wallets
            await self._read_timeline()
            outbox: list[social_pb.Post] = []
            trades: list[trading_pb.Trade] = []
            for account in accounts:
                outbox += await _pages(
                    clients.social.ListPosts, social_pb.ListPostsRequest, "posts", account_id=account.id
                )
            for wallet in wallets:
                trades += await _pages(
                    clients.trading.ListTrades, trading_pb.ListTradesRequest, "trades", wallet_id=wallet.id
                )
            chain = [item for wallet in wallets for item in await transactions(self._lives, wallet.address)]
        return Books(
            agents,
            list(self._activities),
            dict(self._timeline),
            accounts,
            outbox,
            wallets,
            trades,
            chain,
            {draft.id: draft for draft in drafts},
            {event.id: event for event in events},
            _workflows(self._dbos_url),
        )

    async def _read_log(self, clients: Clients) -> None:
        newest = self._activities[-1].id if self._activities else ""
        found, token = list[log_pb.Activity](), ""
        while True:
            request = agents_pb.ListActivityRequest(page_size=_PAGE if not newest else _NEWS, page_token=token)
            page = await clients.agents.ListActivity(request)
            for activity in page.activities:
                if activity.id == newest:
                    token = ""
                    break
                found.append(activity)
            else:
                token = page.next_page_token
            if not token:
                self._activities += reversed(found)
                return

    async def _read_timeline(self) -> None:
        while True:
            after = next(reversed(self._timeline), "0")
            url = f"{self._lives.x_url}/_sandbox/posts?after_id={after}"
            page = (await web.get(url, self._lives.token("sandbox.x")))["posts"]
            if not page:
                return
            self._timeline |= {post["id"]: post for post in page}


def assert_all_is_well(books: Books, people: People, mentions: Iterable[str]) -> Counter[str]:
    """Assert that everything happened once, that these mentions were answered, and that nothing is lost.

    The value counts what was compared.
    """
    assert _twice(post.request_id for post in books.outbox) == []
    owned = [post.network_post_id for post in books.outbox if post.network_post_id]
    assert _twice(owned) == []
    users = {account.network_user_id: account.agent_id for account in books.accounts}
    public = [post for post in books.timeline.values() if post["author_id"] in users]
    assert [post for post in public if post["id"] not in owned] == []
    assert _twice((post["author_id"], post["text"]) for post in public) == []
    assert _twice((post["author_id"], post["reply_to"]) for post in public if post["reply_to"]) == []
    assert _twice((activity.workflow_id, activity.kind) for activity in books.activities) == []
    told = Counter(activity.kind for activity in books.activities)
    logged = {item.post.network_post_id or item.reply.network_post_id for item in books.activities}
    assert [post for post in public if post["id"] not in logged] == []

    assert _twice(trade.request_id for trade in books.trades) == []
    payers = {wallet.address for wallet in books.wallets}
    swaps = {item.signature for item in books.chain if item.payer in payers}
    assert swaps <= {trade.signature for trade in books.trades}
    settled = {trade.signature for trade in books.trades if trade.state == trading_pb.TRADE_STATE_SETTLED}
    in_log = [item.trade.swap.signature for item in books.activities if item.HasField("trade")]
    assert _twice(in_log) == []
    assert set(in_log) == settled

    assert books.unanswered(mentions) == []
    _assert_drafts(books, people)
    noticed = Counter(item.notice.event_id for item in books.activities if item.HasField("notice"))
    assert _twice((item.notice.event_id, item.agent_id) for item in books.activities if item.HasField("notice")) == []
    for event_id in people.events:
        event = books.events[event_id]
        if event.HasField("news"):
            assert noticed[event_id] == event.delivery_count
    assert books.unfinished() == []
    failures = Counter(
        f"failure: {item.failure.aim}: {item.failure.reason}" for item in books.activities if item.HasField("failure")
    )
    return Counter(
        {
            "posts": told[log_pb.ACTIVITY_KIND_POST],
            "replies": told[log_pb.ACTIVITY_KIND_REPLY],
            "trades": told[log_pb.ACTIVITY_KIND_TRADE],
            "passes": told[log_pb.ACTIVITY_KIND_PASS],
            "reflections": told[log_pb.ACTIVITY_KIND_REFLECTION],
            "events published": len(people.events),
            "events noticed": told[log_pb.ACTIVITY_KIND_EVENT],
            "mentions": len(books.mentions()),
            "mentions by strangers": people.strangers_posts,
            "drafts": len(books.drafts),
            "drafts edited": len(people.texts),
            **{f"drafts {verdict}": count for verdict, count in Counter(people.verdicts.values()).items()},
            "workflows": len(books.workflows),
            **failures,
        }
    )


def _assert_drafts(books: Books, people: People) -> None:
    """Assert that each draft has become what a person wanted, and that nothing was done without one who wanted it."""
    names = {draft.workflow_id: draft for draft in books.drafts.values()}
    kept = {item.workflow_id for item in books.activities if item.HasField("draft")}
    assert kept == names.keys()
    states = {
        Verdict.APPROVED: (drafts_pb.DRAFT_STATE_CARRIED_OUT, drafts_pb.DRAFT_STATE_FAILED),
        Verdict.REJECTED: (drafts_pb.DRAFT_STATE_REJECTED,),
        Verdict.LEFT: (drafts_pb.DRAFT_STATE_EXPIRED, drafts_pb.DRAFT_STATE_WAITING),
        Verdict.REFUSED: (drafts_pb.DRAFT_STATE_EXPIRED,),
    }
    outbox = {post.request_id: post for post in books.outbox}
    for draft_id, verdict in people.verdicts.items():
        draft = books.drafts[draft_id]
        assert draft.state in states[verdict], (verdict, draft)
        if verdict is not Verdict.APPROVED:
            assert draft.workflow_id not in outbox, draft
        elif draft.state == drafts_pb.DRAFT_STATE_CARRIED_OUT and draft_id in people.texts:
            assert outbox[draft.workflow_id].text.endswith(people.texts[draft_id])
    asked = {agent.id: agent.persona["approval"] for agent in books.agents}
    accounts = {account.id: account.agent_id for account in books.accounts}
    wallets = {wallet.id: wallet.agent_id for wallet in books.wallets}
    for post in books.outbox:
        approval = asked[accounts[post.account_id]]
        if approval == "all" or (approval == "posts" and not post.in_reply_to_network_post_id):
            assert people.verdicts.get(names[post.request_id].id) is Verdict.APPROVED, post
    for trade in books.trades:
        if asked[wallets[trade.wallet_id]] == "all":
            assert people.verdicts.get(names[trade.request_id].id) is Verdict.APPROVED, trade


def _twice(items: Any) -> list[Any]:
    return [item for item, count in Counter(items).items() if count > 1]


async def _pages(call: Callable[..., Awaitable[Any]], request: Callable[..., Any], name: str, **fields: str) -> Any:
    found: list[Any] = []
    token = ""
    while True:
        page = await call(request(page_size=_PAGE, page_token=token, **fields))
        found += getattr(page, name)
        if not (token := page.next_page_token):
            return found


def _workflows(dbos_url: str) -> dict[str, str]:
    engine = sa.create_engine(dbos_url, poolclass=sa.NullPool)
    schema = "dbos." if engine.dialect.name == "postgresql" else ""
    with engine.connect() as connection:
        rows = connection.execute(sa.text(f"SELECT workflow_uuid, status FROM {schema}workflow_status"))  # noqa: S608
        return {row[0]: row[1] for row in rows}
