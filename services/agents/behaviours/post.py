"""Posting: choose a topic, perhaps somebody to speak to, and the words."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.agents.behaviours.base import MAX_OWN, AnyBehaviour, Parts, Posting
from services.agents.domain.entities import AgentRecord
from services.agents.domain.guard import Context, Purpose
from services.agents.domain.meaning import shared, spoken_by
from services.agents.domain.memories import GROUNDED, LATE, TrustedMemory
from services.agents.domain.occasions import TopicChoice, TopicOrigin
from services.agents.domain.persona import Persona
from services.agents.domain.previews import Preview, Wanted, recalled
from services.agents.domain.prompts import Fellow, PromptParts, choose_topic, compose_post
from services.agents.domain.proposals import Pass, PostProposal
from services.agents.domain.records import Grounds, MemoryUse, Passed, PassReason, Recalled
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import PostTask
from services.agents.service import Character

_MAX_LATE = 10
_MAX_MEMORIES = 50
_MAX_FITTING = 4
_ADDRESS_PROBABILITY = 0.35
_ADDRESS_PROBABILITY_AFTER_SILENCE = 0.85
_SILENCE = 3


def build(parts: Parts) -> AnyBehaviour:
    """Return the behaviour."""
    return Post(parts)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a post is made from: its prompt, and what went into that."""

    prompt: PromptParts
    context: Context
    topic: TopicChoice
    memories: tuple[TrustedMemory, ...]
    recent: tuple[TrustedMemory, ...]
    fellow: AgentRecord | None

    def recalled(self, *, knew: bool) -> tuple[Recalled, ...]:
        """Return the memories that went in; `knew` says whether the model is shown notes."""
        return recalled((*self.memories, *self.recent), MemoryUse.SHOWN if knew else MemoryUse.FOUND)


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

    async def preview(self, name: str, wanted: Wanted, /) -> Preview:
        """Return what a model would be asked for a post."""
        character = await self._parts.cast.character(wanted.agent_id)
        plan = await self._planned(character, PostTask(wanted.agent_id, wanted.topic), random.Random(name))
        knows = await self._parts.models.shows_background(character)
        return Preview((plan.prompt,), character.mood, knows, plan.recalled(knew=knows), plan.topic)

    async def propose(self, name: str, task: PostTask) -> PostProposal | Pass:
        """Return the post, or why there is none."""
        parts, agent_id = self._parts, task.agent_id
        character = await parts.cast.character(agent_id)
        if not (character.record.is_active and character.record.account_id):
            return Pass(Passed(PassReason.STOPPED))
        rng = random.Random(name)
        plan = await self._planned(character, task, rng)
        about = plan.topic.topic
        if task.addressed_id and plan.fellow is None:
            return Pass(Passed(PassReason.STOPPED, about=about), Grounds(topic=plan.topic))
        choice = await parts.writer.write(
            name, character, Purpose.POST, plan.prompt, plan.context, rng, is_awaited=task.is_awaited
        )
        considered = plan.recalled(knew=choice.knew)
        grounds = Grounds(character.mood.label, writing=choice.writing, topic=plan.topic, considered=considered)
        if not choice.texts:
            return Pass(Passed(PassReason.NO_CANDIDATE, about=about), grounds)
        told = _told(choice.texts[0], plan.memories, spoken_by(character.persona)) if choice.knew else ()
        return PostProposal(
            agent_id=agent_id,
            texts=choice.texts,
            grounds=replace(grounds, memories=told),
            topic=about,
            addressed_handle=plan.fellow.handle if plan.fellow else "",
            event_id=task.event_id,
        )

    async def _planned(self, character: Character, task: PostTask, rng: random.Random) -> _Plan:
        """Return what a post is to be about, to whom it is spoken, and what is remembered for it."""
        parts, agent_id, persona = self._parts, task.agent_id, character.persona
        # The first time it reads its dictionaries, for some seconds.
        await asyncio.to_thread(spoken_by, persona)
        # Not its answers: their subjects are people, and what strangers made it say holds no post back.
        own = await parts.memory.trusted(agent_id, ("post",), MAX_OWN)
        texts, recent = tuple(memory.text for memory in own), own[:LATE]
        late = [memory.subject for memory in own[:_MAX_LATE]]
        if task.topic:
            topic = TopicChoice(task.topic, TopicOrigin.ASKED)
        else:
            topic = choose_topic(persona, await parts.memory.trusted(agent_id, GROUNDED, _MAX_MEMORIES), late, rng)
        memories = await parts.memory.trusted_about(agent_id, topic.topic, GROUNDED, _MAX_FITTING)
        fellow = await self._addressed(character, task.addressed_id, texts, rng)
        handle = fellow.handle if fellow else ""
        addressed = (
            Fellow(fellow.name, await parts.relations.note(character, fellow.id, is_fellow=True)) if fellow else None
        )
        limit = (await parts.writer.limit(character)).max_weight
        prompt = compose_post(persona, character.mood, topic.topic, memories, addressed, recent, limit, rng)
        context = Context(topic.topic, own_posts=texts, prefix=f"@{handle} " if handle else "")
        return _Plan(prompt, context, topic, tuple(memories), tuple(recent), fellow)

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
    return recalled((one for one in memories if shared(text, one.text, spoken)), MemoryUse.TOLD)[:1]
