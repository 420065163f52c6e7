"""What rights are worth in use: delegations, provenances, scopes, revocation, and whose a request id is."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.runtime.rpc.access import Rule
from services.runtime.rpc.credentials import DELEGATION_TYPE, Credential
from services.runtime.rpc.identity import Kind, Principal
from tests.security.principals import AGENT, OPERATOR, Suite, bearer, served
from tests.support.refusals import reason_of

CREATE = "puppet.memory.v1.MemoryService/CreateMemory"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with served(tmp_path_factory.mktemp("suite")) as running:
        yield running


class Rememberer:
    """Writes memories as a principal, with a delegation if it has one."""

    def __init__(self, suite: Suite, name: str, delegation: str = "") -> None:
        self._stub = MemoryServiceStub(suite.channels["memory"])
        given = {"puppet-delegation": delegation} if delegation else {}
        self._metadata: Any = tuple((bearer(suite.credential(name), "memory") | given).items())

    def create(
        self,
        text: str,
        provenance: memory_pb.Provenance.ValueType,
        agent: str = AGENT,
        request_id: str = "",
    ) -> Any:
        memory = memory_pb.Memory(agent_id=agent, text=text, kind=memory_pb.MEMORY_KIND_GENERAL, provenance=provenance)
        request = memory_pb.CreateMemoryRequest(memory=memory, request_id=request_id)
        return self._stub.CreateMemory(request, metadata=self._metadata)

    def update(self, memory_id: str, text: str) -> Any:
        request = memory_pb.UpdateMemoryRequest(memory=memory_pb.Memory(agent_id=AGENT, id=memory_id, text=text))
        request.update_mask.paths.append("text")
        return self._stub.UpdateMemory(request, metadata=self._metadata)

    def delete(self, memory_id: str) -> Any:
        return self._stub.DeleteMemory(
            memory_pb.DeleteMemoryRequest(agent_id=AGENT, id=memory_id), metadata=self._metadata
        )


SELF, BY_OPERATOR = memory_pb.PROVENANCE_SELF, memory_pb.PROVENANCE_OPERATOR
BY_AGENT, EXTERNAL = memory_pb.PROVENANCE_AGENT, memory_pb.PROVENANCE_EXTERNAL


@pytest.mark.parametrize(
    ("name", "writes"),
    [
        (OPERATOR, {SELF, BY_OPERATOR, BY_AGENT, EXTERNAL}),
        ("agents", {SELF, BY_AGENT, EXTERNAL}),
        ("client-odd", {EXTERNAL}),
    ],
)
async def test_where_a_memory_comes_from_follows_from_who_writes_it(suite: Suite, name: str, writes: set[int]) -> None:
    for provenance in (SELF, BY_OPERATOR, BY_AGENT, EXTERNAL):
        call = Rememberer(suite, name).create(f"{name} says {provenance}", provenance)
        if provenance in writes:
            assert (await call).memory.provenance == provenance
        else:
            assert await reason_of(call) == "PERMISSION_DENIED"


async def test_a_client_neither_changes_nor_deletes_what_it_may_not_write(suite: Suite) -> None:
    client = Rememberer(suite, "client-odd")
    for name, provenance in ((OPERATOR, BY_OPERATOR), ("agents", SELF), ("agents", BY_AGENT)):
        made = (await Rememberer(suite, name).create(f"kept from clients {provenance}", provenance)).memory
        assert await reason_of(client.update(made.id, "changed")) == "PERMISSION_DENIED"
        assert await reason_of(client.delete(made.id)) == "PERMISSION_DENIED"
    own = (await client.create("its own", EXTERNAL)).memory
    assert (await client.update(own.id, "still its own")).memory.text == "still its own"
    await client.delete(own.id)


async def test_with_the_operators_delegation_the_agents_service_writes_in_his_name(suite: Suite) -> None:
    operator = suite.credential(OPERATOR)
    agents = Rememberer(suite, "agents", operator.delegation("agents", [CREATE], AGENT))
    made = await agents.create("from the persona file", BY_OPERATOR)
    assert made.memory.provenance == BY_OPERATOR
    assert await reason_of(agents.create("of another one", BY_OPERATOR, agent="pia")) == "PERMISSION_DENIED"


async def test_a_delegation_is_nobody_elses_and_ends(suite: Suite) -> None:
    operator, agents = suite.credential(OPERATOR), suite.credential("agents")
    good = operator.delegation("agents", [CREATE], AGENT)
    header, payload, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    wider = jwt.encode(claims | {"agent": "pia"}, agents.key, "EdDSA", headers={"typ": DELEGATION_TYPE})
    forged = {
        "signed by its delegate": agents.delegation("agents", [CREATE], AGENT),
        "signed by another in his name": wider,
        "changed": ".".join((header, payload[:-2] + "AA", signature)),
        "expired": operator.delegation("agents", [CREATE], AGENT, seconds=-60),
        "for longer than any may be": operator.delegation("agents", [CREATE], AGENT, seconds=3600),
        "by a reader": suite.credential("reader").delegation("agents", [CREATE], AGENT),
        "for another service": operator.delegation("social", [CREATE], AGENT),
        "a token": operator.token("memory"),
        "unsigned": jwt.encode(claims, "", "none", headers={"typ": DELEGATION_TYPE}),
        "by nobody": Credential.generate("mallory").delegation("agents", [CREATE], AGENT),
    }
    for what, delegation in forged.items():
        call = Rememberer(suite, "agents", delegation).create(f"in his name: {what}", BY_OPERATOR)
        assert await reason_of(call) in ("UNAUTHENTICATED", "PERMISSION_DENIED"), what


async def test_the_same_request_id_of_two_principals_is_two_requests(suite: Suite) -> None:
    one = (await Rememberer(suite, OPERATOR).create("first", EXTERNAL, request_id="same")).memory
    other = (await Rememberer(suite, "client-odd").create("second", EXTERNAL, request_id="same")).memory
    again = (await Rememberer(suite, OPERATOR).create("first", EXTERNAL, request_id="same")).memory
    assert (one.id, other.text) == (again.id, "second")
    assert await reason_of(Rememberer(suite, OPERATOR).create("second", EXTERNAL, request_id="same")) == (
        "REQUEST_ID_REUSED"
    )


async def test_a_client_with_a_scope_reaches_the_things_of_its_agents_only(suite: Suite) -> None:
    trading = TradingServiceStub(suite.channels["trading"])
    metadata: Any = tuple(bearer(suite.credential(OPERATOR), "trading").items())
    wallet = (await trading.RegisterWallet(trading_pb.RegisterWalletRequest(agent_id=AGENT), metadata=metadata)).wallet

    async def read(name: str) -> str:
        return await suite.outcome(
            trading_pb.DESCRIPTOR.services_by_name["TradingService"].methods_by_name["GetPolicy"],
            bearer(suite.credential(name), "trading"),
            trading_pb.GetPolicyRequest(wallet_id=wallet.id),
        )

    assert await read("client-odd") == "OK"
    assert await read("client-pia") == "PERMISSION_DENIED"
    listing: Any = tuple(bearer(suite.credential("client-odd"), "trading").items())
    assert await reason_of(trading.ListWallets(trading_pb.ListWalletsRequest(), metadata=listing)) == (
        "PERMISSION_DENIED"
    )


async def test_several_agents_are_all_in_the_scope_or_the_call_is_refused(suite: Suite) -> None:
    method = agents_pb.DESCRIPTOR.services_by_name["AgentService"].methods_by_name["ListActivity"]
    proof = bearer(suite.credential("client-odd"), "agents")
    for ids, outcome in (([AGENT], "OK"), ([AGENT, "pia"], "PERMISSION_DENIED"), ([], "PERMISSION_DENIED")):
        assert await suite.outcome(method, proof, agents_pb.ListActivityRequest(agent_ids=ids)) == outcome


async def test_who_is_revoked_is_refused_from_the_next_call_on(suite: Suite) -> None:
    suite.files.add(Principal("guest", Kind.READER))
    method = social_pb.DESCRIPTOR.services_by_name["SocialService"].methods_by_name["ListAccounts"]
    proof = bearer(suite.credential("guest"), "social")
    assert await suite.outcome(method, proof) == "OK"
    suite.files.rotate("guest")
    assert await suite.outcome(method, proof) == "UNAUTHENTICATED", "the old key has signed it"
    proof = bearer(suite.credential("guest"), "social")
    assert await suite.outcome(method, proof) == "OK"
    suite.files.revoke("guest")
    assert await suite.outcome(method, proof) == "UNAUTHENTICATED"
    assert not suite.files.credential_path("guest").exists()


async def test_tokens_expire_and_can_not_be_made_for_later(suite: Suite) -> None:
    operator = suite.credential(OPERATOR)
    method = social_pb.DESCRIPTOR.services_by_name["SocialService"].methods_by_name["ListAccounts"]
    later = int(time.time()) + 600
    claims = {"iss": OPERATOR, "aud": "social", "iat": later, "exp": later + 60}
    for token in (
        operator.token("social", seconds=-60),
        jwt.encode(claims, operator.key, "EdDSA", headers={"typ": "puppet-token"}),
        jwt.encode({**claims, "iat": later - 600, "exp": None}, operator.key, "EdDSA", headers={"typ": "puppet-token"}),
    ):
        assert await suite.outcome(method, {"authorization": f"Bearer {token}"}) == "UNAUTHENTICATED"


async def test_nobody_is_let_in_while_the_principals_file_can_not_be_read(suite: Suite) -> None:
    method = social_pb.DESCRIPTOR.services_by_name["SocialService"].methods_by_name["ListAccounts"]
    proof = bearer(suite.credential(OPERATOR), "social")
    good = suite.files.registry.read_text()
    try:
        for bad in ("", "{}", "[]", json.dumps({"principals": [{"name": "operator"}]})):
            suite.files.registry.write_text(bad)
            assert await suite.outcome(method, proof) == "UNAVAILABLE", bad
    finally:
        suite.files.registry.write_text(good)
    assert await suite.outcome(method, proof) == "OK"


async def test_files_of_principals_are_for_their_owner_only(suite: Suite) -> None:
    for path in (suite.files.folder, *suite.files.folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_a_call_without_a_stub_of_ours_is_refused_in_the_same_way(suite: Suite) -> None:
    social = SocialServiceStub(suite.channels["social"])
    assert await reason_of(social.ListAccounts(social_pb.ListAccountsRequest())) == "UNAUTHENTICATED"


async def test_a_character_is_equipped_in_its_creators_name(suite: Suite) -> None:
    operator, agents = suite.credential(OPERATOR), agents_pb.DESCRIPTOR.services_by_name["AgentService"]
    request = agents_pb.CreateAgentRequest()
    memories: Any = {"core_memories": ["I keep the light."], "relationships": {"users": {"pia": "a friend"}}}
    request.persona.update({"id": "wren", "name": "Wren", "initial_memory": memories})
    create = agents.methods_by_name["CreateAgent"]
    proof = bearer(operator, "agents")
    assert await suite.outcome(create, proof, request) == "DELEGATION_REQUIRED"
    for_another = operator.delegation("agents", Rule.of(create).delegates, AGENT)
    assert await suite.outcome(create, proof | {"puppet-delegation": for_another}, request) == "DELEGATION_REQUIRED"
    some = operator.delegation("agents", Rule.of(create).delegates[:1], "wren")
    assert await suite.outcome(create, proof | {"puppet-delegation": some}, request) == "DELEGATION_REQUIRED"
    good = operator.delegation("agents", Rule.of(create).delegates, "wren")
    assert await suite.outcome(create, proof | {"puppet-delegation": good}, request) == "OK"
    listed = await MemoryServiceStub(suite.channels["memory"]).ListMemories(
        memory_pb.ListMemoriesRequest(agent_id="wren"), metadata=tuple(bearer(operator, "memory").items())
    )
    assert [(item.text, item.provenance) for item in listed.memories] == [("I keep the light.", BY_OPERATOR)]
