"""Answering: what is heard is answered with what fits of what the character remembers."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.agents.behaviours.base import AnyBehaviour, Parts, Publishing
from services.agents.domain import text as texts
from services.agents.domain.conversation import CALLER, Conversation, Turn
from services.agents.domain.guard import Context, Purpose, brings_in
from services.agents.domain.meaning import Languages, shared, spoken_by
from services.agents.domain.memories import LATE, OWN_WORDS, TrustedMemory
from services.agents.domain.mood import SocialEvent, stress_in
from services.agents.domain.persona import Approval, Persona
from services.agents.domain.previews import Preview, Wanted, excerpt, recalled
from services.agents.domain.prompts import Fellow, PromptParts, Remembered, compose_reply
from services.agents.domain.proposals import Pass, ReplyProposal
from services.agents.domain.records import Grounds, MemoryUse, Passed, PassReason, Recalled, Replied
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import Heard, Mention, ReplyTask
from services.agents.ports.neighbours import NewMemory, Recent, Recollection, Source, View
from services.agents.ports.stored import Post
from services.agents.service import REPLY, Calls, Character, Entry
from services.runtime.errors import InvalidRequest, Violation, quoted

_OWN = (Source.OPERATOR, Source.SELF)
_OF_OTHERS = (Source.AGENT, Source.EXTERNAL)
_NOTE = "relationship"
"""The kind of memory that holds notes of somebody; what is made of their sayings has them as its author."""
_MAX_NOTES = 3
_MAX_HITS = 8
_MAX_OWN = 40


def build(parts: Parts) -> AnyBehaviour:
    """Return the behaviour."""
    return Reply(parts)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What an answer is made from: `memory` is what fits best of what is remembered.

    It is part of the context, and so of the prompt, only where a model makes something of it.
    """

    character: Character
    context: Context
    languages: Languages
    author: Fellow | None
    noted: tuple[Recent, ...]
    turns: tuple[Turn, ...]
    recent: tuple[TrustedMemory, ...]
    memory: Recollection | None
    is_external: bool = True
    """False for what an operator says to see how the character talks."""

    def recalled(self, said: str = "", *, knew: bool) -> tuple[Recalled, ...]:
        """Return the memories that went in, what is told of first; `knew` says whether the model is shown notes."""
        found = []
        if (memory := self.memory) is not None:
            use = MemoryUse.SHOWN if self.context.memory else MemoryUse.FOUND
            if self.context.memory and brings_in(said, memory.text, self.context.about, self.languages):
                use = MemoryUse.TOLD
            found.append(Recalled(memory.id, memory.text, memory.relevance, memory.source.value, use))
        # Notes stand beside the input, where any model reads them.
        found += [
            Recalled(note.id, excerpt(note.text), None, note.source.value, MemoryUse.SHOWN) for note in self.noted
        ]
        return (*found, *recalled(self.recent, MemoryUse.SHOWN if knew else MemoryUse.FOUND))


class Reply(Publishing[ReplyTask, ReplyProposal]):
    """An answer to a mention. Mentions are looked for by the schedule, and each is answered in its own time."""

    kind = REPLY
    aim = "answer"
    approval = Approval.REPLIES
    purpose = Purpose.REPLY
    task_type = ReplyTask

    def due(self, persona: Persona) -> Pauses:
        """Return how often mentions are looked for: so that each is answered within its time."""
        low, high = persona.behavior.min_response_minutes, persona.behavior.max_response_minutes
        return Pauses(low, high, first_low=0.5, first_high=2.0)

    def task(self, agent_id: str) -> None:
        """Return None: what is due is a look at the inbox."""

    async def look(self, names: Mapping[str, str]) -> None:
        """Look whether somebody has mentioned the agents."""
        await self._parts.inbox.look(names)

    async def propose(self, name: str, task: ReplyTask) -> ReplyProposal | Pass:
        """Return the reply, or why there is none."""
        heard = await self._parts.hearing.hear(name, task)
        if passed := await self._parts.governors.admit(name, task, heard):
            return Pass(passed)
        record = (await self._parts.cast.character(task.agent_id)).record
        if await self._parts.conversations.may_be_answered(record, task.mention):
            return Pass(Passed(PassReason.ANSWERED_ELSEWHERE, whom=heard.author_name))
        async with self._parts.allowance.turn(task.agent_id, heard):
            return await self._written(name, task, heard)

    async def preview(self, name: str, wanted: Wanted, /) -> Preview:
        """Return what a model would be asked for an answer to a text, said by a fellow or by a stranger."""
        if not wanted.text:
            raise InvalidRequest([Violation("text", "is required: what is answered")])
        cast = self._parts.cast
        character = await cast.character(wanted.agent_id)
        wanted_id = wanted.counterpart_id
        called = await cast.fellows_called(wanted.agent_id, {wanted_id}) if wanted_id else []
        fellow = next((one for one in called if one.id == wanted_id), None)
        if wanted.counterpart_id and fellow is None:
            told = f"no other agent with an account is called {quoted(wanted.counterpart_id)}"
            raise InvalidRequest([Violation("counterpart_id", told)])
        heard = Heard("", fellow.id if fellow else "", fellow.name if fellow else "", is_fellow=fellow is not None)
        task = ReplyTask(wanted.agent_id, Mention("", "", wanted.text, "", cast.now()))
        scene = await self._scene(character, task, heard, Conversation(wanted.turns))
        if wanted.is_caller:
            scene = replace(scene, author=Fellow(CALLER), is_external=False)
        prompt = await self._prompt(scene, random.Random(name))
        knows = await self._parts.models.shows_background(character)
        return Preview((prompt,), character.mood, knows, scene.recalled(knew=knows))

    async def _written(self, name: str, task: ReplyTask, heard: Heard) -> ReplyProposal | Pass:
        parts, agent_id = self._parts, task.agent_id
        character = await parts.cast.character(agent_id)
        before = await parts.conversations.before(name, character, task.mention, heard)
        scene = await self._scene(character, task, heard, before)
        rng = random.Random(f"{name}/words")
        calls = Calls(parts.allowance, agent_id, name, heard)
        prompt = await self._prompt(scene, rng)
        choice = await parts.writer.write(
            name, character, Purpose.REPLY, prompt, scene.context, rng, calls.take, is_awaited=task.is_awaited
        )
        found = scene.recalled(choice.texts[0] if choice.texts else "", knew=choice.knew)
        grounds = Grounds(
            character.mood.label,
            tuple(one for one in found if one.use is MemoryUse.TOLD),
            choice.writing,
            before.unread,
            considered=tuple(one for one in found if one.use is not MemoryUse.TOLD),
        )
        if not choice.texts:
            return Pass(Passed(PassReason.NO_CANDIDATE, whom=heard.author_name), grounds)
        return ReplyProposal(
            agent_id=agent_id,
            texts=choice.texts,
            grounds=grounds,
            mention=task.mention,
            heard=heard,
            is_external=heard.is_external or before.is_external,
            feelings=feelings(task.mention, heard, character.persona),
            change=await parts.relations.after(character, task.mention, heard, is_external=heard.is_external),
        )

    async def _scene(self, character: Character, task: ReplyTask, heard: Heard, before: Conversation) -> _Scene:
        """Return all that an answer is made from."""
        parts, agent_id = self._parts, task.agent_id
        # The first time it reads its dictionaries, for some seconds.
        languages = await asyncio.to_thread(spoken_by, character.persona)
        own = tuple(said.text for said in await parts.memory.said(agent_id, OWN_WORDS, _MAX_OWN))
        memory = await self._fitting(task, heard)
        # A model that reads notes brings a memory in where it fits. A small one begins with it, whatever was said.
        is_fit = memory is not None and (
            bool(shared(memory.text, task.mention.text, languages)) or await parts.models.shows_background(character)
        )
        known = await parts.relations.note(character, heard.counterpart, heard.known_as, is_fellow=heard.is_fellow)
        noted = await self._noted(task, heard)
        context = Context(
            task.mention.text,
            own_posts=own,
            conversation=(*before.heard, *(note.text for note in noted)),
            names=await self._others(agent_id, heard),
            symbols=await parts.tokens.symbols(),
        )
        if memory is not None and is_fit:
            # What others have said stays theirs.
            context = replace(context, memory=memory.text, is_memory_trusted=memory.source in _OWN)
        recent = tuple(await parts.memory.trusted(agent_id, ("post",), LATE))
        return _Scene(character, context, languages, _author(heard, known), noted, before.turns, recent, memory)

    async def context(self, proposal: ReplyProposal) -> Context:
        """Return the mention, and what the agent has said."""
        own = await self._parts.memory.said(proposal.agent_id, OWN_WORDS, _MAX_OWN)
        return Context(
            proposal.mention.text,
            own_posts=tuple(said.text for said in own),
            names=await self._others(proposal.agent_id, proposal.heard),
            symbols=await self._parts.tokens.symbols(),
        )

    def answered(self, proposal: ReplyProposal) -> str:
        """Return the network's id of the mention."""
        return proposal.mention.network_post_id

    def record(self, proposal: ReplyProposal, effect: Post) -> Entry:
        """Return what is logged of a reply."""
        mention, heard = proposal.mention, proposal.heard
        replied = Replied(
            proposal.text,
            effect.id,
            effect.network_post_id,
            mention.network_post_id,
            mention.conversation_id,
            mention.author_handle,
            heard.author_name,
            mention.text,
        )
        return Entry(replied, proposal.grounds, moods=(*proposal.feelings, SocialEvent.REPLIED))

    async def remember(self, name: str, proposal: ReplyProposal, effect: Post) -> None:
        """Remember the answer, as coming from where it was made from, and move what is thought of who was answered."""
        memory, agent_id, heard = self._parts.memory, proposal.agent_id, proposal.heard
        answer = NewMemory(
            proposal.text,
            "interaction",
            Source.EXTERNAL if proposal.is_external else Source.lowest(Source.SELF, _source(heard)),
            author=agent_id,
            source_id=effect.network_post_id,
            subject=heard.author_name,
            conversation_id=proposal.mention.conversation_id,
        )
        await memory.remember(agent_id, answer, f"{name}/memory")
        summary = f"{heard.author_name} said “{proposal.mention.text}”, and the answer was “{proposal.text}”"
        change = View(proposal.change.sentiment, proposal.change.familiarity, proposal.change.trust)
        await memory.interacted(agent_id, heard.counterpart, summary, change, f"{name}/closer")

    async def _prompt(self, scene: _Scene, rng: random.Random) -> PromptParts:
        character, context = scene.character, scene.context
        return compose_reply(
            character.persona,
            character.mood,
            context.about,
            scene.author,
            Remembered(context.memory, context.is_memory_trusted),
            scene.recent,
            scene.turns,
            (await self._parts.writer.limit(character)).max_weight,
            rng,
            [note.text for note in scene.noted],
            is_external=scene.is_external,
        )

    async def _others(self, agent_id: str, heard: Heard) -> tuple[str, ...]:
        """Return what the fellows are called, but for the one who is answered."""
        return await self._parts.cast.names_of_fellows(agent_id, heard.counterpart)

    async def _noted(self, task: ReplyTask, heard: Heard) -> tuple[Recent, ...]:
        """Return the notes of who is answered that were made from nothing lower than what is answered."""
        if not heard.counterpart:
            return ()
        notes = await self._parts.memory.recent(task.agent_id, (_NOTE,), _MAX_NOTES, heard.counterpart)
        source = _source(heard)
        return tuple(note for note in notes if Source.lowest(note.source, source) is source)

    async def _fitting(self, task: ReplyTask, heard: Heard) -> Recollection | None:
        """Return the memory that fits a mention best: the character's own, or what the same one has said before."""
        memory = self._parts.memory
        query = texts.spoken(task.mention.text) or heard.author_name
        hits = await memory.search(task.agent_id, query, _MAX_HITS, _OWN)
        if heard.counterpart:
            hits += await memory.search(task.agent_id, query, _MAX_HITS, _OF_OTHERS, heard.counterpart)
        hits.sort(key=lambda hit: hit.relevance, reverse=True)
        if heard.is_fellow:
            hits += await memory.search(task.agent_id, heard.author_name, _MAX_HITS, _OWN)
        return next((hit for hit in hits if _may_bring_up(hit, heard)), None)


def feelings(mention: Mention, heard: Heard, persona: Persona) -> tuple[SocialEvent, ...]:
    """Return how being mentioned moves an agent: what fellows say does, what strangers may have said doesn't."""
    if heard.is_external:
        return ()
    is_stressed = stress_in(mention.text, persona.personality.stress_triggers)
    return (SocialEvent.STRESSED if is_stressed else SocialEvent.GOT_REPLY,)


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
        return hit.author == heard.counterpart and hit.kind != _NOTE
    # To bring in what it has said itself would be to repeat it.
    return not (hit.source is Source.SELF and hit.kind in OWN_WORDS)
