"""Remarking: what strangers have written, such as a feed's news, is spoken about as a mention of theirs is answered.

Their text reaches the prompt where a mention would stand, the guard takes nothing from it, and what comes of it is
remembered as coming from them.
"""

import asyncio
import random
from collections.abc import Sequence
from urllib.parse import urlsplit

from services.agents.behaviours.base import MAX_OWN, AnyBehaviour, Parts, Posting
from services.agents.domain.guard import Context, Purpose
from services.agents.domain.meaning import spoken_by
from services.agents.domain.memories import LATE, OWN_WORDS, TrustedMemory
from services.agents.domain.previews import Preview, Wanted, recalled
from services.agents.domain.prompts import Fellow, PromptParts, Remembered, compose_reply
from services.agents.domain.proposals import Pass, PostProposal
from services.agents.domain.records import Grounds, MemoryUse, Passed, PassReason
from services.agents.domain.tasks import Heard, RemarkTask
from services.agents.ports.neighbours import NewMemory, Source
from services.agents.ports.stored import Post
from services.agents.service import Calls, Character
from services.runtime.errors import InvalidRequest, Violation

_ABOUT = "what it has read"
_WHO = Fellow("The news", "They don't read what you write.")


def build(parts: Parts) -> AnyBehaviour:
    """Return the behaviour."""
    return Remark(parts)


class Remark(Posting[RemarkTask]):
    """A post about what strangers have written."""

    kind = "remark"
    purpose = Purpose.REPLY
    task_type = RemarkTask

    async def preview(self, name: str, wanted: Wanted, /) -> Preview:
        """Return what a model would be asked about what strangers have written."""
        if not wanted.text:
            raise InvalidRequest([Violation("text", "is required: what is remarked on")])
        character = await self._parts.cast.character(wanted.agent_id)
        await asyncio.to_thread(spoken_by, character.persona)
        recent = await self._parts.memory.trusted(wanted.agent_id, ("post",), LATE)
        prompt = await self._prompt(character, wanted.text, recent, random.Random(name))
        knows = await self._parts.models.shows_background(character)
        use = MemoryUse.SHOWN if knows else MemoryUse.FOUND
        return Preview((prompt,), character.mood, knows, recalled(recent, use))

    async def propose(self, name: str, task: RemarkTask) -> PostProposal | Pass:
        """Return the post, or why there is none."""
        parts, agent_id, news = self._parts, task.agent_id, task.news
        character = await parts.cast.character(agent_id)
        heard = _heard(task)
        if passed := await parts.governors.admit_remark(name, character, heard):
            return Pass(passed)
        async with parts.allowance.turn(agent_id, heard):
            # The first time it reads its dictionaries, for some seconds.
            await asyncio.to_thread(spoken_by, character.persona)
            rng = random.Random(name)
            recent = await parts.memory.trusted(agent_id, ("post",), LATE)
            context = await self._context(agent_id, news.text)
            prompt = await self._prompt(character, news.text, recent, rng)
            calls = Calls(parts.allowance, agent_id, name, heard)
            choice = await parts.writer.write(name, character, self.purpose, prompt, context, rng, calls.take)
        considered = recalled(recent, MemoryUse.SHOWN if choice.knew else MemoryUse.FOUND)
        grounds = Grounds(character.mood.label, writing=choice.writing, considered=considered)
        if not choice.texts:
            return Pass(Passed(PassReason.NO_CANDIDATE, about=_ABOUT), grounds)
        return PostProposal(
            agent_id=agent_id,
            texts=choice.texts,
            grounds=grounds,
            topic=_ABOUT,
            event_id=task.event_id,
            news_text=news.text,
        )

    async def _prompt(
        self, character: Character, news: str, recent: Sequence[TrustedMemory], rng: random.Random
    ) -> PromptParts:
        limit = (await self._parts.writer.limit(character)).max_weight
        return compose_reply(character.persona, character.mood, news, _WHO, Remembered(""), recent, (), limit, rng)

    async def context(self, proposal: PostProposal) -> Context:
        """Return the news, of which nothing may be taken, and what the agent has said."""
        return await self._context(proposal.agent_id, proposal.news_text)

    async def _context(self, agent_id: str, news: str) -> Context:
        parts = self._parts
        own = tuple(said.text for said in await parts.memory.said(agent_id, OWN_WORDS, MAX_OWN))
        names = await parts.cast.names_of_fellows(agent_id)
        return Context(news, own_posts=own, names=names, symbols=await parts.tokens.symbols())

    async def remember(self, name: str, proposal: PostProposal, effect: Post) -> None:
        """Remember what was posted as coming from strangers: it is compared with, and nothing is made from it."""
        memory = NewMemory(
            proposal.text,
            "interaction",
            Source.EXTERNAL,
            author=proposal.agent_id,
            source_id=effect.network_post_id,
            subject=_ABOUT,
        )
        await self._parts.memory.remember(proposal.agent_id, memory, f"{name}/memory")


def _heard(task: RemarkTask) -> Heard:
    """Return who has said it, to count by: a host is as many strangers as it likes, and one counterpart."""
    where = urlsplit(task.news.link).hostname or task.news.feed_event_id or task.event_id
    return Heard("", f"news:{where}", where, is_fellow=False)
