"""The files of cases say what they mean, and what agents need is what agents call."""

import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass

from conformance.cases import CaseError, Step, parse_cases, read_cases
from conformance.contract import SERVICES, methods_of
from tests.conftest import ROOT

STEPS = [step for service in SERVICES for case in read_cases(service).cases for step in case.steps]
METHODS = {name: method for service in SERVICES for name, method in methods_of(service).items()}
_CLIENTS = ROOT / "services" / "agents" / "adapters"
_CALL = re.compile(r"self\._(?:\w+)\.([A-Z]\w+)\(")


def _called(*sources: Path, pattern: re.Pattern[str] = _CALL) -> set[str]:
    return {name for source in sources for name in pattern.findall(source.read_text())}


_FOR_SOME = {"llm": {"SetBudget"}}
"""What is called for some personas only: those that name a budget are refused where nobody keeps one."""


@pytest.mark.parametrize("service", ["llm", "memory", "social", "trading"])
def test_what_agents_need_is_what_their_client_calls(service: str) -> None:
    needed = {name.partition("/")[2] for name in read_cases(service).needed}
    assert needed == _called(_CLIENTS / f"{service}_client.py") - _FOR_SOME.get(service, set())


def test_what_the_command_line_needs_is_what_it_calls() -> None:
    needed = {name.partition("/")[2] for name in read_cases("agents").needed}
    assert needed == _called(
        *(ROOT / "puppetctl").rglob("*.py"), pattern=re.compile(r"\b(?:agents|events)\.([A-Z]\w+)[(,]")
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_rpc_that_is_needed_has_a_required_case(service: str) -> None:
    cases = read_cases(service)
    tried = {step.method for case in cases.cases if case.is_required for step in case.steps}
    # A trade of its own and real credentials are nobody's to try.
    assert {*cases.needed} - tried <= {
        "AgentService/ListActivity",
        "AgentService/TriggerTrade",
        "SocialService/RegisterAccount",
    }


@pytest.mark.parametrize("service", SERVICES)
def test_names_of_cases_are_told_apart(service: str) -> None:
    names = [case.name for case in read_cases(service).cases]
    assert len({*names}) == len(names)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.method)
def test_requests_and_paths_are_those_of_the_contract(step: Step) -> None:
    method = METHODS[step.method]
    for request in step.requests if isinstance(step.requests, list) else []:
        json_format.ParseDict(request, GetMessageClass(method.input_type)())
    for path in (*step.answer, *step.absent, *step.size, *step.save.values()):
        _follow(method.output_type, path.removeprefix("answers").lstrip(".") if method.server_streaming else path)


def _follow(message: Descriptor, path: str) -> None:
    """Fail where a path names a field that isn't there."""
    for name in filter(None, path.split(".")):
        if not name.isdigit():
            field = message.fields_by_name[name]
            message = field.message_type or message


def test_a_case_needs_what_it_names() -> None:
    content = {
        "variables": {"account": "an account", "other": "nobody needs it"},
        "case": [{"name": "a", "step": [{"call": "LlmService/GetProvider", "request": {"name": "of $account"}}]}],
    }
    assert parse_cases("llm", content).cases[0].needs == ["account"]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"call": "LlmService/Nobody"}, "llm has no RPC LlmService/Nobody"),
        ({"request": {}}, "a step of case 'a' is no step: 'call'"),
        ({"call": "LlmService/GetProvider", "anser": {}}, "anser"),
    ],
)
def test_what_a_file_says_wrong_is_told(step: dict[str, Any], told: str) -> None:
    with pytest.raises(CaseError, match=re.escape(told)):
        parse_cases("llm", {"case": [{"name": "a", "step": [step]}]})


def test_a_new_rpc_is_examined_by_itself() -> None:
    assert "RelationshipService/GetRelationship" in methods_of("memory")
