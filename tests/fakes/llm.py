"""Fakes of the llm service's ports."""

from collections.abc import AsyncGenerator, Sequence

from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.generation import Candidate, FinishReason, Generation, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.domain.usage import Usage
from services.runtime.errors import PuppetError


class ScriptedProvider:
    """Writes `text`, or fails: `error` is raised once `pieces_before_error` words have been streamed."""

    def __init__(
        self, name: str, text: str = "a quiet day.", error: PuppetError | None = None, pieces_before_error: int = 0
    ) -> None:
        self.name = name
        self.shows_background = True
        self.text = text
        self.error = error
        self.pieces_before_error = pieces_before_error
        self.given_seconds: list[float] = []
        self.closed_streams = 0

    async def generate(self, task: Task, seconds: float) -> Generation:
        self.given_seconds.append(seconds)
        if self.error:
            raise self.error
        return Generation(self.name, "scripted", (Candidate(self.text, FinishReason.STOP),), Usage(1, 2))

    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        self.given_seconds.append(seconds)
        words = self.text.split()
        try:
            for word in words[: self.pieces_before_error] if self.error else words:
                yield word
            if self.error:
                raise self.error
            yield StreamEnd(self.name, "scripted", FinishReason.STOP, Usage(1, len(words)))
        finally:
            self.closed_streams += 1

    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        self.given_seconds.append(seconds)
        if self.error:
            raise self.error
        return Embedding(self.name, "scripted", [[float(len(text))] for text in task.texts], Usage(1))

    async def models(self, seconds: float) -> Sequence[Model]:
        self.given_seconds.append(seconds)
        if self.error:
            raise self.error
        return [Model(self.name, name) for name in self.text.split()]
