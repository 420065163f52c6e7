"""Reflecting: what has been lived through becomes conclusions, and notes of those who were talked to."""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.agents.behaviours.base import AnyBehaviour, Behaviour, Parts
from services.agents.domain.entities import AgentRecord
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.guard import Rule
from services.agents.domain.persona import Approval, Persona
from services.agents.domain.previews import Preview, Wanted, excerpt
from services.agents.domain.proposals import Pass, Reflection
from services.agents.domain.records import (
    Conclusion,
    Grounds,
    Judged,
    MemoryUse,
    Objection,
    Passed,
    PassReason,
    Recalled,
    Reflected,
    Writing,
)
from services.agents.domain.reflection import (
    LIVED,
    MAX_LIVED,
    SCHEMA,
    Drawn,
    Ground,
    Lived,
    compose_reflection,
    grounds_of,
    is_due,
    read_conclusions,
)
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import ActTask
from services.agents.ports.neighbours import NewMemory, Recent, Refused, Source
from services.agents.ports.stored import Remembered
from services.agents.ports.workflows import Run
from services.agents.service import Character, Entry

log = logging.getLogger(__name__)

_CONCLUSIONS = ("reflection", "relationship")
_OWN = (Source.OPERATOR, Source.SELF)
_MAX_ANSWER = 2_000
"""So many characters of a model's answer are recorded."""
_LOOK_MINUTES = (180, 360)
"""Between two looks. In Park et al. (2023) a character reflects two or three times a day."""


def build(parts: Parts) -> AnyBehaviour:
    """Return the behaviour."""
    return Reflect(parts)


@dataclass(frozen=True, slots=True)
class _Concluded:
    """What was concluded from some memories, how a model came to it, or why nothing was."""

    conclusions: tuple[Conclusion, ...]
    writing: Writing
    why_not: str


class Reflect(Behaviour[ActTask, Reflection, Remembered]):
    """Conclusions from memories. They are remembered, and published by nobody."""

    kind = "reflect"
    aim = "reflect"
    approval = Approval.ALL
    task_type = ActTask

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def needs_approval(self, _persona: Persona) -> bool:
        """Say that nobody is asked: what it concludes stays with it."""
        return False

    def due(self, _persona: Persona) -> Pauses:
        """Return how often is looked whether there is enough to think about."""
        low, high = _LOOK_MINUTES
        return Pauses(low, high, first_low=low, first_high=high)

    def check_ready(self, agent: AgentRecord) -> None:
        """Everybody can think."""

    def task(self, agent_id: str) -> None:
        """Return None: what is due is a look at what was lived through."""

    async def look(self, names: Mapping[str, str]) -> None:
        """Plan reflections where the importance of what came since the last one adds up."""
        for agent_id, name in names.items():
            await self._look(agent_id, name)

    async def _look(self, agent_id: str, name: str) -> None:
        try:
            lived = await self._lived(await self._parts.cast.character(agent_id))
        except (DependencyUnavailable, Refused) as error:
            log.info("can't look at what was lived through", extra={"look": name, "reason": error.reason})
            return
        if is_due(lived):
            # A model that concludes nothing is not asked again before something new has happened.
            await self._parts.planner.once(ActTask(agent_id, self.kind), lived[0].id)

    async def preview(self, _name: str, wanted: Wanted, /) -> Preview:
        """Return what a model would be asked to conclude from; no prompt when too little has happened."""
        character = await self._parts.cast.character(wanted.agent_id)
        recent = await self._recent(character)
        lived = _lived(recent)
        knows = await self._parts.models.shows_background(character)
        if not is_due(lived):
            return Preview((), character.mood, knows)
        prompts = [compose_reflection(character.persona.name, one) for one in grounds_of(wanted.agent_id, lived)]
        memories = (_recalled(memory, MemoryUse.SHOWN) for memory in recent)
        return Preview(tuple(prompts), character.mood, knows, tuple(memories))

    async def propose(self, name: str, task: ActTask) -> Reflection | Pass:
        """Return what the character concludes, or why nothing."""
        character = await self._parts.cast.character(task.agent_id)
        if not character.record.is_active:
            return Pass(Passed(PassReason.STOPPED))
        recent = await self._recent(character)
        lived = _lived(recent)
        if not is_due(lived):
            return Pass(Passed(PassReason.NOT_ENOUGH))
        memories = {memory.id: memory for memory in recent}
        rng, found, why, writing = random.Random(name), list[Conclusion](), list[str](), Writing()
        for ground in grounds_of(task.agent_id, lived):
            source = Source.lowest(*(memories[memory.id].source for memory in ground.memories))
            concluded = await self._concluded(name, character, ground, source, rng.getrandbits(31))
            writing = concluded.writing.after(writing)
            found += concluded.conclusions
            why += [concluded.why_not] if concluded.why_not else []
        evidence = {memory_id for conclusion in found for memory_id in conclusion.evidence}
        told = [_recalled(memory, MemoryUse.TOLD) for memory in recent if memory.id in evidence]
        shown = [_recalled(memory, MemoryUse.SHOWN) for memory in recent if memory.id not in evidence]
        grounds = Grounds(character.mood.label, tuple(told), writing, considered=tuple(shown))
        if not found:
            return Pass(Passed(PassReason.NO_CONCLUSION, details=tuple(dict.fromkeys(why))), grounds)
        return Reflection(agent_id=task.agent_id, conclusions=tuple(found), grounds=grounds)

    async def carry_out(self, run: Run, name: str, proposal: Reflection) -> Remembered | Pass:
        """Remember the conclusions, each once."""

        async def remember() -> Remembered | Pass:
            if await self._parts.effects.begin(proposal.agent_id, name, lambda _: True) is None:
                return Pass(Passed(PassReason.STOPPED_BEFORE_SENDING))
            ids = [
                await self._parts.memory.remember(proposal.agent_id, _memory(conclusion), f"{name}/memory/{number}")
                for number, conclusion in enumerate(proposal.conclusions)
            ]
            return Remembered(tuple(ids))

        return await run.step("conclude", remember)

    def record(self, proposal: Reflection, effect: Remembered) -> Entry:
        """Return what is logged of a reflection."""
        return Entry(Reflected(proposal.conclusions, effect.memory_ids), proposal.grounds)

    async def remember(self, name: str, proposal: Reflection, effect: Remembered) -> None:
        """Do nothing more: to remember was all there was to do."""

    async def _lived(self, character: Character) -> list[Lived]:
        return _lived(await self._recent(character))

    async def _recent(self, character: Character) -> list[Recent]:
        """Return what was lived through since the last conclusions, newest first; nothing of what it began with."""
        memory, agent_id = self._parts.memory, character.record.id
        since = character.record.create_time
        for one in await memory.recent(agent_id, _CONCLUSIONS, MAX_LIVED):
            if one.has_evidence:
                since = max(since, one.create_time)
                break
        return [one for one in await memory.recent(agent_id, LIVED, MAX_LIVED) if one.create_time > since]

    async def _concluded(
        self, name: str, character: Character, ground: Ground, source: Source, seed: int
    ) -> _Concluded:
        """Return what is concluded from some memories, or why nothing is."""
        prompt = compose_reflection(character.persona.name, ground)
        try:
            written, call = await self._parts.writer.answer(name, character, prompt, seed, SCHEMA)
        except Refused as refused:
            return _Concluded((), Writing(), refused.message)
        answer = next(iter(written.candidates), None)
        drawn: Sequence[Drawn] = ()
        why_not = "nothing of what the model concluded follows from memories"
        if answer is None or answer.is_cut:
            why_not = "the model doesn't answer, or its answer is cut"
        else:
            try:
                drawn = read_conclusions(answer.text, ground)
            except ValueError:
                why_not = "the model's answer can't be read"
        objections = () if drawn else (Objection(Rule.SHAPE, why_not),)
        judged = (Judged(answer.text[:_MAX_ANSWER], None, bool(drawn), objections),) if answer else ()
        writing = Writing(
            written.provider,
            written.model,
            judged,
            prompt_id=call.prompt_id,
            prompt_tokens=call.prompt_tokens,
            completion_tokens=call.completion_tokens,
            provider_note=written.note,
            calls=(call,),
        )
        conclusions = tuple(
            Conclusion(
                one.text, source.value, ground.counterpart, tuple(ground.memories[place].id for place in one.evidence)
            )
            for one in drawn
        )
        return _Concluded(conclusions, writing, "" if drawn else why_not)


def _lived(recent: Sequence[Recent]) -> list[Lived]:
    return [
        Lived(one.id, one.text, one.kind, one.author, one.source in _OWN, one.importance, one.create_time)
        for one in recent
    ]


def _recalled(memory: Recent, use: MemoryUse) -> Recalled:
    return Recalled(memory.id, excerpt(memory.text), None, memory.source.value, use)


def _memory(conclusion: Conclusion) -> NewMemory:
    kind = "relationship" if conclusion.counterpart else "reflection"
    return NewMemory(
        conclusion.text,
        kind,
        Source(conclusion.source),
        0.7,
        # What is purged of somebody takes the notes of them along.
        author=conclusion.counterpart,
        subject=conclusion.counterpart,
        evidence=conclusion.evidence,
    )
