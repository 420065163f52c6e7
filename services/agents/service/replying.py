"""What an agent does to answer: read its mentions, hear each of them, and reply to some, within limits."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from services.agents.domain.entities import ActivityKind, AgentRecord
from services.agents.domain.guard import Context, Purpose
from services.agents.domain.mood import SocialEvent, stress_in
from services.agents.domain.prompts import compose_reply
from services.agents.ports.neighbours import MemoryPort, NewMemory, Recollection, SocialPort, Source, View
from services.agents.ports.store import Store
from services.agents.ports.stored import Draft, Feelings, Heard, Inbox, MentionsTask, Pass, Post, ReplyTask
from services.agents.service.cast import Cast, Character
from services.agents.service.journal import TURN, Entry
from services.agents.service.posting import OWN_WORDS
from services.agents.service.tokens import Tokens
from services.agents.service.writing import Choice, Writer
from services.runtime.idempotency import RequestKey

MOST_REPLIES_TO_A_FELLOW = 2
MOST_REPLIES_TO_A_STRANGER = 3
"""In one conversation. Two characters that answer each other would otherwise never end."""

_CLOSER = View(sentiment=0.02, familiarity=0.05, trust=0.01)
# Networks have a clock of their own, and tell the time in whole seconds.
_CLOCK_SKEW = timedelta(minutes=1)
_MOST_HITS = 8
_MOST_OWN = 40
_NETWORK = "x"
_HANDLE = re.compile(r"@\w+")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of an agent others may use up: replies in a day of its own time, and how old a mention may be."""

    to_one: int
    to_strangers: int
    age: timedelta


class Replying:
    """The steps of a reply."""

    def __init__(
        self,
        store: Store,
        cast: Cast,
        writer: Writer,
        memory: MemoryPort,
        social: SocialPort,
        tokens: Tokens,
        limits: Limits,
    ) -> None:
        self._store = store
        self._cast = cast
        self._limits = limits
        self._writer = writer
        self._memory = memory
        self._social = social
        self._tokens = tokens

    async def inbox(self, task: MentionsTask) -> Inbox:
        """Return the mentions after the cursor."""
        record = (await self._cast.character(task.agent_id)).record
        async with self._store.reading() as records:
            before = await records.mention_cursor(task.agent_id)
        if not (record.is_active and record.account_id):
            return Inbox((), before, before)
        if not record.network_user_id:
            await self._learn(record)
        found = await self._social.mentions(record.account_id, before)
        # An account may be older than its character: what was said before it came here is not for it to answer.
        since = record.create_time - _CLOCK_SKEW
        mentions = [mention for mention in found if before or mention.create_time >= since]
        return Inbox(tuple(mentions), before, found[-1].network_post_id if found else before)

    async def _learn(self, record: AgentRecord) -> None:
        """Take down who an agent is on its network, if it came here before that was asked for."""
        account = await self._social.account_of(record.id)
        if account is None:
            return
        async with self._store.writing(TURN) as records:
            agent = await records.agent(record.id)
            if agent is not None and agent.account_id == account.id:
                agent.network_user_id = account.user_id
                await records.save(agent)
                await records.commit()

    async def advance(self, task: MentionsTask, inbox: Inbox) -> None:
        """Move the cursor behind the inbox."""
        async with self._store.writing() as records:
            await records.move_mention_cursor(task.agent_id, inbox.before, inbox.after)
            await records.commit()

    async def hear(self, workflow_id: str, task: ReplyTask) -> Heard:
        """Remember a mention: a fellow's words as AGENT, a stranger's as EXTERNAL."""
        mention = task.mention
        fellows = await self._cast.fellows(task.agent_id)
        # Not by the handle: who renames stays who they are, and who takes a name over is somebody else.
        fellow = next((known for known in fellows if known.network_user_id == mention.author_user_id), None)
        fellow = fellow if mention.author_user_id else None
        counterpart = fellow.id if fellow else f"{_NETWORK}:{mention.author_user_id or mention.author_handle}"
        heard = NewMemory(
            mention.text,
            "interaction",
            Source.AGENT if fellow else Source.EXTERNAL,
            author=counterpart,
            source_id=mention.network_post_id,
            subject=fellow.name if fellow else mention.author_handle,
            conversation_id=mention.conversation_id,
            occur_time=mention.create_time,
        )
        memory_id = await self._memory.remember(task.agent_id, heard, f"{workflow_id}/heard")
        return Heard(memory_id, counterpart, heard.subject, is_fellow=fellow is not None)

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
        async with self._store.writing(f"replies/{task.agent_id}") as records:
            if await records.claim(RequestKey("", "Reply", workflow_id, ""), conversation_id) is None:
                for scope, counterpart, limit, where in self._counted(conversation_id, heard):
                    # What was counted before a limit is reached is not kept: nothing is committed.
                    if not await records.count_reply(task.agent_id, scope, counterpart, limit):
                        return Pass(silence, f"has given {limit} replies {where}")
                await records.commit()
        return None

    def _counted(self, conversation_id: str, heard: Heard) -> Iterator[tuple[str, str, int, str]]:
        """Yield what a reply counts against: where, to whom, how many there may be, and that in words."""
        in_one = MOST_REPLIES_TO_A_FELLOW if heard.is_fellow else MOST_REPLIES_TO_A_STRANGER
        yield conversation_id, heard.counterpart, in_one, "in this conversation"
        today = f"day/{self._cast.day()}"
        yield today, heard.counterpart, self._limits.to_one, f"to {heard.author_name} today"
        if not heard.is_fellow:
            # Fellows have limits of their own, and strangers are as many as they like: together they get so much.
            yield today, "", self._limits.to_strangers, "to strangers today"

    async def write(self, workflow_id: str, task: ReplyTask, heard: Heard) -> Draft | Pass:
        """Return the reply, or why there is none."""
        character = await self._cast.character(task.agent_id)
        rng = random.Random(f"{workflow_id}/words")
        view = await self._memory.view_of(task.agent_id, heard.counterpart)
        if view is None and not heard.is_fellow:
            # A persona knows people by their handles only.
            view = await self._memory.view_of(task.agent_id, task.mention.author_handle)
        own = tuple(memory.text for memory in await self._memory.trusted(task.agent_id, OWN_WORDS, _MOST_OWN))
        memory = await self._fitting(task, heard)
        note = view.notes if view else ""
        others = await self._others(task, heard)
        symbols = await self._tokens.symbols()
        context = Context(task.mention.text, own_posts=own, names=others, symbols=symbols)
        choice = await self._words(character, heard, note, _recalling(context, memory), rng)
        if memory and not choice.text:
            memory = None
            choice = await self._words(character, heard, note, context, rng)
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
        return Draft(choice.text, f"{remembered}feels {character.mood.label}; {choice.account}", details)

    async def remember(self, workflow_id: str, task: ReplyTask, heard: Heard, draft: Draft, post: Post) -> None:
        """Remember what was answered, and grow a little closer to whom it was said."""
        answer = NewMemory(
            draft.text,
            "interaction",
            Source.SELF,
            source_id=post.network_post_id,
            subject=heard.author_name,
            conversation_id=task.mention.conversation_id,
        )
        await self._memory.remember(task.agent_id, answer, f"{workflow_id}/memory")
        summary = f"{heard.author_name} said “{task.mention.text}”, and the answer was “{draft.text}”"
        await self._memory.interacted(task.agent_id, heard.counterpart, summary, _CLOSER, f"{workflow_id}/closer")

    async def feelings(self, task: ReplyTask, heard: Heard) -> Feelings:
        """Return how being mentioned moves an agent: what fellows say does, what strangers say doesn't."""
        character = await self._cast.character(task.agent_id)
        if not heard.is_fellow:
            return Feelings(())
        is_stressed = stress_in(task.mention.text, character.persona)
        return Feelings((SocialEvent.STRESSED if is_stressed else SocialEvent.GOT_REPLY,))

    async def _words(
        self, character: Character, heard: Heard, note: str, context: Context, rng: random.Random
    ) -> Choice:
        said, memory = context.about, context.memory
        prompt = compose_reply(character.persona, character.mood, said, heard.author_name, note, memory, rng)
        context = replace(context, system=prompt.system)
        return await self._writer.write(character, Purpose.REPLY, prompt, context, rng)

    async def _others(self, task: ReplyTask, heard: Heard) -> tuple[str, ...]:
        """Return what the fellows are called, but for the one who is answered."""
        fellows = await self._cast.fellows(task.agent_id)
        return tuple(name for one in fellows if one.id != heard.counterpart for name in (one.name, one.handle) if name)

    async def _fitting(self, task: ReplyTask, heard: Heard) -> Recollection | None:
        """Return the memory that fits a mention best."""
        query = _HANDLE.sub("", task.mention.text).strip() or heard.author_name
        hits = await self._memory.search(task.agent_id, query, _MOST_HITS)
        if heard.is_fellow:
            hits += await self._memory.search(task.agent_id, heard.author_name, _MOST_HITS)
        return next((hit for hit in hits if _may_bring_up(hit, heard)), None)


def _recalling(context: Context, memory: Recollection | None) -> Context:
    """Return a context with what is to be brought in; what others have said stays theirs."""
    if memory is None:
        return context
    is_own = memory.source in (Source.SELF, Source.OPERATOR)
    return replace(context, memory=memory.text, is_memory_trusted=is_own)


def _may_bring_up(hit: Recollection, heard: Heard) -> bool:
    if hit.id == heard.memory_id:
        return False
    if hit.source in (Source.AGENT, Source.EXTERNAL):
        # What somebody has said is for nobody else's ears.
        return hit.author == heard.counterpart
    # To bring in what it has said itself would be to repeat it.
    return not (hit.source is Source.SELF and hit.kind in OWN_WORDS)


def replied(heard: Heard, draft: Draft, post: Post, feelings: Feelings) -> Entry:
    """Return what is logged of a settled reply."""
    ids = {"post_id": post.id, "network_post_id": post.network_post_id, "to_name": heard.author_name}
    details = {**draft.details, **ids}
    return Entry(ActivityKind.REPLY, draft.text, draft.reason, details, (*feelings.events, SocialEvent.REPLIED))
