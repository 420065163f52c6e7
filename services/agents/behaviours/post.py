"""Posting: choose a topic, perhaps somebody to speak to, and the words."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace

from services.agents.behaviours.base import MOST_OWN, AnyBehaviour, Parts, Posting
from services.agents.domain.entities import AgentRecord
from services.agents.domain.guard import Context, Purpose
from services.agents.domain.meaning import shared, spoken_by
from services.agents.domain.memories import GROUNDED, LATE, TrustedMemory
from services.agents.domain.persona import Persona
from services.agents.domain.prompts import Fellow, choose_topic, compose_post
from services.agents.domain.proposals import Pass, PostProposal
from services.agents.domain.records import Grounds, Passed, PassReason, Recalled
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import PostTask
from services.agents.service import Character

_MOST_LATE = 10
_MOST_MEMORIES = 50
_MOST_FITTING = 4
_ADDRESS_PROBABILITY = 0.35
_ADDRESS_PROBABILITY_AFTER_SILENCE = 0.85
_SILENCE = 3


def build(parts: Parts) -> AnyBehaviour:
    """Return the behaviour."""
    return Post(parts)


class Post(Posting[PostTask]):
    """A post about a topic that was asked for, or that the agent chooses."""

    kind = "post"
    purpose = Purpose.POST
    task_type = PostTask

    def due(self, persona: Persona) -> Pauses:
        """Return the pauses that the persona gives."""
        hours = persona.behavior
        low, high = hours.min_hours_between_posts * 60, hours.max_hours_between_posts * 60
        return Pauses(low, high, first_low=0.0, first_high=5.0, in_peak_hours=True)

    def task(self, agent_id: str) -> PostTask:
        """Return what is begun when it is due."""
        return PostTask(agent_id)

    async def propose(self, name: str, task: PostTask) -> PostProposal | Pass:
        """Return the post, or why there is none."""
        parts, agent_id = self._parts, task.agent_id
        character = await parts.cast.character(agent_id)
        if not (character.record.is_active and character.record.account_id):
            return Pass(Passed(PassReason.STOPPED))
        # The first time it reads its dictionaries, for some seconds.
        spoken = await asyncio.to_thread(spoken_by, character.persona)
        rng = random.Random(name)
        # Not its answers: their subjects are people, and what strangers made it say holds no post back.
        own = await parts.memory.said(agent_id, ("post",), MOST_OWN)
        texts = tuple(said.text for said in own)
        topic = task.topic or await self._topic(character, [said.subject for said in own[:_MOST_LATE]], rng)
        memories = await parts.memory.trusted_about(agent_id, topic, GROUNDED, _MOST_FITTING)
        fellow = await self._addressed(character, task.addressed_id, texts, rng)
        if task.addressed_id and fellow is None:
            return Pass(Passed(PassReason.STOPPED, about=topic))
        handle = fellow.handle if fellow else ""
        addressed = (
            Fellow(fellow.name, await parts.relations.note(character, fellow.id, is_fellow=True)) if fellow else None
        )
        recent = await parts.memory.trusted(agent_id, ("post",), LATE)
        most = (await parts.writer.limit(character)).max_weight
        prompt = compose_post(character.persona, character.mood, topic, memories, addressed, recent, most, rng)
        context = Context(topic, own_posts=texts, prefix=f"@{handle} " if handle else "")
        choice = await parts.writer.write(name, character, Purpose.POST, prompt, context, rng)
        grounds = Grounds(character.mood.label, writing=choice.writing)
        if not choice.texts:
            return Pass(Passed(PassReason.NO_CANDIDATE, about=topic), grounds)
        told = _told(choice.texts[0], memories, spoken) if choice.knew else ()
        grounds = Grounds(character.mood.label, told, choice.writing)
        return PostProposal(
            agent_id=agent_id, texts=choice.texts, grounds=grounds, topic=topic, addressed_handle=handle
        )

    async def claim(self, name: str, proposal: PostProposal) -> PostProposal | Pass:
        """Reserve a text; what is told of a memory is known of the first one only."""
        claimed = await super().claim(name, proposal)
        if isinstance(claimed, Pass) or claimed.text == proposal.text:
            return claimed
        return replace(claimed, grounds=replace(claimed.grounds, memories=()))

    async def _topic(self, character: Character, late: list[str], rng: random.Random) -> str:
        memories = await self._parts.memory.trusted(character.record.id, GROUNDED, _MOST_MEMORIES)
        return choose_topic(character.persona, memories, late, rng)

    async def _addressed(
        self, character: Character, wanted_id: str, own: tuple[str, ...], rng: random.Random
    ) -> AgentRecord | None:
        """Return the fellow who is to be spoken to, unless it is stopped or nobody knows what it is called.

        Where none is wanted, it is one in about half of the cases: rather one that the persona knows than another.
        """
        cast, agent_id = self._parts.cast, character.record.id
        if wanted_id:
            return next(iter(_speakable(await cast.fellows_called(agent_id, {wanted_id}), wanted_id)), None)
        is_silent = not any(text.startswith("@") for text in own[:_SILENCE])
        if rng.random() >= (_ADDRESS_PROBABILITY_AFTER_SILENCE if is_silent else _ADDRESS_PROBABILITY):
            return None
        names = {known.counterpart for known in character.persona.memory.relationships}
        known = _speakable(await cast.fellows_called(agent_id, names))
        return rng.choice(known) if known else await cast.fellow_at_random(agent_id, rng.random())


def _speakable(fellows: Sequence[AgentRecord], wanted_id: str = "") -> list[AgentRecord]:
    """Return those who are started and can be addressed; of one that is wanted, no other that is called like it."""
    return [one for one in fellows if one.is_active and one.handle and wanted_id in ("", one.id)]


def _told(text: str, memories: Sequence[TrustedMemory], spoken: frozenset[str]) -> tuple[Recalled, ...]:
    """Return the memory of which a text tells, if any."""
    return tuple(Recalled(memory.id, memory.text) for memory in memories if shared(text, memory.text, spoken))[:1]
