"""What breaks a contract follows from its options."""

from conformance.breaches import breaches
from conformance.contract import methods_of
from services.runtime.errors import Violation


def test_each_limit_of_a_request_is_broken_once() -> None:
    found = [(breach.path, str(breach.request)) for breach in breaches(methods_of("llm")["LlmService/GetProvider"])]
    assert found == [("name", f'name: "{"x" * 65}"\n'), ("name", 'name: "a\\000b"\n')]


def test_who_acts_for_somebody_says_for_whom_beside_what_is_broken() -> None:
    by_path = {breach.path: breach for breach in breaches(methods_of("agents")["AgentService/UpdateAgent"])}
    assert by_path["request_id"].request.agent.id == "nobody"
    assert by_path["agent.id"].request.agent.id != "nobody"


def test_a_field_is_named_with_what_says_where_it_is() -> None:
    breach = next(breaches(methods_of("llm")["LlmService/GetProvider"]))
    assert breach.is_named_by([Violation("name (of message 1)", "is too long")])
    assert breach.is_named_by([Violation("name['k']", "is too long")])
    assert not breach.is_named_by([Violation("names", "is too long")])
