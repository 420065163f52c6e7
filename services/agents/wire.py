"""Between protobuf and domain; every request is checked here, all its violations at once."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.json_format import Error, MessageToDict
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.entities import ActivityKind, ActivityRecord, AgentRecord
from services.agents.domain.persona import unknown_fields
from services.agents.service.agents import Status
from services.runtime.checks import Checks
from services.runtime.errors import InvalidRequest, Violation, quoted
from services.runtime.protobuf import write_time

MOST_ID = 64
_MOST_TRIGGER_ID = 100
_MOST_TOPIC = 500
_KINDS = {pb.ActivityKind.Value(f"ACTIVITY_KIND_{kind.name}"): kind for kind in ActivityKind}
_KIND_NUMBERS = {kind: number for number, kind in _KINDS.items()}


def read_new_persona(request: pb.CreateAgentRequest) -> dict[str, Any]:
    """Return the persona of the agent to create; what stands in it is checked by the domain."""
    with Checks() as checks:
        if not request.HasField("persona"):
            checks.refuse("persona", "is required")
        checks.request_id(request.request_id)
    return _as_json("persona", request.persona)


def read_changed_persona(request: pb.UpdateAgentRequest) -> dict[str, Any]:
    """Return the persona to set; what stands in it is checked by the domain."""
    with Checks() as checks:
        checks.text("agent.id", request.agent.id, MOST_ID)
        checks.mask("update_mask", request.update_mask.paths, {"persona"})
        if not request.agent.HasField("persona"):
            checks.refuse("agent.persona", "is required")
        checks.request_id(request.request_id)
    return _as_json("agent.persona", request.agent.persona)


def _as_json(field: str, given: Struct) -> dict[str, Any]:
    try:
        return MessageToDict(given)
    except (Error, ValueError) as error:
        # A Struct can hold what JSON can't: infinite numbers and NaN.
        raise InvalidRequest([Violation(field, f"must hold JSON values only: {error}")]) from error


def check_id(request: pb.GetAgentRequest | pb.GetAgentStatusRequest) -> None:
    """Check a request that only names an agent."""
    with Checks() as checks:
        checks.text("id", request.id, MOST_ID)


def check_switch(request: pb.StartAgentRequest | pb.StopAgentRequest) -> None:
    """Check a request that starts or stops an agent."""
    with Checks() as checks:
        checks.text("id", request.id, MOST_ID)
        checks.request_id(request.request_id)


def check_trigger(request: pb.TriggerPostRequest | pb.TriggerTradeRequest) -> None:
    """Check a request that makes an agent act."""
    with Checks() as checks:
        checks.text("agent_id", request.agent_id, MOST_ID)
        if isinstance(request, pb.TriggerPostRequest):
            checks.text("topic", request.topic, _MOST_TOPIC, required=False)
        checks.request_id(request.request_id, required=True, most=_MOST_TRIGGER_ID)


def read_activity_filter(request: pb.ListActivityRequest) -> tuple[list[str], list[ActivityKind]]:
    """Return whose and which activities are wanted."""
    with Checks() as checks:
        _agents(checks, request)
        for number in request.kinds:
            checks.enum("kinds", number, _KINDS)
    return list(request.agent_ids), [_KINDS[number] for number in request.kinds]


def read_cursor(request: pb.WatchActivityRequest) -> int | None:
    """Return the place in the log to go on from; None is from now on."""
    cursor = request.after_cursor
    with Checks() as checks:
        _agents(checks, request)
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
            checks.refuse("after_cursor", "is not a cursor of this log")
    return int(cursor) if cursor else None


def write_agent(agent: AgentRecord) -> pb.Agent:
    """Return an agent as it goes over the wire."""
    persona = Struct()
    persona.update(agent.persona)
    return pb.Agent(
        id=agent.id,
        name=agent.name,
        description=agent.description,
        is_active=agent.is_active,
        persona=persona,
        unknown_fields=unknown_fields(agent.persona),
        account_id=agent.account_id,
        wallet_id=agent.wallet_id,
        create_time=write_time(agent.create_time),
        update_time=write_time(agent.update_time),
        etag=agent.etag,
        stop_time=write_time(agent.stop_time) if agent.stop_time else None,
    )


def write_status(status: Status) -> pb.GetAgentStatusResponse:
    """Return what an agent is doing as it goes over the wire."""
    mood = status.mood
    response = pb.GetAgentStatusResponse(
        is_active=status.agent.is_active,
        mood=pb.Mood(valence=mood.valence, arousal=mood.arousal, dominance=mood.dominance, label=mood.label),
        schedule=[
            pb.ScheduledAction(kind=entry.kind, due_time=write_time(entry.due_time)) for entry in status.schedule
        ],
        post_count=status.counts.get(ActivityKind.POST, 0),
        reply_count=status.counts.get(ActivityKind.REPLY, 0),
        trade_count=status.counts.get(ActivityKind.TRADE, 0),
        notices=_notices(status),
    )
    if status.agent.start_time is not None:
        response.active_duration.FromTimedelta(status.now - status.agent.start_time)
    return response


def _notices(status: Status) -> Iterator[pb.Notice]:
    persona = status.agent.persona
    if status.lacks_provider:
        told = f"the llm service has no provider {quoted(str(persona.get('llm_provider')))}"
        yield pb.Notice(reason=pb.NOTICE_REASON_PROVIDER_NOT_FOUND, field="llm_provider", description=told)
    for path, told in status.not_understood.items():
        yield pb.Notice(reason=pb.NOTICE_REASON_NOT_UNDERSTOOD, field=path, description=told)
    for path, meant in unknown_fields(persona).items():
        told = f"nobody here knows {path}" + (f": did you mean {meant}?" if meant else "")
        yield pb.Notice(reason=pb.NOTICE_REASON_UNKNOWN_FIELD, field=path, description=told)


def write_activity(activity: ActivityRecord) -> pb.Activity:
    """Return an activity as it goes over the wire."""
    return pb.Activity(
        cursor=str(activity.seq),
        agent_id=activity.agent_id,
        agent_name=activity.agent_name,
        kind=_KIND_NUMBERS[ActivityKind(activity.kind)],
        summary=activity.summary,
        reason=activity.reason,
        workflow_id=activity.workflow_id,
        details=activity.details,
        create_time=write_time(activity.create_time),
    )


def _agents(checks: Checks, request: pb.ListActivityRequest | pb.WatchActivityRequest) -> None:
    for agent_id in request.agent_ids:
        checks.text("agent_ids", agent_id, MOST_ID)
