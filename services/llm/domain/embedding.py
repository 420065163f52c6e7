"""Texts as vectors: what is asked, and what a model makes of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from services.llm.domain.errors import ProviderRefused
from services.llm.domain.generation import Price
from services.llm.domain.prompt import nothing_before
from services.llm.domain.usage import NOBODY, Labels, Usage


@dataclass(frozen=True, slots=True)
class EmbedTask:
    """Texts of which one provider makes vectors; an empty model is its own for that, None its usual dimensions."""

    texts: tuple[str, ...]
    model: str = ""
    dimensions: int | None = None
    labels: Labels = NOBODY
    before_sending: Callable[[], Awaitable[None]] = field(default=nothing_before, compare=False, repr=False)
    """What a provider awaits before a request goes out that may cost something."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector for each text, all of one length, and what they took."""

    provider: str
    model: str
    vectors: Sequence[Sequence[float]]
    usage: Usage
    price: Price = field(default_factory=Price)

    def as_asked(self, task: EmbedTask) -> Self:
        """Return it. Raises ProviderRefused when the vectors have another length than was asked for."""
        length = len(self.vectors[0])
        if task.dimensions not in (None, length):
            raise ProviderRefused(self.provider, f"its vectors have {length} dimensions, and not {task.dimensions}")
        return self
