"""The tools: what an assistant looks at, and what it asks for. Each is one call or two, with its caller's rights."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias

import grpc
from pydantic import Field

from puppet.agents.v1 import agent_service_pb2 as agents
from puppet.agents.v1 import draft_service_pb2 as drafts
from puppet.agents.v1 import event_service_pb2 as events
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.draft_service_pb2_grpc import DraftServiceStub
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.memory.v1 import relationship_service_pb2 as relationships
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from puppet.trading.v1 import trading_service_pb2 as trading
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.gateway.mcp import views
from services.gateway.transcoding.writing import write
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.rpc.client import Stubs
from services.runtime.rpc.status import Remote

Answer: TypeAlias = dict[str, Any]
Tool: TypeAlias = Callable[..., Awaitable[Answer]]

Character = Annotated[str, Field(description="The id of a character, as list_characters tells it.")]
AnyCharacter = Annotated[str, Field(description="The id of a character; empty for all that you may see.")]
Limit = Annotated[int, Field(ge=1, le=50, description="How many at most.")]
PageToken = Annotated[str, Field(description="The next_page_token of the page before; empty for the first page.")]
RequestId = Annotated[
    str,
    Field(description="A name of your own for this request: sent again with the same one, it is done once only."),
]
Etag = Annotated[str, Field(description="The draft's etag as you read it: then nothing is decided about another text.")]


class Tools:
    """What an assistant may ask for. What raises is grpc's errors, and InvalidRequest."""

    def __init__(self, stubs: Stubs) -> None:
        self._agents = stubs[AgentServiceStub]
        self._drafts = stubs[DraftServiceStub]
        self._events = stubs[EventServiceStub]
        self._memories = stubs[MemoryServiceStub]
        self._relationships = stubs[RelationshipServiceStub]
        self._trading = stubs[TradingServiceStub]

    @property
    def reading(self) -> Sequence[Tool]:
        """Those that change nothing."""
        return (
            self.list_characters,
            self.get_character,
            self.read_feed,
            self.explain_activity,
            self.search_memories,
            self.list_relationships,
            self.list_drafts,
            self.get_portfolio,
        )

    @property
    def changing(self) -> Sequence[Tool]:
        """Those that change what characters do, or let them do something."""
        return (
            self.trigger_post,
            self.trigger_reply,
            self.trigger_trade,
            self.approve_draft,
            self.edit_draft,
            self.reject_draft,
            self.publish_news,
            self.start_character,
            self.stop_character,
            self.halt_trading,
        )

    async def list_characters(self, limit: Limit = 50, page_token: PageToken = "") -> Answer:
        """List the characters: who they are, and whether they are active."""
        request = agents.ListAgentsRequest(page_size=limit, page_token=page_token)
        try:
            found = await self._agents.ListAgents(request)
        except grpc.aio.AioRpcError as error:
            if not (own := _scope_in(error)):
                raise
            listed = [(await self._agents.GetAgent(agents.GetAgentRequest(id=name))).agent for name in own[:limit]]
            return views.page("characters", map(views.character, listed))
        return views.page("characters", map(views.character, found.agents), found.next_page_token)

    async def get_character(self, character: Character) -> Answer:
        """Return a character's persona, mood and schedule, and what is wrong with it."""
        agent = (await self._agents.GetAgent(agents.GetAgentRequest(id=character))).agent
        status = await self._agents.GetAgentStatus(agents.GetAgentStatusRequest(id=character))
        return {**views.character(agent), **views.status(status), "persona": write(agent.persona)}

    async def read_feed(self, character: AnyCharacter = "", limit: Limit = 20, page_token: PageToken = "") -> Answer:
        """Return what characters did last, newest first: posts, replies, trades, silences and failures, and why."""
        named = [character] if character else []
        request = agents.ListActivityRequest(agent_ids=named, page_size=limit, page_token=page_token)
        found = await _within_scope(self._agents.ListActivity, request)
        return views.page("activity", map(views.activity, found.activities), found.next_page_token)

    async def explain_activity(
        self,
        id: Annotated[str, Field(description="The id of an activity, a draft, a post or a trade.")],  # noqa: A002
    ) -> Answer:
        """Explain why a character did something: why now, why this topic, which memories, which other texts fell."""
        return views.explanation(await self._agents.ExplainActivity(agents.ExplainActivityRequest(id=id)))

    async def search_memories(
        self,
        character: Character,
        query: Annotated[str, Field(min_length=1, max_length=2000, description="What to look for, in plain words.")],
        limit: Limit = 10,
    ) -> Answer:
        """Search a character's memories by meaning, words and names; each hit says what its score comes from."""
        request = memory.SearchMemoriesRequest(agent_id=character, query=query, max_results=limit)
        found = await self._memories.SearchMemories(request)
        return views.page("memories", map(views.hit, found.hits))

    async def list_relationships(self, character: Character, limit: Limit = 20, page_token: PageToken = "") -> Answer:
        """List whom a character knows, and how it feels about them."""
        request = relationships.ListRelationshipsRequest(agent_id=character, page_size=limit, page_token=page_token)
        found = await self._relationships.ListRelationships(request)
        return views.page("relationships", map(views.relationship, found.relationships), found.next_page_token)

    async def list_drafts(self, character: AnyCharacter = "", limit: Limit = 20, page_token: PageToken = "") -> Answer:
        """List the drafts that wait for somebody to approve, edit or reject them."""
        named = [character] if character else []
        waiting = [drafts.DRAFT_STATE_WAITING]
        request = drafts.ListDraftsRequest(agent_ids=named, states=waiting, page_size=limit, page_token=page_token)
        found = await _within_scope(self._drafts.ListDrafts, request)
        return views.page("drafts", map(views.draft, found.drafts), found.next_page_token)

    async def get_portfolio(self, character: Character) -> Answer:
        """Return what a character's wallet holds, what that has cost, and what was won or lost."""
        found = await self._trading.GetPortfolio(trading.GetPortfolioRequest(wallet_id=await self._wallet(character)))
        return write(found)

    async def trigger_post(
        self,
        character: Character,
        topic: Annotated[str, Field(max_length=500, description="About what; empty: the character chooses.")] = "",
        request_id: RequestId = "",
    ) -> Answer:
        """Let a character post now. It may keep silent; where its persona asks for approval, a draft waits."""
        request = agents.TriggerPostRequest(agent_id=character, topic=topic, request_id=request_id)
        return views.triggered(await self._agents.TriggerPost(request))

    async def trigger_reply(
        self,
        character: Character,
        network_post_id: Annotated[str, Field(description="The network's id of the post to answer.")],
        request_id: RequestId = "",
    ) -> Answer:
        """Let a character answer a mention or another post now."""
        request = agents.TriggerReplyRequest(agent_id=character, network_post_id=network_post_id, request_id=request_id)
        return views.triggered(await self._agents.TriggerReply(request))

    async def trigger_trade(self, character: Character, request_id: RequestId = "") -> Answer:
        """Let a character consider a trade now, within its wallet's policy; it may decide against it."""
        request = agents.TriggerTradeRequest(agent_id=character, request_id=request_id)
        return views.triggered(await self._agents.TriggerTrade(request))

    async def approve_draft(self, id: str, etag: Etag = "", request_id: RequestId = "") -> Answer:  # noqa: A002
        """Approve a draft: it is published, or traded, once."""
        request = drafts.ApproveDraftRequest(id=id, etag=etag, request_id=request_id)
        return views.draft((await self._drafts.ApproveDraft(request)).draft)

    async def edit_draft(
        self,
        id: str,  # noqa: A002
        text: Annotated[str, Field(min_length=1, max_length=2000, description="The text in place of the draft's.")],
        etag: Etag = "",
        request_id: RequestId = "",
    ) -> Answer:
        """Give a draft another text, which is judged by the same rules; it goes on waiting."""
        request = drafts.EditDraftRequest(id=id, text=text, etag=etag, request_id=request_id)
        return views.draft((await self._drafts.EditDraft(request)).draft)

    async def reject_draft(
        self,
        id: str,  # noqa: A002
        comment: Annotated[str, Field(max_length=1000, description="Why, for whoever looks later.")] = "",
        request_id: RequestId = "",
    ) -> Answer:
        """Reject a draft: nothing comes of it."""
        request = drafts.RejectDraftRequest(id=id, comment=comment, request_id=request_id)
        return views.draft((await self._drafts.RejectDraft(request)).draft)

    async def publish_news(
        self,
        text: Annotated[str, Field(min_length=1, max_length=600, description="What has happened.")],
        characters: Annotated[list[str], Field(description="Whom it reaches, by their ids; empty: everybody.")] = [],  # noqa: B006 - it is a default of a schema, and never changed
        post_probability: Annotated[float, Field(ge=0, le=1, description="How likely each posts about it.")] = 0.5,
        request_id: RequestId = "",
    ) -> Answer:
        """Publish news to characters: it moves their moods, and some may post about it."""
        # What an assistant passes on may be a stranger's text, so it is taken for one: it is never the operator's word.
        news = events.News(text=text, origin=events.NEWS_ORIGIN_EXTERNAL, post_probability=post_probability)
        event = events.Event(agent_ids=characters, priority=events.EVENT_PRIORITY_NORMAL, news=news)
        request = events.PublishEventRequest(event=event, request_id=request_id)
        return write((await self._events.PublishEvent(request)).event)

    async def start_character(self, character: Character, request_id: RequestId = "") -> Answer:
        """Let a character live on that was stopped."""
        request = agents.StartAgentRequest(id=character, request_id=request_id)
        return views.character((await self._agents.StartAgent(request)).agent)

    async def stop_character(self, character: Character, request_id: RequestId = "") -> Answer:
        """Stop a character: it does nothing more until somebody starts it."""
        request = agents.StopAgentRequest(id=character, request_id=request_id)
        return views.character((await self._agents.StopAgent(request)).agent)

    async def halt_trading(
        self,
        character: AnyCharacter = "",
        reason: Annotated[str, Field(max_length=500, description="Why, for whoever looks later.")] = "",
        request_id: RequestId = "",
    ) -> Answer:
        """Halt the trading of a character, or all trading, within a second. Only a person resumes it."""
        wallet = await self._wallet(character) if character else ""
        request = trading.HaltTradingRequest(wallet_id=wallet, reason=reason, request_id=request_id)
        return write((await self._trading.HaltTrading(request)).halt)

    async def _wallet(self, character: str) -> str:
        listed = await self._trading.ListWallets(trading.ListWalletsRequest(agent_id=character, page_size=1))
        if not listed.wallets:
            raise InvalidRequest([Violation("character", "has no wallet")])
        return str(listed.wallets[0].id)


async def _within_scope(call: Callable[[Any], Awaitable[Any]], request: Any) -> Any:
    """Ask for all characters; for a caller who may see some only, for those."""
    try:
        return await call(request)
    except grpc.aio.AioRpcError as error:
        if request.agent_ids or not (own := _scope_in(error)):
            raise
        request.agent_ids.extend(own)
        return await call(request)


def _scope_in(error: grpc.aio.AioRpcError) -> Sequence[str]:
    """Return whom a caller may see who was refused to see all; nobody for any other refusal."""
    remote = Remote(error)
    own = remote.metadata.get("agents", "") if remote.code is grpc.StatusCode.PERMISSION_DENIED else ""
    # A scope that doesn't fit into an error is cut there: then the one that is cut is left out.
    return [name for name in own.split(",") if name and not name.endswith("…")]
