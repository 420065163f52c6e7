"""The activity log on the wire: what is stored by name becomes an event of its kind."""

from collections.abc import Mapping
from datetime import datetime

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.entities import ActionKind, ActivityKind, ActivityRecord
from services.runtime.protobuf import write_time
from services.runtime.rpc.limits import RequestChecks, check

_KINDS = {log_pb.ActivityKind.Value(f"ACTIVITY_KIND_{kind.name}"): kind for kind in ActivityKind}
_KIND_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_SIDES = {"buy": log_pb.SWAP_SIDE_BUY, "sell": log_pb.SWAP_SIDE_SELL}
_SCORE = "score."
_CHANGES = {
    "created": log_pb.LIFECYCLE_CHANGE_CREATED,
    "started": log_pb.LIFECYCLE_CHANGE_STARTED,
    "stopped": log_pb.LIFECYCLE_CHANGE_STOPPED,
    "recovered": log_pb.LIFECYCLE_CHANGE_RECOVERED,
}


def read_activity_filter(request: pb.ListActivityRequest) -> tuple[list[str], list[ActivityKind]]:
    """Return whose and which activities are wanted."""
    check(request)
    return list(request.agent_ids), [_KINDS[number] for number in request.kinds]


def read_cursor(request: pb.WatchActivityRequest) -> int | None:
    """Return the place in the log to go on from; None is from now on."""
    cursor = request.after_cursor
    with RequestChecks(request) as checks:
        if cursor and not (cursor.isascii() and cursor.isdigit()):
            checks.refuse("after_cursor", "is not a cursor of this log")
    return int(cursor) if cursor else None


def write_activity(activity: ActivityRecord) -> log_pb.Activity:
    """Return an activity as it goes over the wire."""
    written = log_pb.Activity(
        id=f"act_{activity.seq}",
        cursor=str(activity.seq),
        agent_id=activity.agent_id,
        agent_name=activity.agent_name,
        kind=_KIND_NUMBERS[ActivityKind(activity.kind)],
        trigger=_trigger(activity),
        summary=activity.summary,
        reason=activity.reason,
        workflow_id=activity.workflow_id,
        create_time=write_time(activity.create_time),
        memories=_memories(activity.details),
    )
    _put_event(written, activity)
    return written


def _trigger(activity: ActivityRecord) -> "log_pb.ActivityTrigger.ValueType":
    """Return why a workflow was begun: its id has what it was begun for in front, and its cause at the end."""
    parts = activity.workflow_id.split("/")
    begun, cause = parts[0], parts[-1]
    if begun.endswith(ActionKind.TRADE) and cause == ActionKind.POST:
        return log_pb.ACTIVITY_TRIGGER_TRADE
    if begun.startswith("trigger-") or _change(activity) in ("created", "started", "stopped"):
        return log_pb.ACTIVITY_TRIGGER_REQUEST
    if begun == ActionKind.REPLY and cause.isdigit():
        return log_pb.ACTIVITY_TRIGGER_MENTION
    return log_pb.ACTIVITY_TRIGGER_SCHEDULE if begun in set(ActionKind) else log_pb.ACTIVITY_TRIGGER_UNSPECIFIED


def _change(activity: ActivityRecord) -> str:
    """Return what happened to an agent; version 0.1 said it in words alone."""
    if activity.kind != ActivityKind.LIFECYCLE:
        return ""
    return activity.details.get("change") or activity.summary.removeprefix("was ")


def _put_event(written: log_pb.Activity, activity: ActivityRecord) -> None:
    details = activity.details
    match activity.kind:
        case ActivityKind.LIFECYCLE:
            written.lifecycle.change = _CHANGES.get(_change(activity), log_pb.LIFECYCLE_CHANGE_UNSPECIFIED)
        case ActivityKind.POST:
            written.post.CopyFrom(_post(activity.summary, details))
        case ActivityKind.REPLY:
            written.reply.CopyFrom(_reply(activity.summary, details))
        case ActivityKind.TRADE:
            written.trade.CopyFrom(log_pb.TradeEvent(swap=_swap(details), scores=_scores(details)))
        case ActivityKind.PASS:
            written.passed.SetInParent()
        case ActivityKind.FAILURE:
            written.failure.CopyFrom(_failure(details))


def _post(text: str, details: Mapping[str, str]) -> log_pb.PostEvent:
    return log_pb.PostEvent(
        text=text,
        topic=details.get("topic", ""),
        post_id=details.get("post_id", ""),
        network_post_id=details.get("network_post_id", ""),
        addressed_handle=details.get("to", ""),
        swap=_swap(details) if "trade_id" in details else None,
    )


def _reply(text: str, details: Mapping[str, str]) -> log_pb.ReplyEvent:
    return log_pb.ReplyEvent(
        text=text,
        post_id=details.get("post_id", ""),
        network_post_id=details.get("network_post_id", ""),
        in_reply_to_network_post_id=details.get("in_reply_to", ""),
        network_conversation_id=details.get("conversation_id", ""),
        to_handle=details.get("to", ""),
        to_name=details.get("to_name", ""),
        mention_text=details.get("mention", ""),
    )


def _swap(details: Mapping[str, str]) -> log_pb.Swap:
    return log_pb.Swap(
        trade_id=details.get("trade_id", ""),
        signature=details.get("signature", ""),
        side=_SIDES.get(details.get("side", ""), log_pb.SWAP_SIDE_UNSPECIFIED),
        mint=details.get("mint", ""),
        symbol=details.get("symbol", ""),
        input_mint=details.get("input_mint", ""),
        output_mint=details.get("output_mint", ""),
        input_amount=int(details.get("input_amount") or 0),
        output_amount=int(details.get("output_amount") or 0),
    )


def _scores(details: Mapping[str, str]) -> list[log_pb.TokenScore]:
    scores = [
        log_pb.TokenScore(symbol=name.removeprefix(_SCORE), score=float(value))
        for name, value in details.items()
        if name.startswith(_SCORE)
    ]
    return sorted(scores, key=lambda item: (-item.score, item.symbol))


def _failure(details: Mapping[str, str]) -> log_pb.FailureEvent:
    retry_time = details.get("retry_time")
    return log_pb.FailureEvent(
        reason=details.get("error", ""),
        cause=details.get("cause", ""),
        retry_time=write_time(datetime.fromisoformat(retry_time)) if retry_time else None,
    )


def _memories(details: Mapping[str, str]) -> list[log_pb.RecalledMemory]:
    if not details.get("memory"):
        return []
    relevance = details.get("relevance")
    return [
        log_pb.RecalledMemory(
            memory_id=details.get("memory_id", ""),
            text=details["memory"],
            relevance=float(relevance) if relevance else None,
        )
    ]
