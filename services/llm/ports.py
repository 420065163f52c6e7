"""What the llm service needs from outside."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from services.llm.domain.generation import Generation, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task


class Provider(Protocol):
    """Runs models.

    Every method raises ProviderRefused, ProviderRateLimited or ProviderUnavailable, and nothing else.
    """

    name: str
    """The name under which it is configured."""
    shows_background: bool
    """Whether the background and the conversation of a prompt are shown."""

    async def generate(self, task: Task, seconds: float) -> Generation:
        """Write the candidates within this time."""
        ...

    def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        """Write one candidate, piece by piece, each at most `seconds` after the one before; StreamEnd comes last.

        The pieces are not empty, and joined have no white space at their ends.
        """
        ...

    async def models(self, seconds: float) -> Sequence[Model]:
        """List the models that it offers now, within this time."""
        ...
