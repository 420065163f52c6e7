"""Explanations and previews on the wire."""

from collections.abc import Iterable

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import explanation_pb2 as why_pb
from services.agents.domain.conversation import CALLER, Turn
from services.agents.domain.drafts import DraftRecord
from services.agents.domain.occasions import Occasion, TopicChoice, TopicOrigin
from services.agents.domain.previews import Preview, Wanted
from services.agents.domain.prompt_records import without_secrets
from services.agents.domain.prompts import Part, PromptParts
from services.agents.domain.records import Replied, Trigger
from services.agents.service.explaining import Explanation
from services.agents.wire.activities import (
    TRIGGERS,
    numbers_of,
    write_activity,
    write_memories,
    write_mood,
    write_writing,
)
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.protobuf import write_time
from services.runtime.rpc.limits import check

_MAX_PROMPT_BYTES = 2 * 2**20
_POST, _REPLY = "post", "reply"


def read_wanted(request: pb.PreviewPromptRequest) -> tuple[str, Wanted]:
    """Return of which behaviour a preview is wanted, and of what."""
    check(request)
    if request.is_caller and request.counterpart_id:
        raise InvalidRequest([Violation("counterpart_id", "can't be given with is_caller: one of them says the text")])
    if request.conversation and not request.is_caller:
        raise InvalidRequest([Violation("conversation", "needs is_caller: it is what the caller and the agent said")])
    turns = tuple(Turn("you" if turn.is_own else CALLER, turn.text, turn.is_own) for turn in request.conversation)
    wanted = Wanted(
        request.agent_id, request.text, request.counterpart_id, request.topic, is_caller=request.is_caller, turns=turns
    )
    return request.behaviour or (_REPLY if request.text else _POST), wanted


def read_post_id(request: pb.TriggerReplyRequest) -> str:
    """Return the network's id of the post to answer."""
    check(request)
    post_id = request.network_post_id
    if not (post_id.isascii() and post_id.isdigit()):
        raise InvalidRequest([Violation("network_post_id", "is no id of a post: those have digits only")])
    return post_id


def write_preview(behaviour: str, preview: Preview) -> pb.PreviewPromptResponse:
    """Return what would be asked as it goes over the wire."""
    return pb.PreviewPromptResponse(
        behaviour=behaviour,
        prompts=_fitting(_prompt("", without_secrets(prompt)) for prompt in preview.prompts),
        mood=write_mood(preview.mood),
        memories=write_memories(preview.memories),
        topic_choice=_topic(preview.topic) if preview.topic else None,
        background_shown=preview.background_shown,
    )


def write_explanation(found: Explanation) -> pb.ExplainActivityResponse:
    """Return why something was done as it goes over the wire."""
    grounds, activity = found.grounds, write_activity(found.activity)
    if not activity.HasField("writing") and (writing := write_writing(grounds)) is not None:
        activity.writing.CopyFrom(writing)
    told = {memory.memory_id for memory in grounds.memories}
    others = (memory for memory in grounds.considered if memory.memory_id not in told)
    return pb.ExplainActivityResponse(
        activity=activity,
        occasion=_occasion(found),
        topic_choice=_topic(grounds.topic) if grounds.topic else None,
        memories=write_memories((*grounds.memories, *others)),
        prompts=_fitting(_prompt(record.id, record.parts) for record in found.prompts),
        draft=_draft(found.draft) if found.draft else None,
        others=[write_activity(other) for other in found.others],
    )


def _occasion(found: Explanation) -> why_pb.Occasion:
    occasion, event = found.grounds.occasion or Occasion(), found.activity.event
    answered = event.in_reply_to if isinstance(event, Replied) else ""
    return why_pb.Occasion(
        trigger=TRIGGERS[Trigger(found.activity.trigger)],
        due_time=write_time(occasion.due_time),
        principal=occasion.principal,
        event_id=occasion.event_id,
        network_post_id=occasion.network_post_id or answered,
        trade_id=occasion.trade_id,
    )


def _topic(choice: TopicChoice) -> why_pb.TopicChoice:
    return why_pb.TopicChoice(
        topic=choice.topic,
        origin=_ORIGINS[choice.origin],
        options=[
            why_pb.TopicOption(
                topic=option.topic, weight=option.weight, is_recent=option.is_recent, is_chosen=option.is_chosen
            )
            for option in choice.options
        ],
        recent_topics=choice.recent,
    )


def _draft(draft: DraftRecord) -> why_pb.DraftDecision:
    return why_pb.DraftDecision(
        draft_id=draft.id,
        state=draft.state,
        create_time=write_time(draft.create_time),
        decide_time=write_time(draft.decide_time),
        principal=draft.principal,
        is_edited=draft.is_edited,
        comment=draft.comment,
    )


def _fitting(prompts: Iterable[why_pb.Prompt]) -> list[why_pb.Prompt]:
    """Return the first prompts, as many as a client reads."""
    found: list[why_pb.Prompt] = []
    left = _MAX_PROMPT_BYTES
    for prompt in prompts:
        left -= prompt.ByteSize()
        if left < 0:
            break
        found.append(prompt)
    return found


def _prompt(prompt_id: str, prompt: PromptParts) -> why_pb.Prompt:
    return why_pb.Prompt(
        id=prompt_id,
        system=prompt.system,
        background=_parts(prompt.background),
        notes=_parts(prompt.notes),
        examples=[
            why_pb.PromptExample(input=shown.input, output=shown.output, context=_parts(shown.context))
            for shown in prompt.examples
        ],
        conversation=_parts(prompt.conversation),
        context=_parts(prompt.context),
        input=why_pb.PromptPart(label=prompt.input_label, text=prompt.input, is_external=prompt.input_is_external),
        output_label=prompt.output_label,
        candidate_count=prompt.candidate_count,
        temperature=prompt.sampling.temperature,
        top_p=prompt.sampling.top_p,
        max_tokens=prompt.sampling.max_tokens or 0,
    )


def _parts(parts: Iterable[Part]) -> list[why_pb.PromptPart]:
    return [why_pb.PromptPart(label=part.label, text=part.text, is_external=part.is_external) for part in parts]


_ORIGINS = numbers_of(why_pb.TopicOrigin, "TOPIC_ORIGIN", TopicOrigin)
