"""A provider for tests: it runs in this process, and the same request gets the same text."""

import hashlib
import json
import math
from collections.abc import AsyncGenerator, Sequence
from random import Random

from typing_extensions import override

from services.llm.adapters.json_values import NoSimpleValue, minimal_value
from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.errors import ProviderRefused
from services.llm.domain.generation import Candidate, FinishReason, Generation, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.domain.usage import Usage
from services.llm.ports import Provider

_MODEL = "fake"
_DIMENSIONS = 64
_OPENINGS = ("today", "lately", "once more", "all morning", "at noon", "tonight", "somehow", "on days like this")
_THINGS = ("the window", "a small lamp", "my notebook", "the kettle", "an old map", "the garden", "a borrowed coat")
_DEEDS = ("remembers", "keeps quiet about", "waits for", "laughs at", "makes room for", "hums along with", "forgives")
_ENDINGS = ("and so do i", "and nobody minds", "which is enough", "as it should", "for a while", "without a word")


class FakeProvider(Provider):
    """Writes one sentence about the last words of the input. A token is a word; the seed and the model count too."""

    name = "fake"
    shows_background = False

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        candidates = tuple(self._candidate(task, number) for number in range(task.candidate_count))
        written = sum(_tokens(candidate.text) for candidate in candidates)
        usage = Usage(_prompt_tokens(task), written)
        return Generation(self.name, task.model or _MODEL, candidates, usage)

    @override
    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        """Write the first candidate, word by word."""
        written = await self.generate(task, seconds)
        [candidate] = written.candidates
        for number, word in enumerate(candidate.text.split()):
            yield f" {word}" if number else word
        yield StreamEnd(self.name, written.model, candidate.finish_reason, written.usage)

    @override
    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        """Add up a direction for each word: texts with words in common are near each other."""
        vectors = [_direction(text, task.dimensions or _DIMENSIONS) for text in task.texts]
        return Embedding(self.name, task.model or _MODEL, vectors, Usage(sum(map(_tokens, task.texts))))

    @override
    async def models(self, seconds: float) -> Sequence[Model]:
        """List its one model."""
        return [Model(self.name, _MODEL, is_default=True)]

    def _candidate(self, task: Task, number: int) -> Candidate:
        asked = repr((task.prompt, task.messages, task.sampling, task.model, task.json_schema, number))
        random = Random(hashlib.sha256(asked.encode()).digest())
        text = self._json(task.json_schema) if task.json_schema else _sentence(_last(task), random)
        for stop in task.sampling.stop:
            text = text.split(stop)[0].strip()
        words = text.split(" ")
        reason = FinishReason.STOP
        if task.sampling.max_tokens is not None and len(words) > task.sampling.max_tokens:
            text, reason = " ".join(words[: task.sampling.max_tokens]), FinishReason.LENGTH
        return Candidate(text, reason, -round(random.uniform(0.5, 2.0), 3))

    def _json(self, schema: str) -> str:
        try:
            return json.dumps(minimal_value(json.loads(schema)))
        except NoSimpleValue as error:
            raise ProviderRefused(self.name, str(error)) from None


def _sentence(about: str, random: Random) -> str:
    subject = " ".join(about.lower().split()[-3:]).rstrip(".!?,;:")
    parts = (_OPENINGS, _THINGS, _DEEDS, _ENDINGS)
    opening, thing, deed, ending = (random.choice(words) for words in parts)
    return f"{opening} {thing} {deed} {subject}, {ending}."


def _direction(text: str, dimensions: int) -> list[float]:
    total = [0.0] * dimensions
    for word in text.casefold().split() or [""]:
        random = Random(hashlib.sha256(word.encode(errors="surrogatepass")).digest())
        total = [value + random.gauss() for value in total]
    length = math.hypot(*total) or 1.0
    return [value / length for value in total]


def _tokens(text: str) -> int:
    return len(text.split())


def _last(task: Task) -> str:
    return task.messages[-1].text if task.messages else task.prompt.input


def _prompt_tokens(task: Task) -> int:
    if task.messages:
        return sum(_tokens(message.text) for message in task.messages)
    prompt = task.prompt
    shown = (text for example in prompt.examples for text in (example.input, example.output))
    parts = (part.text for part in (*prompt.context, *prompt.background, *prompt.conversation))
    return sum(map(_tokens, (prompt.system, prompt.input, *shown, *parts)))
