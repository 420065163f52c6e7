"""Every endpoint with what its description allows, and with what it doesn't: an answer or a refusal, and never a fault.

`make test` makes a few calls to each, always the same; `make security` makes more.
"""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok

from services.gateway.app import ENDPOINTS
from services.gateway.routes.documentation import describe
from tests.security.principals import OPERATOR, served
from tests.support.gateway import Door, door

pytestmark = [
    pytest.mark.timeout(3_600),
    # What schemathesis draws from is its own affair.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]

SECONDS = 20
load_all_checks()
CHECKS: Any = [
    schemathesis.checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]
NOT_THERE = {"CHAIN_UNAVAILABLE", "NETWORK_UNAVAILABLE", "DEPENDENCY_UNAVAILABLE", "DEADLINE_EXCEEDED"}
"""Why a call may fail where there is no world outside of the suite, and nothing waits for long."""

SCHEMA = schemathesis.openapi.from_dict(describe(ENDPOINTS))
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]


@pytest.fixture(scope="module", name="gateway")
def _gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Serve a suite and a gateway in another thread: schemathesis waits for each answer."""
    started, stop, found = threading.Event(), [], []

    async def serve() -> None:
        async with served(tmp_path_factory.mktemp("suite")) as suite, door(suite) as opened:
            ending = asyncio.Event()
            stop.append((asyncio.get_running_loop(), ending))
            found.append(opened)
            started.set()
            await ending.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(60)
    try:
        yield found[0]
    finally:
        loop, ending = stop[0]
        loop.call_soon_threadsafe(ending.set)
        thread.join()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["meant", "not meant"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_call_is_answered_or_refused_in_the_envelope(
    gateway: Door, operation: Any, mode: GenerationMode, request: pytest.FixtureRequest
) -> None:
    headers = {"Authorization": f"Bearer {gateway.token(OPERATOR, 3600)}", "Request-Timeout": "2"}
    is_stream = operation.path == "/stream"
    count, seed = request.config.getoption("fuzz") // 1_000, request.config.getoption("fuzz_seed")

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=max(1, count),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def calls(case: Any) -> None:
        given: dict[str, Any] = case.as_transport_kwargs(base_url=f"http://{gateway.address}", headers=headers)
        with requests.request(**given, timeout=SECONDS, stream=is_stream) as answer:
            if is_stream and answer.ok:
                assert answer.headers["content-type"].startswith("text/event-stream")
                return
            if answer.status_code != 304:
                content = answer.json()
                assert content["timestamp"]
            if answer.status_code < 400:
                case.validate_response(answer, checks=CHECKS)
                return
            assert content["status"] == "error"
            error = content["error"]
            assert error.keys() == {"code", "message", "details"}
            assert answer.status_code < 500 or error["details"]["reason"] in NOT_THERE, content
            assert answer.status_code != 500

    try:
        calls()
    except hypothesis.errors.Unsatisfiable:
        pytest.skip("there is nothing to get wrong")
