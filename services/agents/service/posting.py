"""What an agent does to post: choose a topic, perhaps somebody to speak to, and the words."""

import asyncio
import random

from services.agents.domain.entities import ActivityKind, AgentRecord
from services.agents.domain.guard import Context, Purpose
from services.agents.domain.meaning import shared, spoken_by
from services.agents.domain.mood import SocialEvent
from services.agents.domain.prompts import Fellow, choose_topic, compose_post, compose_trade_post
from services.agents.domain.regard import regard
from services.agents.domain.telling import is_checkable, speaks_english, tell
from services.agents.ports.neighbours import MemoryPort, NewMemory, Refused, SocialPort, Source, TradingPort
from services.agents.ports.stored import Draft, Pass, Post, PostTask, TradeNews
from services.agents.service.capabilities import NetworkCapabilities
from services.agents.service.cast import Cast, Character
from services.agents.service.effects import Effects
from services.agents.service.journal import Entry
from services.agents.service.reserving import Reservations
from services.agents.service.writing import Writer

OWN_WORDS = ("post", "interaction")
"""The kinds of memory that hold what an agent has said. They are compared with, but nothing is made from them:
a reply may echo a stranger, whose words would come back as the agent's own."""

GROUNDED = ("core", "recent", "event", "trade", "relationship", "reflection", "general")
"""The kinds of memory that posts may be made from; for trades there are fewer."""

RECENT = 4
"""So many of its latest posts a model is shown that writes another one."""

_MOST_OWN = 40
_MOST_LATE = 10
_MOST_MEMORIES = 50
_MOST_FITTING = 4
_ADDRESS_PROBABILITY = 0.35
_ADDRESS_PROBABILITY_AFTER_SILENCE = 0.85
_SILENCE = 3
_STOPPED = Pass("posts nothing", "was stopped before it was sent")


class Posting:
    """The steps of a post."""

    def __init__(
        self,
        cast: Cast,
        effects: Effects,
        writer: Writer,
        reservations: Reservations,
        memory: MemoryPort,
        social: SocialPort,
        trading: TradingPort,
        capabilities: NetworkCapabilities,
    ) -> None:
        self._capabilities = capabilities
        self._cast = cast
        self._effects = effects
        self._writer = writer
        self._reservations = reservations
        self._memory = memory
        self._social = social
        self._trading = trading

    async def write(self, workflow_id: str, task: PostTask) -> Draft | Pass:
        """Return the post, or why there is none."""
        character = await self._cast.character(task.agent_id)
        if not (character.record.is_active and character.record.account_id):
            return Pass("posts nothing", "was stopped before it began")
        # The first time it reads its dictionaries, for some seconds.
        spoken = await asyncio.to_thread(spoken_by, character.persona)
        rng = random.Random(workflow_id)
        # Not its answers: their subjects are people, and what strangers made it say holds no post back.
        own = await self._memory.said(task.agent_id, ("post",), _MOST_OWN)
        texts = tuple(said.text for said in own)
        if task.news is not None:
            return await self._about_trade(workflow_id, character, task.news, texts, rng)
        topic = task.topic or await self._topic(character, [said.subject for said in own[:_MOST_LATE]], rng)
        memories = await self._memory.trusted_about(task.agent_id, topic, GROUNDED, _MOST_FITTING)
        fellow = await self._addressed(character, texts, rng)
        prefix = f"@{fellow.handle} " if fellow else ""
        addressed = Fellow(fellow.name, await self._note(character, fellow)) if fellow else None
        recent = await self._memory.trusted(task.agent_id, ("post",), RECENT)
        most = (await self._writer.limit(character)).max_weight
        prompt = compose_post(character.persona, character.mood, topic, memories, addressed, recent, most, rng)
        context = Context(topic, own_posts=texts, prefix=prefix)
        choice = await self._writer.write(workflow_id, character, Purpose.POST, prompt, context, rng)
        if not choice.text:
            return Pass(f"posts nothing about {topic}", choice.account)
        reason = f"topic: {topic}; feels {character.mood.label}; {choice.account}"
        details = {"topic": topic}
        if fellow:
            details["to"] = fellow.handle
        told = next((memory for memory in memories if shared(choice.text, memory.text, spoken)), None)
        if choice.knew and told:
            details |= {"memory": told.text, "memory_id": told.id}
        return Draft(prefix + choice.text, reason, details)

    async def _about_trade(
        self, workflow_id: str, character: Character, news: TradeNews, own: tuple[str, ...], rng: random.Random
    ) -> Draft | Pass:
        """Return a post about a trade: a model's words where they can be checked, or else words that code composes."""
        if not is_checkable(character.persona):
            return await self._composed(workflow_id, character, news, own, rng)
        most = (await self._writer.limit(character)).max_weight
        prompt = compose_trade_post(character.persona, character.mood, news.words, most, rng)
        context = Context(news.words, own_posts=own)
        choice = await self._writer.write(workflow_id, character, Purpose.TRADE_POST, prompt, context, rng)
        if choice.text:
            reason = f"it {news.words}; feels {character.mood.label}; {choice.account}"
            return Draft(choice.text, reason, {**news.details, "topic": news.words})
        if speaks_english(character.persona):
            return Pass("posts nothing about its trade", choice.account)
        # Few ways of saying it are known in other languages: that a model found none of them is no reason for silence.
        return await self._composed(workflow_id, character, news, own, rng)

    async def _composed(
        self, workflow_id: str, character: Character, news: TradeNews, own: tuple[str, ...], rng: random.Random
    ) -> Draft | Pass:
        """Return a post about a trade without a model's words, unless the character has just said the same."""
        text = tell(character.persona, news.words, rng)
        if text in own or not await self._reservations.reserve(character.record.id, workflow_id, text):
            return Pass("posts nothing about its trade", "it has said the same of late")
        reason = f"it {news.words}; feels {character.mood.label}; in words of its own examples"
        return Draft(text, reason, {**news.details, "topic": news.words})

    async def publish(self, workflow_id: str, agent_id: str, text: str, in_reply_to: str = "") -> Post | Pass:
        """Publish a text, once for every workflow; a Pass says why it isn't to be published.

        What had begun before the agent was stopped is taken back if it can be.
        """
        record = (await self._cast.character(agent_id)).record
        if record.wallet_id and await self._trading.holds_key(text):
            return Pass("posts nothing", "the text held the key of a wallet")
        agent = await self._effects.begin(agent_id, workflow_id, lambda agent: bool(agent.account_id))
        if agent is None:
            return _STOPPED
        if not agent.is_active:
            return await self._social.withdraw(agent.account_id, workflow_id) or _STOPPED
        try:
            return await self._social.publish(agent.account_id, text, in_reply_to, workflow_id)
        except Refused as refused:
            self._capabilities.learn(agent.account_id, refused)
            if refused.reason != "REPLY_SHARE_USED_UP":
                raise
            return Pass("keeps a reply to itself", "has made as many replies as its network's limit leaves for them")

    async def look(self, post_id: str) -> Post:
        """Return a post as it is now."""
        return await self._social.post(post_id)

    async def withdraw(self, workflow_id: str, agent_id: str) -> Post | None:
        """Take back what this workflow wanted to publish, unless it was sent, and return it as it is then.

        None when nothing was taken for it, and nothing will be.
        """
        account_id = (await self._cast.character(agent_id)).record.account_id
        return await self._social.withdraw(account_id, workflow_id) if account_id else None

    async def withdraw_held(self, agent_id: str) -> None:
        """Take back everything that is held back of an agent, unless it was started again meanwhile."""
        record = (await self._cast.character(agent_id)).record
        if record.account_id and not record.is_active:
            await self._social.withdraw_held(record.account_id)

    async def remember(self, workflow_id: str, agent_id: str, draft: Draft, post: Post) -> None:
        """Remember what was posted."""
        memory = NewMemory(
            draft.text, "post", Source.SELF, 0.4, source_id=post.network_post_id, subject=draft.details["topic"][:200]
        )
        await self._memory.remember(agent_id, memory, f"{workflow_id}/memory")

    async def _topic(self, character: Character, late: list[str], rng: random.Random) -> str:
        memories = await self._memory.trusted(character.record.id, GROUNDED, _MOST_MEMORIES)
        return choose_topic(character.persona, memories, late, rng)

    async def _addressed(self, character: Character, own: tuple[str, ...], rng: random.Random) -> AgentRecord | None:
        """Return a fellow to speak to, in about half of the cases: rather one that the persona knows than another."""
        is_silent = not any(text.startswith("@") for text in own[:_SILENCE])
        if rng.random() >= (_ADDRESS_PROBABILITY_AFTER_SILENCE if is_silent else _ADDRESS_PROBABILITY):
            return None
        everyone = await self._cast.fellows(character.record.id)
        fellows = [fellow for fellow in everyone if fellow.is_active and fellow.handle]
        names = {known.counterpart for known in character.persona.memory.relationships}
        known = [fellow for fellow in fellows if names & {fellow.id, fellow.name, fellow.handle}]
        return rng.choice(known or fellows) if fellows else None

    async def _note(self, character: Character, fellow: AgentRecord) -> str:
        view = await self._memory.view_of(character.record.id, fellow.id)
        return regard(view.sentiment, view.familiarity, view.trust, view.notes) if view else ""


def posted(draft: Draft, post: Post) -> Entry:
    """Return what is logged of a settled post."""
    ids = {"post_id": post.id, "network_post_id": post.network_post_id}
    return Entry(ActivityKind.POST, draft.text, draft.reason, {**draft.details, **ids}, (SocialEvent.POSTED,))
