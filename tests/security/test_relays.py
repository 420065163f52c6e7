"""The gateway calls in the place of whoever gave it a session, and can't do anything else."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from services.runtime.rpc.access import Rule
from services.runtime.rpc.identity import Kind, Principal
from services.runtime.rpc.registry import Registry
from tests.contract.test_protos import METHODS
from tests.security.principals import AGENT, OPERATOR, RELAY, Suite, bearer, served
from tests.security.test_access import allowed, every_method, service_of
from tests.support.waits import WAIT_SECONDS

CALLERS = (OPERATOR, "reader", "client-read", "client-write", "client-odd", "client-pia")
REFUSED = ("PERMISSION_DENIED", "UNAUTHENTICATED")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with served(tmp_path_factory.mktemp("suite")) as running:
        yield running


def relayed(suite: Suite, name: str, method: MethodDescriptor, relay: str = RELAY) -> dict[str, str]:
    """Return what a relay sends for a principal who gave it a session."""
    token = suite.credential(name).session(relay, 600)
    session = Registry(suite.files.registry).session(token, relay)
    credential, rule = suite.credential(relay), Rule.of(method)
    sent = {"authorization": f"Bearer {credential.token(service_of(method), session=session)}"}
    if rule.delegates:
        sent["puppet-delegation"] = credential.delegation(service_of(method), rule.delegates, AGENT, session=session)
    return sent


@every_method
@pytest.mark.asyncio(loop_scope="module")
async def test_a_relayed_call_is_admitted_exactly_for_those_who_may_make_it(
    suite: Suite, method: MethodDescriptor
) -> None:
    outcomes = {name: await suite.outcome(method, relayed(suite, name, method)) for name in CALLERS}
    admitted = {name for name, outcome in outcomes.items() if outcome not in REFUSED}
    assert admitted == allowed(method) & set(CALLERS), outcomes
    assert "DELEGATION_REQUIRED" not in outcomes.values()


@every_method
@pytest.mark.asyncio(loop_scope="module")
async def test_the_gateway_has_no_rights_and_nobody_has_its_sessions(suite: Suite, method: MethodDescriptor) -> None:
    service, session = service_of(method), suite.credential(OPERATOR).session(RELAY, 600)
    stolen = Registry(suite.files.registry).session(session, RELAY)
    proofs = {
        "itself": bearer(suite.credential(RELAY), service),
        "the session": {"authorization": f"Bearer {session}"},
        "a session for the service": {"authorization": f"Bearer {suite.credential(OPERATOR).session(service, 600)}"},
        "another service": {"authorization": f"Bearer {suite.credential('agents').token(service, session=stolen)}"},
        "a client": {"authorization": f"Bearer {suite.credential('client-odd').token(service, session=stolen)}"},
        "of another service": {"authorization": f"Bearer {suite.credential(RELAY).token('x', session=stolen)}"},
    }
    outcomes = {name: await suite.outcome(method, metadata) for name, metadata in proofs.items()}
    assert set(outcomes.values()) <= set(REFUSED), outcomes


@pytest.mark.asyncio(loop_scope="module")
async def test_a_relayed_delegation_is_worth_nothing_without_its_session_or_in_other_hands(suite: Suite) -> None:
    method = next(item for item in METHODS if item.name == "CreateAgent")
    whole = relayed(suite, OPERATOR, method)
    rule, gateway = Rule.of(method), suite.credential(RELAY)
    own = gateway.delegation("agents", rule.delegates, AGENT)
    assert await suite.outcome(method, whole | {"puppet-delegation": own}) == "DELEGATION_REQUIRED"
    readers = relayed(suite, "reader", method)["puppet-delegation"]
    assert await suite.outcome(method, whole | {"puppet-delegation": readers}) == "DELEGATION_REQUIRED"
    memories = next(item for item in METHODS if item.name == "BatchCreateMemories")
    for thief in (RELAY, "social", "client-odd"):
        metadata = bearer(suite.credential(thief), "memory") | {"puppet-delegation": whole["puppet-delegation"]}
        assert await suite.outcome(memories, metadata) == "PERMISSION_DENIED"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("revoked", ["caller", "relay"])
async def test_a_relayed_stream_ends_when_its_caller_or_its_relay_is_revoked(suite: Suite, revoked: str) -> None:
    caller, relay = f"caller-of-{revoked}", f"relay-of-{revoked}"
    for principal in (Principal(caller, Kind.READER), Principal(relay, Kind.SERVICE)):
        suite.files.add(principal)
    method = next(item for item in METHODS if item.name == "WatchActivity")
    kind = GetMessageClass(method.input_type)
    path = f"/{method.containing_service.full_name}/{method.name}"
    watch: Any = suite.channels["agents"].unary_stream(path, kind.SerializeToString)
    call = watch(kind(), metadata=tuple(relayed(suite, caller, method, relay).items()), timeout=WAIT_SECONDS)
    assert await call.read() is not grpc.aio.EOF
    suite.files.revoke(caller if revoked == "caller" else relay)
    assert await call.code() is grpc.StatusCode.UNAUTHENTICATED
