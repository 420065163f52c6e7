"""What a model is asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from services.llm.domain.fitting import Repair
from services.llm.domain.usage import NOBODY, Labels


@dataclass(frozen=True, slots=True)
class Part:
    """A labelled text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One example exchange."""

    input: str
    output: str
    context: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked, in parts; each dialect lays them out in its own way."""

    input: str
    system: str = ""
    examples: tuple[Example, ...] = ()
    input_label: str = "input"
    output_label: str = "output"
    context: tuple[Part, ...] = ()
    background: tuple[Part, ...] = ()
    conversation: tuple[Part, ...] = ()


class Role(StrEnum):
    """Who said a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model draws its words; what is None is left to the provider."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None


async def nothing_before() -> None:
    """Stand where nothing has to be awaited before a request goes out."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one provider has to write; an empty model is the provider's default, an empty schema asks for free text.

    Messages, where there are any, stand in the prompt's place.
    """

    prompt: Prompt
    sampling: Sampling
    model: str = ""
    candidate_count: int = 1
    json_schema: str = ""
    messages: tuple[Message, ...] = ()
    labels: Labels = NOBODY
    repair: Repair | None = None
    """What was written before, where it didn't fit the schema."""
    is_awaited: bool = field(default=False, compare=False, repr=False)
    """True when somebody waits for it: it gets a slot before what nobody waits for, and is the same task otherwise."""
    before_sending: Callable[[], Awaitable[None]] = field(default=nothing_before, compare=False, repr=False)
    """What a provider awaits before a request goes out that may cost something."""

    @property
    def is_deterministic(self) -> bool:
        """Whether the same task is meant to be answered in the same words."""
        return self.sampling.seed is not None or self.sampling.temperature == 0
