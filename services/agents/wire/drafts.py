"""Drafts on the wire."""

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import draft_service_pb2 as pb
from services.agents.domain.drafts import DraftRecord, DraftState
from services.agents.domain.proposals import Order, PostProposal, ReplyProposal
from services.agents.domain.prose import why_proposed
from services.agents.ports.store import DraftFilter
from services.agents.wire.activities import write_memories, write_writing
from services.runtime.protobuf import write_time
from services.runtime.rpc.limits import check

_STATES = {pb.DraftState.Value(f"DRAFT_STATE_{state.name}"): state for state in DraftState}
_STATE_NUMBERS = {state: number for number, state in _STATES.items()}


def read_draft_filter(request: pb.ListDraftsRequest) -> DraftFilter:
    """Return which drafts are wanted."""
    check(request)
    return DraftFilter(list(request.agent_ids), [_STATES[number] for number in request.states])


def write_draft(draft: DraftRecord) -> pb.Draft:
    """Return a draft as it goes over the wire."""
    proposal = draft.proposal
    grounds = proposal.grounds
    written = pb.Draft(
        id=draft.id,
        agent_id=draft.agent_id,
        agent_name=draft.agent_name,
        behaviour=draft.behaviour,
        state=_STATE_NUMBERS[DraftState(draft.state)],
        summary=proposal.words,
        reason=why_proposed(proposal),
        mood=grounds.mood,
        memories=write_memories(grounds.memories),
        writing=write_writing(grounds),
        is_edited=draft.is_edited,
        comment=draft.comment,
        workflow_id=draft.workflow_id,
        create_time=write_time(draft.create_time),
        expire_time=write_time(draft.expire_time),
        decide_time=write_time(draft.decide_time),
        etag=draft.etag,
        principal=draft.principal,
    )
    match proposal:
        case PostProposal():
            written.post.CopyFrom(
                pb.DraftedPost(text=proposal.text, topic=proposal.topic, addressed_handle=proposal.addressed_handle)
            )
        case ReplyProposal():
            written.reply.CopyFrom(_reply(proposal))
        case Order():
            written.trade.CopyFrom(_trade(proposal))
    return written


def _reply(proposal: ReplyProposal) -> pb.DraftedReply:
    mention = proposal.mention
    return pb.DraftedReply(
        text=proposal.text,
        in_reply_to_network_post_id=mention.network_post_id,
        network_conversation_id=mention.conversation_id,
        to_handle=mention.author_handle,
        to_name=proposal.heard.author_name,
        mention_text=mention.text,
    )


def _trade(order: Order) -> pb.DraftedTrade:
    return pb.DraftedTrade(
        side=log_pb.SWAP_SIDE_BUY if order.is_buy else log_pb.SWAP_SIDE_SELL,
        symbol=order.symbol,
        input_mint=order.input_mint,
        output_mint=order.output_mint,
        input_amount=order.amount,
        min_output_amount=order.min_output_amount,
        reasons=order.reasons,
    )
