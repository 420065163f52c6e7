"""The files of cases say what they mean, and what agents need is what agents call."""

import re
from pathlib import Path
from typing import Any

import pytest

from conformance.cases import CaseError, parse_cases, read_cases
from conformance.contract import SERVICES, methods_of
from tests.conftest import ROOT

_CLIENTS = ROOT / "services" / "agents" / "adapters"
_CALL = re.compile(r"self\._(?:\w+)\.([A-Z]\w+)\(")


def _called(*sources: Path, pattern: re.Pattern[str] = _CALL) -> set[str]:
    return {name for source in sources for name in pattern.findall(source.read_text())}


@pytest.mark.parametrize("service", ["llm", "memory", "social", "trading"])
def test_what_agents_need_is_what_their_client_calls(service: str) -> None:
    needed = {name.partition("/")[2] for name in read_cases(service).needed}
    assert needed == _called(_CLIENTS / f"{service}_client.py")


def test_what_the_command_line_needs_is_what_it_calls() -> None:
    needed = {name.partition("/")[2] for name in read_cases("agents").needed}
    assert needed == _called(*(ROOT / "puppetctl").glob("*.py"), pattern=re.compile(r"\bagents\.([A-Z]\w+)\("))


@pytest.mark.parametrize("service", SERVICES)
def test_every_rpc_that_is_needed_has_a_required_case(service: str) -> None:
    cases = read_cases(service)
    tried = {step.method for case in cases.cases if case.is_required for step in case.steps}
    # A trade of its own and real credentials are nobody's to try.
    assert {*cases.needed} - tried <= {
        "AgentService/ListActivity",
        "AgentService/TriggerTrade",
        "AgentService/UpdateAgent",
        "SocialService/RegisterAccount",
    }


@pytest.mark.parametrize("service", SERVICES)
def test_names_of_cases_are_told_apart(service: str) -> None:
    names = [case.name for case in read_cases(service).cases]
    assert len({*names}) == len(names)


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
