"""Every RPC against every principal; and what a service's own token and a stolen delegation open, which is little."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from google.protobuf.descriptor import MethodDescriptor

from services.runtime.rpc.access import Rule, full_name
from tests.contract.test_protos import METHODS
from tests.security.principals import AGENT, OPERATOR, RELAY, SERVICES, Suite, bearer, served

READ = "operator reader client-read client-write client-odd"
READ_BY_AGENTS = f"{READ} agents"
READ_ALL = "operator reader client-read client-write"
WRITE = "operator client-write client-odd"

ALLOWED: Mapping[str, Mapping[str, str]] = {
    "puppet.agents.v1.AgentService": {
        "CreateAgent": "operator",
        "BatchCreateAgents": "operator",
        "GetAgent": READ,
        "ListAgents": READ_ALL,
        "UpdateAgent": "operator",
        "DeleteAgent": "operator",
        "ExportAgent": "operator",
        "ImportAgent": "operator",
        "ListPersonaVersions": READ,
        "RollbackPersona": "operator",
        "StartAgent": WRITE,
        "StopAgent": WRITE,
        "GetAgentStatus": READ,
        "AdjustMood": "operator",
        "GetMoodHistory": READ,
        "TriggerPost": WRITE,
        "TriggerTrade": WRITE,
        "TriggerReply": WRITE,
        "PreviewPrompt": READ,
        "ExplainActivity": READ_ALL,
        "ListActivity": READ,
        "WatchActivity": READ,
    },
    "puppet.agents.v1.EventService": {
        "PublishEvent": WRITE,
        "GetEvent": READ_ALL,
        "ListEvents": READ,
        "CancelEvent": "operator client-write",
    },
    "puppet.agents.v1.DraftService": {
        "ListDrafts": READ,
        "GetDraft": READ_ALL,
        "ApproveDraft": "operator client-write",
        "EditDraft": "operator client-write",
        "RejectDraft": "operator client-write",
    },
    "puppet.llm.v1.LlmService": {
        "Generate": f"{WRITE} agents",
        "StreamGenerate": f"{WRITE} agents",
        "Embed": f"{WRITE} agents memory",
        "GetProvider": f"{READ_BY_AGENTS} client-pia",
        "GetUsage": READ_BY_AGENTS,
        "GetBudget": READ_BY_AGENTS,
        "SetBudget": "operator",
        "ListModels": f"{READ_BY_AGENTS} client-pia",
    },
    "puppet.memory.v1.MemoryService": {
        "CreateMemory": f"{WRITE} agents",
        "BatchCreateMemories": f"{WRITE} agents",
        "GetMemory": READ_BY_AGENTS,
        "ListMemoryVersions": READ_BY_AGENTS,
        "ListMemories": READ_BY_AGENTS,
        "UpdateMemory": WRITE,
        "DeleteMemory": WRITE,
        "ClearMemories": "operator agents",
        "SearchMemories": READ_BY_AGENTS,
        "ExportMemories": READ,
        "ImportMemories": "operator",
        "GetMemoryStats": READ_BY_AGENTS,
        "PurgeSource": "operator",
        "SweepMemories": "operator",
        "VerifyIndex": "operator reader",
        "Reindex": "operator",
    },
    "puppet.memory.v1.RelationshipService": {
        "GetRelationship": READ_BY_AGENTS,
        "ListRelationships": READ_BY_AGENTS,
        "RecordInteraction": "operator agents",
        "UpdateRelationship": "operator",
        "BatchUpdateRelationships": "operator",
        "ClearRelationships": "operator agents",
        "ExportRelationships": "operator",
        "ImportRelationships": "operator",
        "ListInteractions": READ_BY_AGENTS,
    },
    # Of a thing that isn't there a client with a scope learns nothing, not even that.
    "puppet.social.v1.SocialService": {
        "RegisterAccount": "operator",
        "DeleteAccount": "operator agents",
        "ExportAccount": "operator",
        "ImportAccount": "operator",
        "GetAccount": f"{READ_ALL} agents",
        "ListAccounts": READ_BY_AGENTS,
        "GetCapabilities": f"{READ_ALL} agents",
        "CreatePost": "operator agents",
        "WithdrawPost": "operator agents",
        "GetPost": f"{READ_ALL} agents",
        "ListPosts": f"{READ_ALL} agents",
        "GetConversation": f"{READ_ALL} agents",
        "ListMentions": f"{READ_ALL} agents",
    },
    "puppet.trading.v1.TradingService": {
        "RegisterWallet": "operator",
        "DeleteWallet": "operator agents",
        "ExportWallet": "operator",
        "ImportWallet": "operator",
        "GetWallet": f"{READ_ALL} agents",
        "ListWallets": READ_BY_AGENTS,
        "GetBalances": f"{READ_ALL} agents",
        "GetQuote": f"{READ_BY_AGENTS} client-pia",
        "ExecuteTrade": "operator agents",
        "GetTrade": f"{READ_ALL} agents",
        "ListTrades": f"{READ_ALL} agents",
        "GetAllowance": f"{READ_ALL} agents",
        "GetPortfolio": f"{READ_ALL} agents",
        "GetPrices": f"{READ_BY_AGENTS} client-pia",
        "ListTrendingTokens": f"{READ_BY_AGENTS} client-pia",
        "GetPolicy": f"{READ_ALL} agents",
        "UpdatePolicy": "operator",
        "TightenPolicy": "operator agents",
        "ScreenText": "operator agents",
        "HaltTrading": "operator",
        "ResumeTrading": "operator",
    },
}
"""Who may call what about `odd`. It is written down here once more, so that nothing is opened by the way."""

PRINCIPALS = (OPERATOR, "reader", "client-read", "client-write", "client-odd", "client-pia", *SERVICES, RELAY)
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with served(tmp_path_factory.mktemp("suite")) as running:
        yield running


def service_of(method: MethodDescriptor) -> str:
    return method.containing_service.full_name.split(".")[1]


def allowed(method: MethodDescriptor) -> set[str]:
    return set(ALLOWED[method.containing_service.full_name][method.name].split())


def stolen(suite: Suite, method: str = "CreateAgent") -> str:
    """Return a delegation that the operator has given to the agents service, for one character."""
    rule = next(Rule.of(item) for item in METHODS if item.name == method)
    return suite.credential(OPERATOR).delegation("agents", rule.delegates, AGENT)


def test_the_table_has_every_rpc() -> None:
    named = {f"{service}/{method}" for service, methods in ALLOWED.items() for method in methods}
    assert named == {full_name(method) for method in METHODS}


@every_method
@pytest.mark.asyncio(loop_scope="module")
async def test_a_call_is_admitted_exactly_for_those_who_may_make_it(suite: Suite, method: MethodDescriptor) -> None:
    outcomes = {
        name: await suite.outcome(method, bearer(suite.credential(name), service_of(method))) for name in PRINCIPALS
    }
    admitted = {name for name, outcome in outcomes.items() if outcome not in ("PERMISSION_DENIED", "UNAUTHENTICATED")}
    assert admitted == allowed(method), outcomes
    refused = {outcome for name, outcome in outcomes.items() if name not in admitted}
    assert refused <= {"PERMISSION_DENIED"}
    if Rule.of(method).delegates:
        assert outcomes[OPERATOR] == "DELEGATION_REQUIRED"


@every_method
@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_is_admitted_without_a_proof(suite: Suite, method: MethodDescriptor) -> None:
    service, operator = service_of(method), suite.credential(OPERATOR)
    other = "memory" if service != "memory" else "llm"
    token = operator.fresh_token(service)
    proofs = {
        "none": {},
        "no scheme": {"authorization": token},
        "another scheme": {"authorization": f"Basic {token}"},
        "garbage": {"authorization": "Bearer x.y.z"},
        "of another service": {"authorization": f"Bearer {operator.fresh_token(other)}"},
        "cut": {"authorization": f"Bearer {token[:-3]}"},
        "unsigned": {"authorization": f"Bearer {token.rpartition('.')[0]}."},
        "a delegation": {"authorization": f"Bearer {stolen(suite)}"},
        "only a delegation": {"puppet-delegation": stolen(suite)},
    }
    outcomes = {name: await suite.outcome(method, metadata) for name, metadata in proofs.items()}
    assert set(outcomes.values()) == {"UNAUTHENTICATED"}, outcomes


@every_method
@pytest.mark.asyncio(loop_scope="module")
async def test_a_delegation_opens_what_it_names_to_its_delegate_and_nothing_to_anybody_else(
    suite: Suite, method: MethodDescriptor
) -> None:
    service, delegation = service_of(method), {"puppet-delegation": stolen(suite)}
    for name in PRINCIPALS:
        if name == OPERATOR and Rule.of(method).delegates:
            continue  # it is his own, and made for this
        outcome = await suite.outcome(method, bearer(suite.credential(name), service) | delegation)
        may_use = name == "agents" and full_name(method) in Rule.of(creation()).delegates
        by_own_right = name in allowed(method) and name == "agents"
        assert (outcome not in ("PERMISSION_DENIED", "DELEGATION_REQUIRED")) == (may_use or by_own_right), (
            name,
            outcome,
        )


def creation() -> MethodDescriptor:
    return next(method for method in METHODS if method.name == "CreateAgent")
