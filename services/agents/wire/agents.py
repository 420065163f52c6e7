"""Agents on the wire."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from google.protobuf.json_format import Error, MessageToDict
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.entities import AgentRecord, ScheduleEntry
from services.agents.domain.persona import broken_rules, redact, unknown_fields, without_effect
from services.agents.domain.records import ActivityKind
from services.agents.domain.versions import PersonaVersion
from services.agents.ports.workflows import Waiting
from services.agents.service.agents import Status
from services.agents.service.deleting import Deletion
from services.agents.service.triggering import Triggered
from services.agents.wire.activities import write_activity, write_mood
from services.runtime.errors import InvalidRequest, Violation, quoted
from services.runtime.protobuf import write_time
from services.runtime.rpc.answers import Room
from services.runtime.rpc.limits import RequestChecks, check

_ACTIONS = {"post": pb.ACTION_KIND_POST, "reply": pb.ACTION_KIND_REPLY, "trade": pb.ACTION_KIND_TRADE}
TriggeredT = TypeVar("TriggeredT", pb.TriggerPostResponse, pb.TriggerReplyResponse, pb.TriggerTradeResponse)

_MAX_NOTICES = 1_000
_MAX_SHOWN_BYTES = 5 * 2**19
"""Earlier versions took personas that nobody could read. Of one that is let in never as much is kept and told."""


def read_new_persona(request: pb.CreateAgentRequest) -> dict[str, Any]:
    """Return the persona of the agent to create; what stands in it is checked by the domain."""
    check(request)
    return _as_json("persona", request.persona)


def read_new_personas(request: pb.BatchCreateAgentsRequest) -> list[dict[str, Any]]:
    """Return the personas of the agents to create; what stands in them is checked by the domain."""
    with RequestChecks(request) as checks:
        for at, given in enumerate(request.requests):
            if given.request_id:
                checks.refuse(f"requests[{at}].request_id", "must be empty: the batch has one")
    return [_as_json(f"requests[{at}].persona", given.persona) for at, given in enumerate(request.requests)]


def read_changed_persona(request: pb.UpdateAgentRequest) -> dict[str, Any]:
    """Return the persona to set; what stands in it is checked by the domain."""
    check(request)
    return _as_json("agent.persona", request.agent.persona)


def _as_json(field: str, given: Struct) -> dict[str, Any]:
    try:
        return MessageToDict(given)
    except (Error, ValueError) as error:
        # A Struct can hold what JSON can't: infinite numbers and NaN.
        raise InvalidRequest(
            [Violation(field, "must hold JSON values only, and no infinite numbers or NaN")]
        ) from error


def write_agent(agent: AgentRecord) -> pb.Agent:
    """Return an agent as it goes over the wire."""
    return pb.Agent(
        id=agent.id,
        name=agent.name,
        description=agent.description,
        is_active=agent.is_active,
        persona=_shown(agent.persona),
        unknown_fields=unknown_fields(agent.persona),
        account_id=agent.account_id,
        wallet_id=agent.wallet_id,
        create_time=write_time(agent.create_time),
        update_time=write_time(agent.update_time),
        etag=agent.etag,
        stop_time=write_time(agent.stop_time) if agent.stop_time else None,
        persona_version=agent.persona_version,
        delete_time=write_time(agent.delete_time),
    )


def write_batch(agents: Sequence[AgentRecord]) -> pb.BatchCreateAgentsResponse:
    """Return created agents; those that there isn't room for with their names alone."""
    named = [pb.Agent(id=agent.id, etag=agent.etag) for agent in agents]
    answer = pb.BatchCreateAgentsResponse()
    room = Room(pb.BatchCreateAgentsResponse(agents=named).ByteSize())
    for agent, name in zip(agents, named, strict=True):
        item = write_agent(agent)
        answer.agents.append(item if room.take(item) else name)
    return answer


def write_version(version: PersonaVersion) -> pb.PersonaVersion:
    """Return a version of a persona as it goes over the wire."""
    return pb.PersonaVersion(
        number=version.number,
        etag=version.etag,
        create_time=write_time(version.create_time),
        principal=version.principal,
        changed_fields=version.changed_paths,
        persona=_shown(redact(version.persona)),
    )


def _shown(persona: dict[str, Any]) -> Struct | None:
    """Return a persona that is stored; None when it is more than a client reads."""
    shown = Struct()
    shown.update(persona)
    return shown if shown.ByteSize() <= _MAX_SHOWN_BYTES else None


def write_status(status: Status) -> pb.GetAgentStatusResponse:
    """Return what an agent is doing as it goes over the wire."""
    response = pb.GetAgentStatusResponse(
        is_active=status.agent.is_active,
        mood=write_mood(status.mood),
        schedule=[_planned(entry) for entry in status.schedule],
        post_count=status.counts.get(ActivityKind.POST, 0),
        reply_count=status.counts.get(ActivityKind.REPLY, 0),
        trade_count=status.counts.get(ActivityKind.TRADE, 0),
        notices=itertools.islice(_notices(status), _MAX_NOTICES),
    )
    if status.agent.start_time is not None:
        response.active_duration.FromTimedelta(status.now - status.agent.start_time)
    return response


def _planned(entry: ScheduleEntry) -> pb.ScheduledAction:
    return pb.ScheduledAction(
        kind=_ACTIONS.get(entry.kind, pb.ACTION_KIND_OTHER),
        due_time=write_time(entry.due_time),
        behaviour=entry.kind,
        key=entry.key,
    )


def _notices(status: Status) -> Iterator[pb.Notice]:
    persona = status.agent.persona
    if status.lacks_provider:
        told = f"the llm service has no provider {quoted(str(persona.get('llm_provider')))}"
        yield pb.Notice(reason=pb.NOTICE_REASON_PROVIDER_NOT_FOUND, field="llm_provider", description=told)
    for path, told in broken_rules(persona).items():
        told = f"{path} {told}: the default stands in"
        yield pb.Notice(reason=pb.NOTICE_REASON_BREAKS_RULE, field=path, description=told)
    for path, told in status.not_understood.items():
        yield pb.Notice(reason=pb.NOTICE_REASON_NOT_UNDERSTOOD, field=path, description=told)
    for path, meant in unknown_fields(persona).items():
        told = f"nobody here knows {path}" + (f": did you mean {meant}?" if meant else "")
        yield pb.Notice(reason=pb.NOTICE_REASON_UNKNOWN_FIELD, field=path, description=told)
    for path, told in without_effect(persona).items():
        yield pb.Notice(reason=pb.NOTICE_REASON_NO_EFFECT, field=path, description=told)


def write_triggered(answer: TriggeredT, triggered: Triggered) -> TriggeredT:
    """Return what came of a workflow, or what it waits for, as it goes over the wire."""
    answer.workflow_id = triggered.workflow_id
    if triggered.outcome is not None:
        answer.activity.CopyFrom(write_activity(triggered.outcome))
    elif triggered.waiting is not None:
        answer.waiting.CopyFrom(write_waiting(triggered.waiting))
    else:
        answer.waiting.SetInParent()
    return answer


def write_deletion(deletion: Deletion) -> pb.DeleteAgentResponse:
    """Return how far a deletion is, as it goes over the wire."""
    waiting = deletion.waiting
    return pb.DeleteAgentResponse(is_done=waiting is None, waiting=write_waiting(waiting) if waiting else None)


def write_waiting(waiting: Waiting) -> pb.Waiting:
    """Return what is waited for as it goes over the wire."""
    return pb.Waiting(
        step=waiting.step,
        begin_time=write_time(waiting.begin_time),
        reason=waiting.reason,
        description=waiting.message,
    )
