"""What was found is told in a table, and as JSON."""

import json

import pytest

from conformance.report import as_json, table
from conformance.results import Result, State, Verdict


def _verdict(*results: Result) -> Verdict:
    return Verdict("llm", "127.0.0.1:1", "agents", results)


FINE = Result("LlmService/Generate", "is there", True, State.PASSED)
BROKEN = Result("LlmService/Generate", "writes", True, State.FAILED, ["provider is not set"])
UNTRIED = Result("LlmService/Generate", "posts", True, State.LEFT_OUT, ["it needs --set account_id=..."])
ADVISED = Result("health", "is SERVING", False, State.FAILED, ["Check is answered with UNIMPLEMENTED"])


def test_a_table_tells_each_check_and_its_faults() -> None:
    assert table(_verdict(FINE, BROKEN, UNTRIED, ADVISED)).splitlines() == [
        "llm at 127.0.0.1:1",
        "",
        "required: agents can't do without it",
        "  ok     LlmService/Generate  is there",
        "  FAULT  LlmService/Generate  writes",
        "                                provider is not set",
        "  -      LlmService/Generate  posts: it needs --set account_id=...",
        "",
        "recommended",
        "  FAULT  health               is SERVING",
        "                                Check is answered with UNIMPLEMENTED",
        "",
        "required: 1 ok, 1 with faults, 1 left out",
        "recommended: 0 ok, 1 with faults, 0 left out",
        "agents will NOT work with it",
    ]


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ((FINE, ADVISED), "agents will work with it"),
        ((FINE, UNTRIED), "agents will work with it, as far as it was tried"),
        ((FINE, BROKEN, UNTRIED), "agents will NOT work with it"),
    ],
)
def test_what_follows_is_told_last(results: tuple[Result, ...], told: str) -> None:
    assert table(_verdict(*results)).splitlines()[-1] == told


def test_json_says_the_same() -> None:
    told = json.loads(as_json(_verdict(FINE, BROKEN)))
    assert (told["service"], told["target"], told["passed"]) == ("llm", "127.0.0.1:1", False)
    assert told["results"][1] == {
        "about": "LlmService/Generate",
        "name": "writes",
        "is_required": True,
        "state": "failed",
        "faults": ["provider is not set"],
    }
