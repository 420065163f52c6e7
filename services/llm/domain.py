"""What a model is asked and what it writes, and the errors of the providers that run it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from services.runtime import errors


class ProviderNotFound(errors.NotFound):
    """No configured provider goes by this name."""

    reason = "PROVIDER_NOT_FOUND"

    def __init__(self, provider: str) -> None:
        super().__init__(f"no provider {provider!r} is configured", provider=provider)


class ProviderRefused(errors.WrongState):
    """The provider refused the request: its key, its account, its model or a field."""

    reason = "PROVIDER_REFUSED"

    def __init__(self, provider: str, why: str, pause: float = 0.0) -> None:
        """Take for how many seconds it would refuse whatever is asked; 0 when it may have been this request alone."""
        super().__init__(f"{provider}: {why}", provider=provider)
        self.provider, self.why, self.pause = provider, why, pause


class ProviderRateLimited(errors.Exhausted):
    """The provider's rate limit is reached."""

    reason = "PROVIDER_RATE_LIMITED"

    def __init__(self, provider: str, retry_after: float) -> None:
        super().__init__(f"{provider}: its rate limit is reached", retry_after, provider, provider=provider)


class ProviderUnavailable(errors.Unavailable):
    """The provider did not answer, or its answer was none: the next in the order of fallback may."""

    reason = "PROVIDER_UNAVAILABLE"

    def __init__(self, provider: str, why: str, retry_after: float = 5.0) -> None:
        super().__init__(f"{provider}: {why}", retry_after, provider=provider)


Failure: TypeAlias = ProviderRefused | ProviderRateLimited | ProviderUnavailable


class NoProviderAvailable(errors.Unavailable):
    """None of the providers in the order of fallback answered."""

    reason = "PROVIDER_UNAVAILABLE"

    def __init__(self, failures: Sequence[Failure]) -> None:
        waits = [failure.retry_after for failure in failures if not isinstance(failure, ProviderRefused)]
        super().__init__("no provider answered: " + "; ".join(failure.message for failure in failures), min(waits))


class AllProvidersRefused(errors.WrongState):
    """Each of the providers in the order of fallback refused the request."""

    reason = "PROVIDER_REFUSED"

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("; ".join(failure.message for failure in failures))


def failed(failures: Sequence[Failure]) -> errors.PuppetError:
    """Return what to tell the caller when none of the providers wrote: one refusal as it is, several as one error."""
    match failures:
        case [ProviderRefused() | ProviderRateLimited() as only]:
            return only
    if all(isinstance(failure, ProviderRefused) for failure in failures):
        return AllProvidersRefused(failures)
    return NoProviderAvailable(failures)


class FinishReason(StrEnum):
    """Why a candidate ended."""

    UNSPECIFIED = "unspecified"
    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    EMPTY = "empty"


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


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text that a model wrote; `mean_logprob` is the mean natural logarithm of its tokens' probabilities."""

    text: str
    finish_reason: FinishReason
    mean_logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that were read and written."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Generation:
    """What a provider wrote, and what it took."""

    provider: str
    model: str
    candidates: tuple[Candidate, ...]
    usage: Usage
    background_shown: bool = False

    def only_json(self) -> "Generation":
        """Leave out the candidates that are no JSON, for example those that were cut. Raises ProviderRefused."""
        kept = tuple(candidate for candidate in self.candidates if _is_json(candidate.text))
        if not kept:
            raise ProviderRefused(self.provider, "wrote no JSON: does the model know schemas, is max_tokens enough?")
        return replace(self, candidates=kept)


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last part of a stream, after its pieces of text."""

    provider: str
    model: str
    finish_reason: FinishReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a provider offers."""

    provider: str
    name: str
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Why a provider could not list its models: the reason, and the same in words."""

    provider: str
    reason: str
    message: str
    name = ""


class Trimmer:
    """Takes the white space off the ends of a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._started = False

    def feed(self, piece: str) -> str:
        """Return what of the text so far can be passed on; white space is held back until more text follows it."""
        text = self._held + piece
        if not self._started:
            text = text.lstrip()
        ready = text.rstrip()
        self._held = text[len(ready) :]
        self._started = self._started or bool(ready)
        return ready


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
