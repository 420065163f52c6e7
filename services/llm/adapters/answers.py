"""What OpenAI-compatible servers answer, read leniently: both dialects, whole or in pieces."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from services.llm.domain import Candidate, FinishReason, Usage

_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


class _Token(BaseModel):
    logprob: float


class _Logprobs(BaseModel):
    # Chat has `content`, a completion `token_logprobs`; llama.cpp has `content` for both.
    content: list[_Token] | None = None
    token_logprobs: list[float | None] | None = None

    def values(self) -> list[float]:
        if self.content is not None:
            return [token.logprob for token in self.content]
        return [value for value in self.token_logprobs or () if value is not None]


class _Message(BaseModel):
    content: str | None = None


class Choice(BaseModel):
    """One candidate, or a piece of it."""

    message: _Message | None = None
    delta: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None

    @property
    def written(self) -> str:
        """The text, wherever this dialect keeps it."""
        message = self.message or self.delta
        return (message.content if message else self.text) or ""

    @property
    def ended(self) -> FinishReason:
        """Why it ended; UNSPECIFIED for a reason that isn't known here."""
        return _FINISH_REASONS.get(self.finish_reason or "", FinishReason.UNSPECIFIED)

    def candidate(self) -> Candidate:
        """Return the candidate."""
        values = self.logprobs.values() if self.logprobs else []
        return Candidate(self.written.strip(), self.ended, sum(values) / len(values) if values else None)


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Answer(BaseModel):
    """The answer to a call."""

    model: str | None = None
    choices: list[Choice] = Field(min_length=1)
    usage: _Usage | None = None

    def used(self) -> Usage:
        """Return the tokens that were read and written."""
        # With several choices llama.cpp counts the tokens of one of them; the probabilities show them all.
        shown = sum(len(choice.logprobs.values()) for choice in self.choices if choice.logprobs)
        usage = self.usage or _Usage()
        return Usage(usage.prompt_tokens, max(usage.completion_tokens, shown))


class Chunk(BaseModel):
    """One event of a stream; the last may carry the usage and no choice."""

    model: str | None = None
    choices: Sequence[Choice] = ()
    usage: _Usage | None = None

    def used(self) -> Usage | None:
        """Return the tokens that were read and written, when this event tells."""
        return Usage(self.usage.prompt_tokens, self.usage.completion_tokens) if self.usage else None


class _Row(BaseModel):
    id: str


class Listing(BaseModel):
    """The models that a server offers."""

    data: Sequence[_Row]

    def names(self) -> list[str]:
        """Return each name once, sorted."""
        return sorted({row.id for row in self.data})
