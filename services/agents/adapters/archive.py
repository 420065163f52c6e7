"""What an archive of an agent has of the tables, and what of them goes with the agent."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from services.agents.domain.drafts import DraftRecord
from services.agents.domain.entities import (
    Acquaintance,
    ActivityRecord,
    AgentRecord,
    ConversationCount,
    ExternalConversation,
    Hindrance,
    MentionCursor,
    MoodRecord,
    Reservation,
    ScheduleEntry,
)
from services.agents.domain.events import EventRecord, EventTarget, SeenItem
from services.agents.domain.versions import PersonaVersion
from services.runtime.idempotency import RequestRecord
from services.runtime.sql_archive import Condition, Part

_DELETING = "puppet.agents.v1.DeleteAgent"


def _own(kind: Any, numbered: str = "") -> Part:
    return Part(kind, lambda agent_id: kind.agent_id == agent_id, numbered=numbered)


def _named_events(agent_id: str) -> Any:
    return sa.select(col(EventTarget.event_id)).where(col(EventTarget.agent_id) == agent_id)


def _sole_events(agent_id: str) -> Any:
    """Select the events that name this agent and no other."""
    others = sa.select(col(EventTarget.event_id)).where(col(EventTarget.agent_id) != agent_id)
    return _named_events(agent_id).where(col(EventTarget.event_id).not_in(others))


def _heard_conversations(agent_id: str) -> Condition:
    counted = sa.select(col(ConversationCount.conversation_id)).where(col(ConversationCount.agent_id) == agent_id)
    return col(ExternalConversation.conversation_id).in_(counted)


def _requests(agent_id: str) -> Condition:
    """Return the condition for what was asked about an agent, but for its deletion, and what it has begun."""
    made, name = col(RequestRecord.resource_id), col(RequestRecord.request_id)
    logged = sa.select(col(ActivityRecord.workflow_id)).where(col(ActivityRecord.agent_id) == agent_id)
    drafts = sa.select(col(DraftRecord.id)).where(col(DraftRecord.agent_id) == agent_id)
    proposed = sa.select(col(DraftRecord.workflow_id)).where(col(DraftRecord.agent_id) == agent_id)
    events = _sole_events(agent_id)
    is_own = sa.and_(
        col(RequestRecord.principal) == "",
        sa.or_(name.in_(logged), name.in_(proposed), name.contains(f"/{agent_id}/", autoescape=True)),
    )
    is_about = sa.or_(made == agent_id, made.in_(logged), made.in_(drafts), made.in_(events))
    return sa.and_(col(RequestRecord.method) != _DELETING, sa.or_(is_own, is_about))


PARTS = (
    Part(AgentRecord, lambda agent_id: col(AgentRecord.id) == agent_id),
    _own(PersonaVersion),
    _own(ScheduleEntry),
    _own(ActivityRecord, numbered="seq"),
    _own(MoodRecord, numbered="seq"),
    _own(MentionCursor),
    _own(ConversationCount),
    _own(Reservation),
    _own(Hindrance),
    _own(Acquaintance),
    _own(DraftRecord),
    # What was heard there others have heard as well.
    Part(ExternalConversation, _heard_conversations, erased=lambda _agent_id: None, is_shared=True),
    _own(EventTarget),
    Part(
        EventRecord,
        lambda agent_id: col(EventRecord.id).in_(_named_events(agent_id)),
        erased=lambda agent_id: col(EventRecord.id).in_(_sole_events(agent_id)),
        is_shared=True,
    ),
    Part(
        SeenItem,
        lambda agent_id: col(SeenItem.event_id).in_(_named_events(agent_id)),
        erased=lambda agent_id: col(SeenItem.event_id).in_(_sole_events(agent_id)),
        is_shared=True,
    ),
    Part(RequestRecord, _requests, is_shared=True),
)
"""In the order in which they are stored."""
