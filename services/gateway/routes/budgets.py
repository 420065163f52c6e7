"""What words cost, and what they may cost."""

from typing import Any

from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.gateway.routes.known import of_known_character
from services.gateway.transcoding.endpoint import Endpoint


def _llm(verb: str, path: str, rpc: str, summary: str, **others: Any) -> Endpoint:
    return Endpoint(verb=verb, path=path, stub=LlmServiceStub, rpc=rpc, summary=summary, **others)


ENDPOINTS = (
    _llm("GET", "/usage", "GetUsage", "Says what words took and cost, by character, model, purpose and day."),
    _llm("GET", "/budgets", "GetBudget", "Returns the suite's budget, and what is spent of it.", data="budget"),
    _llm("PUT", "/budgets", "SetBudget", "Sets what the suite may spend in a day.", body="", data="budget"),
    _llm("GET", "/budgets/{agent_id}", "GetBudget", "Returns a character's budget.", data="budget"),
    _llm(
        "PUT",
        "/budgets/{agent_id}",
        "SetBudget",
        "Sets what a character may spend in a day.",
        body="",
        data="budget",
        equip=of_known_character,
    ),
)
