"""What OpenAI-compatible servers answer, read leniently: both dialects, whole or in pieces.

A choice that can't be read costs itself alone, and what is missing or null besides the text costs nothing.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, field_validator

from services.llm.adapters.thoughts import without_thoughts
from services.llm.domain.generation import Candidate, FinishReason
from services.llm.domain.usage import Usage

_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


_MAX_TOKENS = 10**9
_MIN_LIKELY = 10**4
_LONGEST_NAME = 200
_LONGEST_VECTOR = 8_192
_LARGEST = 3e38
"""What a float of 32 bits can hold."""


class _Message(BaseModel):
    content: str | list[Any] | None = None
    refusal: str | None = None

    def text(self) -> str:
        """Return the text; of a list of parts those that are text, and not thoughts or sources."""
        if isinstance(self.content, list):
            parts = [part for part in self.content if isinstance(part, Mapping) and part.get("type") == "text"]
            return "".join(text for part in parts if isinstance(text := part.get("text"), str))
        return self.content or ""


class Choice(BaseModel):
    """One candidate, or a piece of it."""

    message: _Message | None = None
    delta: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: Any = None

    @property
    def written(self) -> str:
        """The text, wherever this dialect keeps it."""
        message = self.message or self.delta
        return (message.text() if message else self.text) or ""

    @property
    def was_cut_before_it_wrote(self) -> bool:
        """Whether all of its limit went into what isn't shown."""
        return self.ended is FinishReason.LENGTH and not self.written.strip()

    @property
    def refuses(self) -> bool:
        """Whether the model says that it won't."""
        message = self.message or self.delta
        return bool(message and message.refusal)

    @property
    def ended(self) -> FinishReason:
        """Why it ended; UNSPECIFIED for a reason that isn't known here."""
        if self.refuses:
            return FinishReason.CONTENT_FILTER
        return _FINISH_REASONS.get(self.finish_reason or "", FinishReason.UNSPECIFIED)

    def candidate(self) -> Candidate:
        """Return the candidate; one that ended well or was cut without any text of its own is EMPTY."""
        text, ended = without_thoughts(self.written).strip(), self.ended
        if not text and ended is not FinishReason.CONTENT_FILTER:
            ended = FinishReason.EMPTY
        values = self.probabilities()
        return Candidate(text, ended, sum(values) / len(values) if values else None)

    def probabilities(self) -> list[float]:
        """Return the natural logarithms of the tokens' probabilities, as far as they are told."""
        if not isinstance(self.logprobs, Mapping):
            return []
        # Chat has `content`, a completion `token_logprobs`; llama.cpp has `content` for both.
        content = self.logprobs.get("content")
        given = content if isinstance(content, list) else self.logprobs.get("token_logprobs")
        items = given if isinstance(given, list) else ()
        given = (item.get("logprob") if isinstance(item, Mapping) else item for item in items)
        return [float(value) for value in given if isinstance(value, int | float) and -_MIN_LIKELY < value <= 0]


class _Details(BaseModel):
    cached_tokens: int | None = Field(default=None, ge=0, le=_MAX_TOKENS)
    reasoning_tokens: int | None = Field(default=None, ge=0, le=_MAX_TOKENS)


class _Usage(BaseModel):
    prompt_tokens: int | None = Field(default=None, ge=0, le=_MAX_TOKENS)
    completion_tokens: int | None = Field(default=None, ge=0, le=_MAX_TOKENS)
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None

    @field_validator("prompt_tokens_details", "completion_tokens_details", mode="wrap")
    @classmethod
    def _as_far_as_they_are_told(cls, given: Any, read: Any) -> Any:
        try:
            return read(given)
        except ValidationError:
            return None

    def counted(self) -> Usage:
        read, written = self.prompt_tokens or 0, self.completion_tokens or 0
        cached = (self.prompt_tokens_details or _Details()).cached_tokens or 0
        thoughts = (self.completion_tokens_details or _Details()).reasoning_tokens or 0
        return Usage(read, written, min(cached, read), min(thoughts, written))


class _Response(BaseModel):
    model: str | None = None
    choices: list[Choice]
    usage: _Usage | None = None

    @field_validator("choices", mode="before")
    @classmethod
    def _readable(cls, given: Any) -> list[Choice]:
        return list(_choices(given)) if isinstance(given, list) else []

    @field_validator("model", mode="after")
    @classmethod
    def _sayable(cls, given: str | None) -> str | None:
        return given if given is None or _is_name(given) else None

    @field_validator("usage", mode="wrap")
    @classmethod
    def _as_far_as_it_is_told(cls, given: Any, read: Any) -> Any:
        try:
            return read(given)
        except ValidationError:
            return None


class Answer(_Response):
    """The answer to a call."""

    choices: list[Choice] = Field(min_length=1)

    @property
    def tells_usage(self) -> bool:
        """Whether the server says what it took."""
        return self.usage is not None and self.usage.prompt_tokens is not None

    def used(self) -> Usage:
        """Return the tokens that were read and written."""
        # With several choices llama.cpp counts the tokens of one of them; the probabilities show them all.
        shown = sum(len(choice.probabilities()) for choice in self.choices)
        usage = self.usage.counted() if self.usage else Usage()
        return replace(usage, completion_tokens=max(usage.completion_tokens, shown))


class Chunk(_Response):
    """One event of a stream; the last may carry the usage and no choice."""

    choices: list[Choice] = []

    def used(self) -> Usage | None:
        """Return the tokens that were read and written, when this event tells."""
        return self.usage.counted() if self.usage else None


def _choices(given: Sequence[Any]) -> Iterator[Choice]:
    for item in given:
        with contextlib.suppress(ValidationError):
            choice = Choice.model_validate(item)
            if _is_text(choice.written):
                yield choice


def _is_text(text: str) -> bool:
    """Say whether a text could be sent to anybody: one with half a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_name(text: str) -> bool:
    """Say whether a model could be asked for by this name."""
    return len(text) <= _LONGEST_NAME and _is_text(text)


class _Vector(BaseModel):
    index: int | None = None
    embedding: list[Annotated[float, Field(ge=-_LARGEST, le=_LARGEST)]] = Field(
        min_length=1, max_length=_LONGEST_VECTOR
    )


class Vectors(BaseModel):
    """What a server makes of several texts."""

    model: str | None = None
    data: list[_Vector]
    usage: _Usage | None = None

    def of(self, count: int) -> list[list[float]]:
        """Return the vectors in the order of the texts. Raises ValueError unless as many, of one length."""
        places = [row.index for row in self.data]
        rows = sorted(self.data, key=lambda row: row.index or 0) if set(places) == set(range(count)) else self.data
        vectors = [row.embedding for row in rows]
        if len(vectors) != count or len({len(vector) for vector in vectors}) != 1:
            raise ValueError("not a vector for each text")
        return vectors

    def used(self) -> Usage:
        """Return the tokens that were read."""
        return self.usage.counted() if self.usage else Usage()


class _Row(BaseModel):
    id: str


class Listing(BaseModel):
    """The models that a server offers."""

    data: Sequence[_Row]

    def names(self) -> list[str]:
        """Return each name once, sorted."""
        return sorted({row.id for row in self.data if _is_name(row.id)})
