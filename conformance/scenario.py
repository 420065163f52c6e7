"""Plays a case: makes its calls one after the other, and compares what comes of them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from conformance.calls import Caller, Outcome
from conformance.cases import VARIABLE, Case, Refused, Step
from conformance.contract import methods_of
from conformance.results import Result, State, judged
from services.runtime.rpc.status import Remote

ANYTHING = "*"
_MISSING = object()


async def play(case: Case, caller: Caller, given: Mapping[str, str]) -> Result:
    """Return what came of a case; after a step with a fault it goes no further."""
    about = case.steps[0].method if case.steps else caller.service
    if missing := [name for name in case.needs if name not in given]:
        wanted = [f"it needs {' '.join(f'--set {name}=...' for name in missing)}"]
        return Result(about, case.name, case.is_required, State.LEFT_OUT, wanted)
    variables: dict[str, Any] = dict(given)
    methods = methods_of(caller.service)
    for number, step in enumerate(case.steps, 1):
        for _ in range(step.times):
            faults = await _played(step, methods[step.method], caller, variables)
            if faults:
                told = [f"step {number}, {step.method}: {fault}" for fault in faults]
                return judged(about, case.name, told, is_required=case.is_required)
    return judged(about, case.name, [], is_required=case.is_required)


async def _played(step: Step, method: MethodDescriptor, caller: Caller, variables: dict[str, Any]) -> list[str]:
    kind = GetMessageClass(method.input_type)
    try:
        requests = [json_format.ParseDict(item, kind()) for item in _filled(step.requests, variables)]
    except json_format.ParseError as error:
        return [f"its request can't be made of what the service said before: {error}"]
    try:
        outcome = await caller.call(method, requests, step.how)
    except TimeoutError:
        return ["it goes on long after the deadline that it was told"]
    answer = _as_json(outcome, method)
    faults = [*_refusal_faults(step.refused, outcome)] or [*_answer_faults(step, answer, variables)]
    if not faults:
        variables.update({name: _at(answer, path) for name, path in step.save.items()})
    return faults


def _as_json(outcome: Outcome, method: MethodDescriptor) -> Any:
    answers = [json_format.MessageToDict(item, preserving_proto_field_name=True) for item in outcome.answers]
    if method.server_streaming:
        return {"answers": answers}
    return answers[0] if answers else {}


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """Return a value with its variables filled in; one that is nothing but a variable becomes whatever that holds."""
    if isinstance(value, str):
        if whole := VARIABLE.fullmatch(value):
            return variables.get(whole[1], value)
        return VARIABLE.sub(lambda found: str(variables.get(found[1], found[0])), value)
    if isinstance(value, Mapping):
        return {name: _filled(inner, variables) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables) for inner in value]
    return value


def _refusal_faults(expected: Refused | None, outcome: Outcome) -> Iterator[str]:
    refusal = outcome.refusal
    if expected is None:
        if refusal is not None:
            yield f"it is {_told(refusal)}"
        return
    wanted = " or ".join(expected.codes)
    if refusal is None:
        yield f"it is answered, and should be refused with {' '.join(filter(None, (wanted, expected.reason)))}"
        return
    if expected.codes and refusal.code.name not in expected.codes:
        yield f"it is {_told(refusal)}, and should be with {wanted}"
    if expected.reason and refusal.reason != expected.reason:
        yield f"it is {_told(refusal)}, and should be with {expected.reason} as the reason in its ErrorInfo"
    named = {item.field for item in refusal.violations}
    if missing := [name for name in expected.fields if name not in named]:
        yield f"it is {_told(refusal)}, and should name {', '.join(missing)} in its BadRequest"


def _told(refusal: Remote) -> str:
    return f"refused with {refusal.code.name} {refusal.reason or 'and no reason'} ({refusal.message})"


def _answer_faults(step: Step, answer: Any, variables: Mapping[str, Any]) -> Iterator[str]:
    for path, wanted in step.answer.items():
        found, expected = _at(answer, path), _filled(wanted, variables)
        if found is _MISSING:
            yield f"{path} is not set"
        elif expected not in (ANYTHING, found):
            yield f"{path} is {found!r}, and should be {expected!r}"
    for path in step.absent:
        if (found := _at(answer, path)) is not _MISSING:
            yield f"{path} should not be set, and is {found!r}"
    for path, (least, limit) in step.size.items():
        items = _at(answer, path)
        number = len(items) if isinstance(items, list) else 0
        if not least <= number <= limit:
            yield f"{path} has {number} items, and should have {least} to {limit}"


def _at(value: Any, path: str) -> Any:
    """Return what stands at a path: names of fields and numbers of items, with dots between them."""
    for name in re.split(r"\.", path):
        if isinstance(value, list):
            value = value[int(name)] if int(name) < len(value) else _MISSING
        else:
            value = value.get(name, _MISSING) if isinstance(value, dict) else _MISSING
    return value
