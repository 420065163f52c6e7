"""What a model would be asked, and the memories that go in: shown before anything is done, and recorded afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.agents.domain import text as texts
from services.agents.domain.conversation import Turn
from services.agents.domain.memories import TrustedMemory
from services.agents.domain.mood import Mood
from services.agents.domain.occasions import TopicChoice
from services.agents.domain.prompts import PromptParts
from services.agents.domain.records import MemoryUse, Recalled

_MAX_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a preview is of: `text` is answered, or remarked on.

    It is said by a counterpart, by whoever asks for the preview, after these turns, or by a stranger.
    """

    agent_id: str
    text: str = ""
    counterpart_id: str = ""
    topic: str = ""
    is_caller: bool = False
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be asked now, how the agent feels, and what it remembers for it.

    `background_shown` says whether the model is shown the prompts' background, notes and conversation.
    """

    prompts: tuple[PromptParts, ...]
    mood: Mood
    background_shown: bool
    memories: tuple[Recalled, ...] = ()
    topic: TopicChoice | None = None


def recalled(memories: Iterable[TrustedMemory], use: MemoryUse) -> tuple[Recalled, ...]:
    """Return what is recorded of memories, each once."""
    found = {
        memory.id: Recalled(memory.id, excerpt(memory.text), memory.relevance, memory.provenance.value, use)
        for memory in memories
    }
    return tuple(found.values())


def excerpt(text: str) -> str:
    """Return as much of a memory as is recorded where nothing is made from it."""
    return texts.line(text, _MAX_EXCERPT)
