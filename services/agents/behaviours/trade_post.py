"""Telling of a trade: a model's words where they can be checked, or else words that code composes."""

import asyncio
import random

from services.agents.behaviours.base import MAX_OWN, AnyBehaviour, Parts, Posting
from services.agents.domain.guard import Context, Purpose
from services.agents.domain.meaning import spoken_by
from services.agents.domain.previews import Preview, Wanted
from services.agents.domain.prompts import PromptParts, compose_trade_post
from services.agents.domain.proposals import Pass, PostProposal
from services.agents.domain.prose import swap_in_words
from services.agents.domain.records import Grounds, Passed, PassReason
from services.agents.domain.tasks import TradePostTask
from services.agents.domain.telling import is_checkable, speaks_english, tell
from services.agents.service import Character
from services.runtime.errors import InvalidRequest, Violation

_ABOUT = "its trade"


def build(parts: Parts) -> AnyBehaviour:
    """Return the behaviour."""
    return TradePost(parts)


class TradePost(Posting[TradePostTask]):
    """A post about a trade that has settled."""

    kind = "trade_post"
    purpose = Purpose.TRADE_POST
    task_type = TradePostTask

    async def preview(self, name: str, wanted: Wanted, /) -> Preview | None:
        """Return what a model would be asked; None in a language in which its words can't be checked."""
        if not wanted.topic:
            raise InvalidRequest([Violation("topic", "is required: the trade in words")])
        character = await self._parts.cast.character(wanted.agent_id)
        await asyncio.to_thread(spoken_by, character.persona)
        if not is_checkable(character.persona):
            return None
        prompt = await self._prompt(character, wanted.topic, random.Random(name))
        return Preview((prompt,), character.mood, await self._parts.models.shows_background(character))

    async def propose(self, name: str, task: TradePostTask) -> PostProposal | Pass:
        """Return the post, or why there is none."""
        parts = self._parts
        character = await parts.cast.character(task.agent_id)
        if not (character.record.is_active and character.record.account_id):
            return Pass(Passed(PassReason.STOPPED))
        # The first time it reads its dictionaries, for some seconds.
        await asyncio.to_thread(spoken_by, character.persona)
        rng = random.Random(name)
        own = tuple(memory.text for memory in await parts.memory.trusted(task.agent_id, ("post",), MAX_OWN))
        words = swap_in_words(task.swap)
        if not is_checkable(character.persona):
            return self._composed(character, task, words, own, rng)
        prompt = await self._prompt(character, words, rng)
        context = Context(words, own_posts=own)
        choice = await parts.writer.write(name, character, Purpose.TRADE_POST, prompt, context, rng)
        if choice.texts:
            grounds = Grounds(character.mood.label, writing=choice.writing)
            return _proposal(task, choice.texts, words, grounds)
        if speaks_english(character.persona):
            return Pass(Passed(PassReason.NO_CANDIDATE, about=_ABOUT), Grounds(writing=choice.writing))
        # Few ways of saying it are known in other languages: that a model found none of them is no reason for silence.
        return self._composed(character, task, words, own, rng)

    async def _prompt(self, character: Character, words: str, rng: random.Random) -> PromptParts:
        limit = (await self._parts.writer.limit(character)).max_weight
        return compose_trade_post(character.persona, character.mood, words, limit, rng)

    def _composed(
        self, character: Character, task: TradePostTask, words: str, own: tuple[str, ...], rng: random.Random
    ) -> PostProposal | Pass:
        """Return a post without a model's words, unless the character has just said the same."""
        text = tell(character.persona, words, rng)
        if text in own:
            return Pass(Passed(PassReason.SAID_ALREADY, about=_ABOUT))
        return _proposal(task, (text,), words, Grounds(character.mood.label))


def _proposal(task: TradePostTask, texts: tuple[str, ...], words: str, grounds: Grounds) -> PostProposal:
    return PostProposal(agent_id=task.agent_id, texts=texts, grounds=grounds, topic=words, swap=task.swap)
