"""What a behaviour is: something that agents do, as a proposal that is then carried out.

A new one is a file in this folder: a class of this kind, and a function `build` that makes it from `Parts`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from services.agents.domain.entities import AgentRecord
from services.agents.domain.errors import NoAccount
from services.agents.domain.guard import Context, Purpose, judge
from services.agents.domain.mood import SocialEvent
from services.agents.domain.persona import Approval, Persona
from services.agents.domain.previews import Preview, Wanted
from services.agents.domain.proposals import Pass, PostProposal, Proposal, ReplyProposal
from services.agents.domain.records import Objection, Passed, PassReason, Posted
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import ActionTask, ActTask
from services.agents.ports.neighbours import MemoryPort, NewMemory, SocialPort, Source, TradingPort
from services.agents.ports.stored import Effect, Post
from services.agents.ports.workflows import Run
from services.agents.service import (
    Allowance,
    Cast,
    Conversations,
    Effects,
    Entry,
    Governors,
    Hearing,
    Inbox,
    Models,
    Planner,
    Publisher,
    Relations,
    Reservations,
    Tokens,
    Writer,
)
from services.runtime.clock import Clock
from services.runtime.errors import WrongState

MAX_OWN = 40
"""So many of its own posts a new one is compared with."""
_MAX_SUBJECT = 200
"""Characters of a memory's subject."""

TaskT = TypeVar("TaskT", bound=ActionTask)
ProposalT = TypeVar("ProposalT", bound=Proposal)
EffectT = TypeVar("EffectT", bound=Effect)
WordsT = TypeVar("WordsT", PostProposal, ReplyProposal)


@dataclass(frozen=True, slots=True)
class Parts:
    """What behaviours are made from."""

    cast: Cast
    memory: MemoryPort
    social: SocialPort
    trading: TradingPort
    writer: Writer
    reservations: Reservations
    effects: Effects
    publisher: Publisher
    inbox: Inbox
    hearing: Hearing
    governors: Governors
    allowance: Allowance
    conversations: Conversations
    models: Models
    relations: Relations
    planner: Planner
    tokens: Tokens
    clock: Clock
    timeout_seconds: float
    """How long to wait for an effect whose outcome is not known yet."""


class Behaviour(ABC, Generic[TaskT, ProposalT, EffectT]):
    """Something that agents do.

    What it does between steps depends on what the steps returned only, since a replay goes the same way again.
    """

    kind: ClassVar[str]
    """Its name: in the schedule, in the log, and in the ids of its workflows."""
    aim: ClassVar[str]
    """What it tries to do, in the words of `could not ...`."""
    approval: ClassVar[Approval]
    """Which approval a persona asks for that has it approved by a person."""
    asks_model: ClassVar[bool] = True
    """Whether a model has a part in it, so that there is a prompt to preview."""
    task_type: ClassVar[type]
    """The tasks that are its own; `ActTask` where they need nothing more than its kind."""

    follows_up: ClassVar[bool] = False
    """Whether `follow_up` does something: then what comes before it is kept, as a replay has to get as far again."""

    def needs_approval(self, persona: Persona) -> bool:
        """Say whether a person decides about it."""
        return persona.approval in (self.approval, Approval.ALL)

    async def objections(self, _proposal: ProposalT, _text: str, /) -> tuple[Objection, ...]:
        """Return why another text may not be published in place of the proposal's."""
        return ()

    def due(self, _persona: Persona, /) -> Pauses | None:
        """Return how often it is done by itself; None when it isn't."""
        return None

    def check_ready(self, agent: AgentRecord) -> None:
        """Raise the WrongState of what an agent lacks for it."""
        if not agent.account_id:
            raise NoAccount(agent.id)

    def is_ready(self, agent: AgentRecord) -> bool:
        """Say whether an agent has all that it takes."""
        try:
            self.check_ready(agent)
        except WrongState:
            return False
        return True

    def task(self, agent_id: str) -> ActionTask | None:
        """Return what is begun when it is due; None when that is a `look`."""
        return ActTask(agent_id, self.kind)

    async def look(self, names: Mapping[str, str]) -> None:
        """Look whether there is something to do for some agents, without a workflow; `names` are those of the looks."""

    async def preview(self, _name: str, _wanted: Wanted, /) -> Preview | None:
        """Return what a model would be asked now, without any effect; None of what asks none.

        Raises InvalidRequest when it isn't said of what.
        """
        return None

    @abstractmethod
    async def propose(self, name: str, task: TaskT) -> ProposalT | Pass:
        """Return what to do, or why nothing. It changes nothing: neither the world, nor a memory, a mood or a count."""

    async def claim(self, _name: str, proposal: ProposalT, /) -> ProposalT | Pass:
        """Reserve what the proposal needs to itself, and return it as it can be carried out."""
        return proposal

    @abstractmethod
    async def carry_out(self, run: Run, name: str, proposal: ProposalT) -> EffectT | Pass:
        """Do it, once for every name, and wait until it is settled. Raises StepFailed."""

    @abstractmethod
    def record(self, proposal: ProposalT, effect: EffectT) -> Entry:
        """Return what is logged of it."""

    @abstractmethod
    async def remember(self, name: str, proposal: ProposalT, effect: EffectT) -> None:
        """Let the agent remember it."""

    async def follow_up(self, run: Run, name: str, proposal: ProposalT, effect: EffectT) -> None:
        """Begin what comes of it."""


AnyBehaviour: TypeAlias = Behaviour[Any, Any, Any]


class Publishing(Behaviour[TaskT, WordsT, Post], Generic[TaskT, WordsT]):
    """Something that is said: one of several texts is reserved, published, and remembered."""

    purpose: ClassVar[Purpose]
    """What the guard takes its texts for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @abstractmethod
    async def context(self, proposal: WordsT) -> Context:
        """Return what a text has to stand beside that is published in place of the proposal's."""

    async def objections(self, proposal: WordsT, text: str, /) -> tuple[Objection, ...]:
        """Judge a text of a person like one of a model."""
        character = await self._parts.cast.character(proposal.agent_id)
        context = replace(await self.context(proposal), limit=await self._parts.writer.known_limit(character))
        # The first time it reads its dictionaries, for some seconds.
        verdict = await asyncio.to_thread(judge, text, self.purpose, character.persona, context)
        return verdict.objections

    async def claim(self, name: str, proposal: WordsT) -> WordsT | Pass:
        """Reserve the first of the texts that no other workflow of the agent says."""
        text = await self._parts.reservations.reserve(proposal.agent_id, name, proposal.texts)
        return Pass(Passed(PassReason.SAID_ALREADY), proposal.grounds) if text is None else proposal.saying(text)

    def answered(self, _proposal: WordsT, /) -> str:
        """Return the network's id of the post that is answered; empty when it answers none."""
        return ""

    async def carry_out(self, run: Run, name: str, proposal: WordsT) -> Post | Pass:
        """Publish it."""
        publish = partial(self._parts.publisher.publish, run, name, proposal.agent_id, proposal.words)
        return await publish(self.answered(proposal), is_last=not self.follows_up)


class Posting(Publishing[TaskT, PostProposal], Generic[TaskT]):
    """A post of the agent's own."""

    aim = "post"
    approval = Approval.POSTS

    async def context(self, proposal: PostProposal) -> Context:
        """Return the topic, and what the agent has posted."""
        own = await self._parts.memory.trusted(proposal.agent_id, ("post",), MAX_OWN)
        return Context(proposal.topic, own_posts=tuple(memory.text for memory in own), prefix=proposal.prefix)

    def record(self, proposal: PostProposal, effect: Post) -> Entry:
        """Return what is logged of a post."""
        posted = Posted(
            proposal.words,
            proposal.topic,
            effect.id,
            effect.network_post_id,
            proposal.addressed_handle,
            proposal.swap,
            proposal.news_text,
        )
        return Entry(posted, proposal.grounds, moods=(SocialEvent.POSTED,))

    async def remember(self, name: str, proposal: PostProposal, effect: Post) -> None:
        """Remember what was posted."""
        text, subject = proposal.words, proposal.topic[:_MAX_SUBJECT]
        memory = NewMemory(text, "post", Source.SELF, 0.4, source_id=effect.network_post_id, subject=subject)
        await self._parts.memory.remember(proposal.agent_id, memory, f"{name}/memory")
