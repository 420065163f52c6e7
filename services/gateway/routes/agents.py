"""Characters."""

from typing import Any

from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from services.gateway.routes.newcomers import with_account
from services.gateway.transcoding.endpoint import PAGING, Endpoint


def _post(given: dict[str, Any]) -> dict[str, Any]:
    """Take the topic from where clients of the first versions have it."""
    context = given.get("context")
    if not isinstance(context, dict):
        return given
    rest = {name: value for name, value in given.items() if name not in {"context", "force"}}
    return {"topic": context.get("topic", ""), **rest}


def _agent(verb: str, path: str, rpc: str, summary: str, **others: Any) -> Endpoint:
    return Endpoint(verb=verb, path=path, stub=AgentServiceStub, rpc=rpc, summary=summary, **others)


_ID = {"agent_id": "id"}

ENDPOINTS = (
    _agent("GET", "/agents", "ListAgents", "Lists characters.", renamed=PAGING),
    _agent(
        "POST",
        "/agents",
        "CreateAgent",
        "Creates a character, with an account where the network gives them.",
        body="persona",
        data="agent",
        status=201,
        equip=with_account,
    ),
    _agent("GET", "/agents/{agent_id}", "GetAgent", "Returns a character.", into=_ID, data="agent"),
    _agent(
        "PUT",
        "/agents/{agent_id}",
        "UpdateAgent",
        "Gives a character another persona.",
        into={"agent_id": ("agent.id", "agent.persona.id")},
        body="agent.persona",
        data="agent",
    ),
    _agent("DELETE", "/agents/{agent_id}", "DeleteAgent", "Deletes a character.", into=_ID),
    _agent("GET", "/agents/{agent_id}/status", "GetAgentStatus", "Says what a character is doing.", into=_ID),
    _agent("POST", "/agents/{agent_id}/start", "StartAgent", "Starts a character.", into=_ID, body="", data="agent"),
    _agent("POST", "/agents/{agent_id}/stop", "StopAgent", "Stops a character.", into=_ID, body="", data="agent"),
    _agent("POST", "/agents/{agent_id}/post", "TriggerPost", "Lets a character post.", body="", reshape=_post),
    _agent("POST", "/agents/{agent_id}/reply", "TriggerReply", "Lets a character answer a post.", body=""),
    _agent("POST", "/agents/{agent_id}/trade", "TriggerTrade", "Lets a character consider a trade.", body=""),
    _agent("GET", "/agents/{agent_id}/mood", "GetMoodHistory", "Says how a character felt."),
    _agent("POST", "/agents/{agent_id}/mood", "AdjustMood", "Changes how a character feels.", body="", data="mood"),
    _agent("GET", "/agents/{agent_id}/versions", "ListPersonaVersions", "Lists a persona's versions.", renamed=PAGING),
    _agent(
        "POST",
        "/agents/{agent_id}/rollback",
        "RollbackPersona",
        "Gives a character an earlier persona.",
        body="",
        data="agent",
    ),
    _agent("POST", "/agents/{agent_id}/preview", "PreviewPrompt", "Shows what a model would be asked.", body=""),
    _agent(
        "GET",
        "/agents/{agent_id}/activity",
        "ListActivity",
        "Lists what a character did, newest first.",
        into={"agent_id": "agent_ids"},
        renamed=PAGING,
    ),
    _agent("GET", "/activity", "ListActivity", "Lists what characters did, newest first.", renamed=PAGING),
    _agent(
        "GET",
        "/activity/{id}/explanation",
        "ExplainActivity",
        "Says why something was done.",
    ),
    Endpoint(
        verb="GET",
        path="/agents/{agent_id}/relationships",
        stub=RelationshipServiceStub,
        rpc="ListRelationships",
        summary="Lists whom a character knows, and how it feels about them.",
        renamed=PAGING,
    ),
    Endpoint(
        verb="GET",
        path="/agents/{agent_id}/relationships/{counterpart}",
        stub=RelationshipServiceStub,
        rpc="GetRelationship",
        summary="Says what a character thinks of somebody.",
        data="relationship",
    ),
    Endpoint(
        verb="GET",
        path="/agents/{agent_id}/relationships/{counterpart}/interactions",
        stub=RelationshipServiceStub,
        rpc="ListInteractions",
        summary="Lists what a character and somebody had to do with each other.",
        renamed=PAGING,
    ),
)
