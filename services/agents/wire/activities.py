"""The activity log on the wire."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.entities import ActivityRecord
from services.agents.domain.mood import Mood
from services.agents.domain.prose import reason_of, summary_of
from services.agents.domain.records import (
    ActivityKind,
    CallPurpose,
    Drafted,
    Failed,
    Grounds,
    Lifecycle,
    LifecycleChange,
    MemoryUse,
    ModelCall,
    MoodAdjusted,
    Noticed,
    Objection,
    Passed,
    PassReason,
    Posted,
    Recalled,
    Reflected,
    Replied,
    Swap,
    Traded,
    Trigger,
)
from services.agents.ports.store import ActivityFilter
from services.runtime.protobuf import read_optional_time, write_time
from services.runtime.rpc.limits import RequestChecks, check


def read_activity_filter(request: pb.ListActivityRequest) -> ActivityFilter:
    """Return which activities are wanted."""
    check(request)
    return ActivityFilter(
        list(request.agent_ids),
        [_KINDS[number] for number in request.kinds],
        list(request.workflow_ids),
        read_optional_time(request, "start_time"),
        read_optional_time(request, "end_time"),
    )


def read_cursor(request: pb.WatchActivityRequest) -> int | None:
    """Return the place in the log to go on from; None is from now on."""
    cursor = request.after_cursor
    with RequestChecks(request) as checks:
        if cursor and not (cursor.isascii() and cursor.isdigit()):
            checks.refuse("after_cursor", "is not a cursor of this log")
    return int(cursor) if cursor else None


def write_activity(activity: ActivityRecord) -> log_pb.Activity:
    """Return an activity as it goes over the wire, its words made here."""
    event, grounds = activity.event, activity.grounds
    written = log_pb.Activity(
        id=f"act_{activity.seq}",
        # What was restored stands before everything: whoever goes on from there is told of all that happened here.
        cursor=str(max(0, activity.seq or 0)),
        agent_id=activity.agent_id,
        agent_name=activity.agent_name,
        kind=_KIND_NUMBERS[ActivityKind(activity.kind)],
        trigger=TRIGGERS[Trigger(activity.trigger)],
        behaviour=activity.behaviour,
        summary=summary_of(event, grounds, activity.behaviour),
        reason=reason_of(event, grounds),
        workflow_id=activity.workflow_id,
        create_time=write_time(activity.create_time),
        mood=grounds.mood,
        memories=write_memories(grounds.memories),
        writing=write_writing(grounds),
        unread_conversation=grounds.unread,
        is_edited=grounds.is_edited,
    )
    field, write = _EVENTS[type(event)]
    getattr(written, field).CopyFrom(write(event))
    return written


def write_mood(mood: Mood) -> log_pb.Mood:
    """Return a mood as it goes over the wire."""
    return log_pb.Mood(valence=mood.valence, arousal=mood.arousal, dominance=mood.dominance, label=mood.label)


def _lifecycle(event: Lifecycle) -> log_pb.LifecycleEvent:
    return log_pb.LifecycleEvent(change=_CHANGES[event.change], aim=event.aim, cause=event.cause)


def _trade(event: Traded) -> log_pb.TradeEvent:
    return log_pb.TradeEvent(swap=_swap(event.swap), scores=_scores(event.scores), reasons=event.reasons)


def _scores(scores: Mapping[str, float]) -> list[log_pb.TokenScore]:
    best_first = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [log_pb.TokenScore(symbol=symbol, score=score) for symbol, score in best_first]


def _passed(event: Passed) -> log_pb.PassEvent:
    return log_pb.PassEvent(
        reason=_PASS_REASONS[event.reason],
        about=event.about,
        to_name=event.whom,
        limit=event.limit,
        details=event.details,
        scores=_scores(event.scores),
    )


def _notice(event: Noticed) -> log_pb.NoticeEvent:
    return log_pb.NoticeEvent(
        event_id=event.event_id,
        text=event.text,
        is_external=event.is_external,
        link=event.link,
        mood_before=event.mood_before,
        mood_after=event.mood_after,
        is_news=event.is_news,
    )


def _mood_change(event: MoodAdjusted) -> log_pb.MoodEvent:
    return log_pb.MoodEvent(before=write_mood(event.before), after=write_mood(event.after), reason=event.reason)


def _draft(event: Drafted) -> log_pb.DraftEvent:
    return log_pb.DraftEvent(draft_id=event.draft_id, words=event.words, expire_time=write_time(event.expire_time))


def _post(event: Posted) -> log_pb.PostEvent:
    return log_pb.PostEvent(
        text=event.text,
        topic=event.topic,
        post_id=event.post_id,
        network_post_id=event.network_post_id,
        addressed_handle=event.addressed_handle,
        swap=_swap(event.swap) if event.swap else None,
        news_text=event.news_text,
    )


def _reply(event: Replied) -> log_pb.ReplyEvent:
    return log_pb.ReplyEvent(
        text=event.text,
        post_id=event.post_id,
        network_post_id=event.network_post_id,
        in_reply_to_network_post_id=event.in_reply_to,
        network_conversation_id=event.conversation_id,
        to_handle=event.to_handle,
        to_name=event.to_name,
        mention_text=event.mention_text,
    )


def _swap(swap: Swap) -> log_pb.Swap:
    return log_pb.Swap(
        trade_id=swap.trade_id,
        signature=swap.signature,
        side=log_pb.SWAP_SIDE_BUY if swap.is_buy else log_pb.SWAP_SIDE_SELL,
        mint=swap.mint,
        symbol=swap.symbol,
        input_mint=swap.input_mint,
        output_mint=swap.output_mint,
        input_amount=swap.input_amount,
        output_amount=swap.output_amount,
        ordered_amount=swap.ordered,
        portion=swap.portion,
        gain="" if swap.gain is None else f"{swap.gain:f}",
    )


def _reflection(event: Reflected) -> log_pb.ReflectionEvent:
    return log_pb.ReflectionEvent(
        conclusions=[
            log_pb.Conclusion(
                text=conclusion.text,
                source=conclusion.source,
                counterpart=conclusion.counterpart,
                memory_id=memory_id,
                evidence_memory_ids=conclusion.evidence,
            )
            for conclusion, memory_id in zip(event.conclusions, event.memory_ids, strict=True)
        ]
    )


def _failure(event: Failed) -> log_pb.FailureEvent:
    return log_pb.FailureEvent(
        reason=event.reason,
        cause=event.cause,
        retry_time=write_time(event.retry_time),
        aim=event.aim,
        to_handle=event.whom,
        description=event.message,
    )


def write_memories(memories: Iterable[Recalled]) -> list[log_pb.RecalledMemory]:
    """Return what was brought in as it goes over the wire."""
    return [
        log_pb.RecalledMemory(
            memory_id=memory.memory_id,
            text=memory.text,
            relevance=memory.relevance,
            source=memory.source,
            use=_USES[memory.use],
        )
        for memory in memories
    ]


def write_writing(grounds: Grounds) -> log_pb.Writing | None:
    """Return how words came about as it goes over the wire; None where nothing was written."""
    writing = grounds.writing
    if writing is None:
        return None
    return log_pb.Writing(
        provider=writing.provider,
        model=writing.model,
        prompt_id=writing.prompt_id,
        candidates=[
            log_pb.JudgedCandidate(
                text=item.text,
                score=item.score,
                is_chosen=item.is_chosen,
                objections=[_objection(objection) for objection in item.objections],
            )
            for item in writing.candidates
        ],
        prompt_tokens=writing.prompt_tokens,
        completion_tokens=writing.completion_tokens,
        cost_usd=writing.cost_usd,
        objections=[_objection(objection) for objection in writing.objections],
        provider_note=writing.provider_note,
        calls=[_call(call) for call in writing.calls],
    )


def _call(call: ModelCall) -> log_pb.ModelCall:
    return log_pb.ModelCall(
        purpose=_PURPOSES[call.purpose],
        provider=call.provider,
        model=call.model,
        prompt_id=call.prompt_id,
        candidate_count=call.candidates,
        prompt_tokens=call.prompt_tokens,
        completion_tokens=call.completion_tokens,
        background_shown=call.background_shown,
        cost_usd=call.cost_usd,
    )


def _objection(objection: Objection) -> log_pb.Objection:
    return log_pb.Objection(rule=objection.rule, description=objection.description)


def numbers_of(enum: Any, prefix: str, members: type[StrEnum]) -> Mapping[Any, Any]:
    """Return the numbers of an enum on the wire by the members of ours; what isn't known is UNSPECIFIED there."""
    named = {member: "UNSPECIFIED" if member.name == "UNKNOWN" else member.name for member in members}
    return {member: enum.Value(f"{prefix}_{name}") for member, name in named.items()}


_KIND_NUMBERS = numbers_of(log_pb.ActivityKind, "ACTIVITY_KIND", ActivityKind)
_KINDS = {number: kind for kind, number in _KIND_NUMBERS.items()}
_USES = numbers_of(log_pb.MemoryUse, "MEMORY_USE", MemoryUse)
_PURPOSES = numbers_of(log_pb.ModelCallPurpose, "MODEL_CALL_PURPOSE", CallPurpose)
TRIGGERS = numbers_of(log_pb.ActivityTrigger, "ACTIVITY_TRIGGER", Trigger)
_CHANGES = numbers_of(log_pb.LifecycleChange, "LIFECYCLE_CHANGE", LifecycleChange)
_PASS_REASONS = numbers_of(log_pb.PassReason, "PASS_REASON", PassReason)
_EVENTS: Mapping[type, tuple[str, Callable[[Any], Any]]] = {
    Lifecycle: ("lifecycle", _lifecycle),
    Posted: ("post", _post),
    Replied: ("reply", _reply),
    Traded: ("trade", _trade),
    Passed: ("passed", _passed),
    Failed: ("failure", _failure),
    Noticed: ("notice", _notice),
    MoodAdjusted: ("mood_change", _mood_change),
    Reflected: ("reflection", _reflection),
    Drafted: ("draft", _draft),
}
"""What each kind of event is written as: the field of an activity, and what makes it."""
