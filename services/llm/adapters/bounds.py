"""The most tokens that a task can take, for what is reserved before it is asked."""

import json
from dataclasses import asdict

from typing_extensions import override

from services.llm.adapters.capabilities import Capabilities, Models
from services.llm.domain.embedding import EmbedTask
from services.llm.domain.prompt import Task
from services.llm.domain.usage import Need, Usage
from services.llm.ports import Bounds
from services.llm.settings import ProviderSettings

_FRAME = 512
"""What a dialect adds of its own to a prompt, in bytes."""
_MARKS = 8
"""How many tokens a model adds to a text of which it makes a vector."""


class MostTokens(Bounds):
    """Takes each byte of a prompt for a token, of which no tokenizer makes more, and every candidate as long as can be.

    A model that is found to think, or to write one candidate a call, in the middle of a task may take more.
    """

    def __init__(self, settings: ProviderSettings, models: Models, max_tokens: int) -> None:
        """Take how long a candidate may get when a task doesn't say."""
        self.model = settings.model
        self.embedding_model = settings.embedding_model
        self.max_tokens = max_tokens
        self.timeout_seconds = settings.timeout_seconds
        self.concurrency = settings.concurrency
        self._models = models
        self._choices = settings.choices
        self._thinking_tokens = settings.thinking_tokens

    @override
    def need(self, task: Task) -> Need:
        known: Capabilities = self._models.of(task.model or self.model)
        calls = -(-task.candidate_count // (self._choices if known.takes_n else 1))
        said = json.dumps([asdict(task.prompt), [asdict(message) for message in task.messages]], ensure_ascii=False)
        read = len(said.encode(errors="replace")) + len(task.json_schema.encode()) + _FRAME
        if task.repair:
            read += len(f"{task.repair.wrote}{task.repair.wrong}{task.json_schema}".encode(errors="replace")) + _FRAME
        written = (task.sampling.max_tokens or self.max_tokens) + (self._thinking_tokens if known.thinks else 0)
        return Need(Usage(read * calls, written * task.candidate_count), calls)

    @override
    def need_of_vectors(self, task: EmbedTask) -> Need:
        return Need(Usage(sum(len(text.encode(errors="replace")) + _MARKS for text in task.texts)), 1)
