"""What an agent does to answer what it has heard: reply to some of it, within limits."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from services.agents.domain import text as texts
from services.agents.domain.conversation import Turn
from services.agents.domain.entities import ActivityKind
from services.agents.domain.guard import Context, Purpose
from services.agents.domain.meaning import spoken_by
from services.agents.domain.mood import SocialEvent, stress_in
from services.agents.domain.prompts import Fellow, Remembered, compose_reply
from services.agents.domain.regard import regard
from services.agents.ports.neighbours import MemoryPort, NewMemory, Recollection, Source, View
from services.agents.ports.store import Store
from services.agents.ports.stored import Draft, Feelings, Heard, Pass, Post, ReplyTask
from services.agents.service.allowance import Allowance, Calls, replies_of, turn_of
from services.agents.service.cast import Cast, Character
from services.agents.service.conversing import Conversations
from services.agents.service.journal import Entry
from services.agents.service.posting import OWN_WORDS, RECENT
from services.agents.service.tokens import Tokens
from services.agents.service.writing import Choice, Writer
from services.runtime.idempotency import RequestKey

MOST_REPLIES_TO_A_FELLOW = 2
MOST_REPLIES_TO_A_STRANGER = 3
"""In one conversation. Two characters that answer each other would otherwise never end."""

_OWN = (Source.OPERATOR, Source.SELF)
_OF_OTHERS = (Source.AGENT, Source.EXTERNAL)
_CLOSER = View(sentiment=0.02, familiarity=0.05, trust=0.01)
_MOST_HITS = 8
_MOST_OWN = 40


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of an agent others may use up: replies and model calls in a day of its own time, and replies at once.

    `age` is how old a mention may be.
    """

    to_one: int
    to_strangers: int
    calls_for_strangers: int
    strangers_at_once: int
    age: timedelta


class Replying:
    """The steps of a reply."""

    def __init__(
        self,
        store: Store,
        cast: Cast,
        writer: Writer,
        memory: MemoryPort,
        tokens: Tokens,
        conversations: Conversations,
        limits: Limits,
    ) -> None:
        self._store = store
        self._cast = cast
        self._limits = limits
        self._writer = writer
        self._memory = memory
        self._tokens = tokens
        self._conversations = conversations
        self._allowance = Allowance(store, cast, limits.calls_for_strangers, limits.strangers_at_once)
        self.turn = self._allowance.turn

    async def consider(self, workflow_id: str, task: ReplyTask, heard: Heard) -> Pass | None:
        """Decide whether to answer at all; None when it will, and then the reply counts against the limit."""
        character = await self._cast.character(task.agent_id)
        silence = f"leaves {heard.author_name} without an answer"
        if not (character.record.is_active and character.record.account_id):
            return Pass(silence, "was stopped before it began")
        if self._cast.now() - task.mention.create_time > self._limits.age:
            return Pass(silence, "it was written too long ago")
        if random.Random(workflow_id).random() >= character.persona.behavior.reply_probability:
            return Pass(silence, "by its reply_probability")
        conversation_id = task.mention.conversation_id
        # Two mentions may come at once, and this step may run twice.
        async with self._store.writing(turn_of(task.agent_id)) as records:
            now = self._cast.now()
            if await records.claim(RequestKey("", "Reply", workflow_id, ""), conversation_id) is None:
                for scope, counterpart, limit, where in self._counted(conversation_id, heard):
                    # What was counted before a limit is reached is not kept: nothing is committed.
                    if not await records.count(task.agent_id, scope, counterpart, limit, now):
                        return Pass(silence, f"has given {limit} replies {where}")
                if not (heard.is_fellow or await self._allowance.begin(records, task.agent_id)):
                    return Pass(silence, "has used up the model's calls for strangers today")
                await records.commit()
        return None

    def _counted(self, conversation_id: str, heard: Heard) -> Iterator[tuple[str, str, int, str]]:
        """Yield what a reply counts against: where, to whom, how many there may be, and that in words."""
        in_one = MOST_REPLIES_TO_A_FELLOW if heard.is_fellow else MOST_REPLIES_TO_A_STRANGER
        yield conversation_id, heard.counterpart, in_one, "in this conversation"
        today = replies_of(self._cast.day())
        yield today, heard.counterpart, self._limits.to_one, f"to {heard.author_name} today"
        if not heard.is_fellow:
            # Fellows have limits of their own, and strangers are as many as they like: together they get so much.
            yield today, "", self._limits.to_strangers, "to strangers today"

    async def write(self, workflow_id: str, task: ReplyTask, heard: Heard) -> Draft | Pass:
        """Return the reply, or why there is none."""
        character = await self._cast.character(task.agent_id)
        # The first time it reads its dictionaries, for some seconds.
        await asyncio.to_thread(spoken_by, character.persona)
        rng = random.Random(f"{workflow_id}/words")
        own = tuple(said.text for said in await self._memory.said(task.agent_id, OWN_WORDS, _MOST_OWN))
        memory = await self._fitting(task, heard)
        author = _author(heard, await self._note(task.agent_id, heard))
        others = await self._others(task, heard)
        symbols = await self._tokens.symbols()
        before = await self._conversations.before(workflow_id, character, task.mention, heard)
        context = Context(task.mention.text, own_posts=own, conversation=before.heard, names=others, symbols=symbols)
        calls = Calls(self._allowance, task.agent_id, workflow_id, heard)
        write = partial(self._words, workflow_id, character, author, before.turns, calls, rng)
        choice = await write(_recalling(context, memory))
        if memory and not choice.text:
            memory = None
            choice = await write(context)
        if not choice.text:
            return Pass(f"finds no words for {heard.author_name}", choice.account)
        details = {
            "to": task.mention.author_handle,
            "in_reply_to": task.mention.network_post_id,
            "mention": task.mention.text,
            "conversation_id": task.mention.conversation_id,
        }
        if memory:
            details |= {"memory": memory.text, "memory_id": memory.id, "relevance": f"{memory.relevance:.2f}"}
        remembered = f"remembers “{memory.text}”; " if memory else ""
        unread = f"; what was said before could not be read: {before.unread}" if before.unread else ""
        reason = f"{remembered}feels {character.mood.label}; {choice.account}{unread}"
        return Draft(choice.text, reason, details, is_external=heard.is_external or before.is_external)

    async def remember(self, workflow_id: str, task: ReplyTask, heard: Heard, draft: Draft, post: Post) -> None:
        """Remember what was answered, as coming from where it was made from, and grow closer to whom it was said."""
        answer = NewMemory(
            draft.text,
            "interaction",
            Source.EXTERNAL if draft.is_external else Source.lowest(Source.SELF, _source(heard)),
            author=task.agent_id,
            source_id=post.network_post_id,
            subject=heard.author_name,
            conversation_id=task.mention.conversation_id,
        )
        await self._memory.remember(task.agent_id, answer, f"{workflow_id}/memory")
        summary = f"{heard.author_name} said “{task.mention.text}”, and the answer was “{draft.text}”"
        await self._memory.interacted(task.agent_id, heard.counterpart, summary, _CLOSER, f"{workflow_id}/closer")

    async def feelings(self, task: ReplyTask, heard: Heard) -> Feelings:
        """Return how being mentioned moves an agent: what fellows say does, what strangers may have said doesn't."""
        character = await self._cast.character(task.agent_id)
        if heard.is_external:
            return Feelings(())
        is_stressed = stress_in(task.mention.text, character.persona.personality.stress_triggers)
        return Feelings((SocialEvent.STRESSED if is_stressed else SocialEvent.GOT_REPLY,))

    async def _words(
        self,
        workflow_id: str,
        character: Character,
        author: Fellow | None,
        before: Sequence[Turn],
        calls: Calls,
        rng: random.Random,
        context: Context,
    ) -> Choice:
        memory = Remembered(context.memory, context.is_memory_trusted)
        recent = await self._memory.trusted(character.record.id, ("post",), RECENT)
        prompt = compose_reply(character.persona, character.mood, context.about, author, memory, recent, before, rng)
        return await self._writer.write(workflow_id, character, Purpose.REPLY, prompt, context, rng, calls.take)

    async def _others(self, task: ReplyTask, heard: Heard) -> tuple[str, ...]:
        """Return what the fellows are called, but for the one who is answered."""
        fellows = await self._cast.fellows(task.agent_id)
        return tuple(name for one in fellows if one.id != heard.counterpart for name in (one.name, one.handle) if name)

    async def _fitting(self, task: ReplyTask, heard: Heard) -> Recollection | None:
        """Return the memory that fits a mention best: the character's own, or what the same one has said before."""
        query = texts.spoken(task.mention.text) or heard.author_name
        hits = await self._memory.search(task.agent_id, query, _MOST_HITS, _OWN)
        hits += await self._memory.search(task.agent_id, query, _MOST_HITS, _OF_OTHERS, heard.counterpart)
        hits.sort(key=lambda hit: hit.relevance, reverse=True)
        if heard.is_fellow:
            hits += await self._memory.search(task.agent_id, heard.author_name, _MOST_HITS, _OWN)
        return next((hit for hit in hits if _may_bring_up(hit, heard)), None)

    async def _note(self, agent_id: str, heard: Heard) -> str:
        """Return what the character thinks of somebody, in words."""
        for name in (heard.counterpart, heard.known_as):
            view = await self._memory.view_of(agent_id, name) if name else None
            if view and (view.notes or heard.is_fellow):
                return regard(view.sentiment, view.familiarity, view.trust, view.notes)
        return ""


def _recalling(context: Context, memory: Recollection | None) -> Context:
    """Return a context with what is to be brought in; what others have said stays theirs."""
    if memory is None:
        return context
    return replace(context, memory=memory.text, is_memory_trusted=memory.source in _OWN)


def _source(heard: Heard) -> Source:
    return Source.EXTERNAL if heard.is_external else Source.AGENT


def _author(heard: Heard, note: str) -> Fellow | None:
    """Return who is answered, as a model is told of them: what strangers call themselves is their own text."""
    if heard.is_fellow:
        return Fellow(heard.author_name, note)
    return Fellow("Somebody you know", note) if note else None


def _may_bring_up(hit: Recollection, heard: Heard) -> bool:
    """Say whether a memory may come into an answer, which is then no lower than what is answered."""
    if hit.id == heard.memory_id or Source.lowest(hit.source, _source(heard)) is not _source(heard):
        return False
    if hit.source in _OF_OTHERS:
        # What somebody has said is for nobody else's ears.
        return hit.author == heard.counterpart
    # To bring in what it has said itself would be to repeat it.
    return not (hit.source is Source.SELF and hit.kind in OWN_WORDS)


def replied(heard: Heard, draft: Draft, post: Post, feelings: Feelings) -> Entry:
    """Return what is logged of a settled reply."""
    ids = {"post_id": post.id, "network_post_id": post.network_post_id, "to_name": heard.author_name}
    details = {**draft.details, **ids}
    return Entry(ActivityKind.REPLY, draft.text, draft.reason, details, (*feelings.events, SocialEvent.REPLIED))
