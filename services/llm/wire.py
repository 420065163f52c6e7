"""Between protobuf and domain; every request is checked here, all its violations at once."""

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from puppet.llm.v1 import llm_service_pb2 as pb
from services.llm.domain import (
    Candidate,
    Example,
    FinishReason,
    Generation,
    Message,
    Model,
    Part,
    Prompt,
    Role,
    Sampling,
    StreamEnd,
    Task,
    Usage,
)
from services.runtime.checks import Checks
from services.runtime.nesting import is_shallow
from services.runtime.rpc.answers import Room

_TEXT = 32_000
_SCHEMA_LEVELS = 100
_PIECE = 500_000
"""How many characters of a stream's text go into one message, which may have four times as many bytes."""
_BESIDE_TEXT = 64
"""The bytes of a candidate beside its text."""
_RANGES = {
    "temperature": (0, 2),
    "max_tokens": (1, 32_768),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "repetition_penalty": (1, 2),
}
_ROLES = {pb.Role.Value(f"ROLE_{role.name}"): role for role in Role}
_FINISH_REASONS = {reason: pb.FinishReason.Value(f"FINISH_REASON_{reason.name}") for reason in FinishReason}


def read_generate(request: pb.GenerateRequest) -> Task:
    """Return what to write."""
    with Checks() as checks:
        _check_common(checks, request)
        checks.number("candidate_count", request.candidate_count, 0, 16)
        checks.text("json_schema", request.json_schema, _TEXT, required=False)
        if request.json_schema and not _is_json_object(request.json_schema):
            checks.refuse("json_schema", "must be a JSON object")
    return Task(
        _prompt(request.prompt),
        _sampling(request.sampling),
        request.model,
        request.candidate_count or 1,
        request.json_schema,
        _messages(request.messages),
    )


def read_stream_generate(request: pb.StreamGenerateRequest) -> Task:
    """Return what to write."""
    with Checks() as checks:
        _check_common(checks, request)
    return Task(
        _prompt(request.prompt),
        _sampling(request.sampling),
        request.model,
        messages=_messages(request.messages),
    )


def check_get_provider(request: pb.GetProviderRequest) -> None:
    """Check a request that names a provider."""
    with Checks() as checks:
        checks.text("name", request.name, 64, required=False)


def check_list_models(request: pb.ListModelsRequest) -> None:
    """Check the filter of a listing."""
    with Checks() as checks:
        checks.text("provider", request.provider, 64, required=False)


def write_generation(generation: Generation) -> pb.GenerateResponse:
    """Return what was written as it goes over the wire."""
    share = Room().left // len(generation.candidates) - _BESIDE_TEXT
    return pb.GenerateResponse(
        candidates=[_write_candidate(candidate, share) for candidate in generation.candidates],
        provider=generation.provider,
        model=generation.model,
        usage=_write_usage(generation.usage),
        background_shown=generation.background_shown,
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
        usage=_write_usage(part.usage),
    )
    yield pb.StreamGenerateResponse(end=end)


def write_model(model: Model) -> pb.Model:
    """Return a model as it goes over the wire."""
    return pb.Model(provider=model.provider, name=model.name, is_default=model.is_default, error=model.error)


def _check_common(checks: Checks, request: pb.GenerateRequest | pb.StreamGenerateRequest) -> None:
    checks.text("agent_id", request.agent_id, 128, required=False)
    checks.text("provider", request.provider, 64, required=False)
    checks.text("model", request.model, 200, required=False)
    if request.model and not request.provider:
        checks.refuse("provider", "is required when a model is named")
    if request.messages:
        _check_messages(checks, request)
    else:
        _check_prompt(checks, request.prompt)
    _check_sampling(checks, request.sampling)


def _check_messages(checks: Checks, request: pb.GenerateRequest | pb.StreamGenerateRequest) -> None:
    if request.HasField("prompt"):
        checks.refuse("prompt", "must be left out when there are messages")
    for number, message in enumerate(request.messages):
        checks.text(f"messages[{number}].text", message.text, _TEXT)
        if message.role not in _ROLES:
            checks.refuse(f"messages[{number}].role", "is required")
    if request.messages[-1].role != pb.ROLE_USER:
        checks.refuse(f"messages[{len(request.messages) - 1}].role", "must be ROLE_USER: the last message is answered")


def _check_prompt(checks: Checks, prompt: pb.Prompt) -> None:
    checks.text("prompt.system", prompt.system, _TEXT, required=False)
    checks.text("prompt.input", prompt.input, _TEXT)
    taken = (prompt.input_label.strip() or "input", prompt.output_label.strip() or "output")
    for number, example in enumerate(prompt.examples):
        checks.text(f"prompt.examples[{number}].input", example.input, _TEXT)
        checks.text(f"prompt.examples[{number}].output", example.output, _TEXT)
        _check_parts(checks, f"prompt.examples[{number}].context", example.context, taken)
    _check_parts(checks, "prompt.context", prompt.context, taken)
    _check_parts(checks, "prompt.background", prompt.background)
    _check_parts(checks, "prompt.conversation", prompt.conversation)
    for field in ("input_label", "output_label"):
        _check_label(checks, f"prompt.{field}", getattr(prompt, field), required=False)


def _check_parts(checks: Checks, field: str, parts: Iterable[pb.Part], taken: Collection[str] = ()) -> None:
    for number, part in enumerate(parts):
        _check_label(checks, f"{field}[{number}].label", part.label, required=True)
        if part.label.strip() in taken:
            checks.refuse(f"{field}[{number}].label", "must not be that of the input or the output")
        checks.text(f"{field}[{number}].text", part.text, _TEXT)


def _check_label(checks: Checks, field: str, label: str, *, required: bool) -> None:
    checks.text(field, label, 40, required=required)
    if len(label.splitlines()) > 1:
        checks.refuse(field, "must be one line")


def _check_sampling(checks: Checks, sampling: pb.Sampling) -> None:
    given = _given(sampling)
    for field, (least, most) in _RANGES.items():
        checks.number(f"sampling.{field}", given.get(field, least), least, most)
    if "top_p" in given and not 0 < sampling.top_p <= 1:
        checks.refuse("sampling.top_p", f"must be more than 0 and at most 1, and is {sampling.top_p:g}")
    for number, text in enumerate(sampling.stop):
        # A line break is a fine place to stop, so this is not the check for blank texts.
        if not text:
            checks.refuse(f"sampling.stop[{number}]", "is required")


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


def _write_candidate(candidate: Candidate, most: int) -> pb.Candidate:
    # What a provider has written beyond its limit is paid for all the same: as much of it is told as can be read.
    data = candidate.text.encode()
    is_whole = len(data) <= most
    return pb.Candidate(
        text=candidate.text if is_whole else data[:most].decode(errors="ignore"),
        finish_reason=_FINISH_REASONS[candidate.finish_reason if is_whole else FinishReason.LENGTH],
        mean_logprob=candidate.mean_logprob,
    )


def _write_usage(usage: Usage) -> pb.Usage:
    return pb.Usage(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)
