"""Between protobuf and domain for what is written, by which provider and model."""

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from puppet.llm.v1 import llm_errors_pb2 as errors_pb
from puppet.llm.v1 import llm_service_pb2 as pb
from services.llm.domain.budget import BudgetState
from services.llm.domain.generation import Candidate, FinishReason, Generation, Price, StreamEnd
from services.llm.domain.models import Model, Unlisted
from services.llm.domain.prompt import Example, Message, Part, Prompt, Role, Sampling, Task
from services.llm.domain.usage import Labels, Usage, dollars
from services.llm.ports import Guarded
from services.runtime.checks import Checks
from services.runtime.nesting import is_shallow
from services.runtime.rpc.answers import Room
from services.runtime.rpc.limits import RequestChecks, size_of

_SCHEMA_LEVELS = 100
_PIECE = 500_000
"""How many characters of a stream's text go into one message, which may have four times as many bytes."""
_BESIDE_TEXT = 64
"""The bytes of a candidate beside its text."""
_ROLES = {pb.Role.Value(f"ROLE_{role.name}"): role for role in Role}
STATES = {state: pb.BudgetState.Value(f"BUDGET_STATE_{state.name}") for state in BudgetState}
_FINISH_REASONS = {reason: pb.FinishReason.Value(f"FINISH_REASON_{reason.name}") for reason in FinishReason}


def read_generate(request: pb.GenerateRequest) -> Task:
    """Return what to write."""
    with RequestChecks(request) as checks:
        _check_common(checks, request)
        if request.json_schema and not _is_json_object(request.json_schema):
            checks.refuse("json_schema", "must be a JSON object")
    return Task(
        _prompt(request.prompt),
        _sampling(request.sampling),
        request.model,
        size_of(request, "candidate_count"),
        request.json_schema,
        _messages(request.conversation.messages),
        read_labels(request),
        is_awaited=request.is_awaited,
    )


def read_stream_generate(request: pb.StreamGenerateRequest) -> Task:
    """Return what to write."""
    with RequestChecks(request) as checks:
        _check_common(checks, request)
    return Task(
        _prompt(request.prompt),
        _sampling(request.sampling),
        request.model,
        messages=_messages(request.conversation.messages),
        labels=read_labels(request),
        is_awaited=request.is_awaited,
    )


def write_generation(generation: Generation) -> pb.GenerateResponse:
    """Return what was written as it goes over the wire."""
    share = Room().left // len(generation.candidates) - _BESIDE_TEXT
    return pb.GenerateResponse(
        candidates=[_write_candidate(candidate, share) for candidate in generation.candidates],
        provider=generation.provider,
        model=generation.model,
        usage=write_usage(generation.usage),
        background_shown=generation.background_shown,
        is_cached=generation.is_cached,
        **write_price(generation.price),
    )


def write_part(part: str | StreamEnd) -> Iterator[pb.StreamGenerateResponse]:
    """Return a part of a stream as it goes over the wire; a text that a provider sent at once may be several."""
    if isinstance(part, str):
        for start in range(0, len(part), _PIECE):
            yield pb.StreamGenerateResponse(text=part[start : start + _PIECE])
        return
    end = pb.StreamEnd(
        finish_reason=_FINISH_REASONS[part.finish_reason],
        provider=part.provider,
        model=part.model,
        usage=write_usage(part.usage),
        **write_price(part.price),
    )
    yield pb.StreamGenerateResponse(end=end)


def write_provider(provider: Guarded) -> pb.Provider:
    """Return a provider as it goes over the wire."""
    return pb.Provider(
        name=provider.name, background_shown=provider.shows_background, price_source=provider.price_source
    )


def write_model(row: Model | Unlisted) -> pb.Model | pb.ProviderFailure:
    """Return a model, or why a provider could not list its own."""
    if isinstance(row, Model):
        return pb.Model(provider=row.provider, name=row.name, is_default=row.is_default)
    return pb.ProviderFailure(provider=row.provider, reason=_reason(row.reason), message=row.message)


def check_model(checks: Checks, request: pb.GenerateRequest | pb.StreamGenerateRequest | pb.EmbedRequest) -> None:
    """Note a model of which nobody knows whose it is."""
    if request.model and not request.provider:
        checks.refuse("provider", "is required when a model is named")


def _check_common(checks: Checks, request: pb.GenerateRequest | pb.StreamGenerateRequest) -> None:
    check_model(checks, request)
    if request.HasField("prompt"):
        _check_prompt(checks, request.prompt)
    if (said := request.conversation.messages) and said[-1].role != pb.ROLE_USER:
        place = f"conversation.messages[{len(said) - 1}].role"
        checks.refuse(place, "must be ROLE_USER: the last message is answered")
    for number, text in enumerate(request.sampling.stop):
        # A line break is a fine place to stop, so this is not the check for blank texts.
        if not text:
            checks.refuse(f"sampling.stop[{number}]", "is required")


def _check_prompt(checks: Checks, prompt: pb.Prompt) -> None:
    taken = (prompt.input_label.strip() or "input", prompt.output_label.strip() or "output")
    for number, example in enumerate(prompt.examples):
        _check_labels(checks, f"prompt.examples[{number}].context", example.context, taken)
    _check_labels(checks, "prompt.context", prompt.context, taken)
    _check_labels(checks, "prompt.background", prompt.background)
    _check_labels(checks, "prompt.conversation", prompt.conversation)
    for field in ("input_label", "output_label"):
        _check_line(checks, f"prompt.{field}", getattr(prompt, field))


def _check_labels(checks: Checks, field: str, parts: Iterable[pb.Part], taken: Collection[str] = ()) -> None:
    for number, part in enumerate(parts):
        _check_line(checks, f"{field}[{number}].label", part.label)
        if part.label.strip() in taken:
            checks.refuse(f"{field}[{number}].label", "must not be that of the input or the output")


def _check_line(checks: Checks, field: str, label: str) -> None:
    if len(label.splitlines()) > 1:
        checks.refuse(field, "must be one line")


def _given(sampling: pb.Sampling) -> dict[str, Any]:
    return {field.name: value for field, value in sampling.ListFields()}


def _is_json_object(text: str) -> bool:
    try:
        return is_shallow(text, _SCHEMA_LEVELS) and isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _prompt(prompt: pb.Prompt) -> Prompt:
    return Prompt(
        prompt.input,
        prompt.system,
        tuple(Example(example.input, example.output, _parts(example.context)) for example in prompt.examples),
        prompt.input_label.strip() or "input",
        prompt.output_label.strip() or "output",
        _parts(prompt.context),
        _parts(prompt.background),
        _parts(prompt.conversation),
    )


def _parts(parts: Iterable[pb.Part]) -> tuple[Part, ...]:
    return tuple(Part(part.label.strip(), part.text) for part in parts)


def _messages(messages: Iterable[pb.Message]) -> tuple[Message, ...]:
    return tuple(Message(_ROLES[message.role], message.text) for message in messages)


def _sampling(sampling: pb.Sampling) -> Sampling:
    return Sampling(**{**_given(sampling), "stop": tuple(sampling.stop)})


def _write_candidate(candidate: Candidate, limit: int) -> pb.Candidate:
    # What a provider has written beyond its limit is paid for all the same: as much of it is told as can be read.
    data = candidate.text.encode()
    is_whole = len(data) <= limit
    return pb.Candidate(
        text=candidate.text if is_whole else data[:limit].decode(errors="ignore"),
        finish_reason=_FINISH_REASONS[candidate.finish_reason if is_whole else FinishReason.LENGTH],
        mean_logprob=candidate.mean_logprob,
    )


def write_usage(usage: Usage) -> pb.Usage:
    """Return what was taken as it goes over the wire."""
    return pb.Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


def read_labels(request: pb.GenerateRequest | pb.StreamGenerateRequest | pb.EmbedRequest) -> Labels:
    """Return on whose behalf a request is made, and what for."""
    return Labels(request.agent_id, request.labels.purpose, request.labels.workflow)


def write_price(price: Price) -> dict[str, Any]:
    """Return the fields that tell what an answer cost."""
    attempts = [
        pb.Attempt(provider=asked.provider, reason=_reason(asked.reason), message=asked.message)
        for asked in price.asked
    ]
    cost = "" if price.nanos is None else dollars(price.nanos)
    return {"cost_usd": cost, "attempts": attempts, "budget_state": STATES[price.state]}


def _reason(reason: str) -> errors_pb.ErrorReason.ValueType:
    return errors_pb.ErrorReason.Value(f"ERROR_REASON_{reason or 'UNSPECIFIED'}")
