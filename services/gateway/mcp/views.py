"""What tools answer: what an assistant needs of a message, with the words of strangers under names of their own."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from puppet.agents.v1 import activity_pb2 as log
from puppet.agents.v1 import agent_service_pb2 as agents
from puppet.agents.v1 import draft_service_pb2 as drafts
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.memory.v1 import relationship_service_pb2 as relationships
from services.gateway.transcoding.writing import write

_OWN = frozenset({"self", "operator"})
"""Where a memory comes from that is nobody else's text."""
_MAX_SHOWN = 5
"""How many candidates of a text are shown."""


def character(agent: agents.Agent) -> dict[str, Any]:
    """Return who a character is, without its persona."""
    return {
        "id": agent.id,
        "name": agent.name,
        "description": agent.description,
        "is_active": agent.is_active,
        "has_wallet": bool(agent.wallet_id),
    }


def status(found: agents.GetAgentStatusResponse) -> dict[str, Any]:
    """Return how a character feels, what it will do, and what is wrong with it."""
    return {
        "mood": mood(found.mood),
        "schedule": [{"what": one.behaviour, "due_time": one.due_time.ToJsonString()} for one in found.schedule],
        "notices": [{"field": one.field, "says": one.description} for one in found.notices],
    }


def mood(found: log.Mood) -> dict[str, Any]:
    """Return a mood."""
    levels = {name: round(getattr(found, name), 2) for name in ("valence", "arousal", "dominance")}
    return {"label": found.label, **levels}


def activity(found: log.Activity) -> dict[str, Any]:
    """Return what happened, and why, in the words of the feed."""
    told: dict[str, Any] = {
        "id": found.id,
        "time": found.create_time.ToJsonString(),
        "character": found.agent_id,
        "kind": _short(log.ActivityKind.Name(found.kind), "ACTIVITY_KIND_"),
        "what": found.summary,
        "why": found.reason,
    }
    event = found.WhichOneof("event")
    inner = getattr(found, event) if event else None
    told |= {name: value for name in ("text", "topic", "network_post_id", "draft_id") if (value := _of(inner, name))}
    news = _of(inner, "news_text")
    if found.notice.is_external:
        # What it says of such an event is the stranger's text, too.
        told, news = told | {"what": "heard of something"}, found.notice.text
        told.pop("text", "")
    return told | _strangers(wrote=_of(inner, "mention_text"), news=news, handle=_of(inner, "to_handle"))


def explanation(found: agents.ExplainActivityResponse) -> dict[str, Any]:
    """Return why something was done: the occasion, the topic, memories, and what else was thought of."""
    writing = found.activity.writing
    return {
        **activity(found.activity),
        "occasion": _filled(found.occasion),
        "topic_choice": _filled(found.topic_choice),
        "memories": [_recalled(one) for one in found.memories],
        "written_by": f"{writing.provider}/{writing.model}" if writing.model else "",
        "candidates": [
            {
                "text": one.text,
                "is_chosen": one.is_chosen,
                "objections": [objection.description or objection.rule for objection in one.objections],
            }
            for one in writing.candidates[:_MAX_SHOWN]
        ],
        "draft": _filled(found.draft),
        "others": [activity(one) for one in found.others],
    }


def hit(found: memory.MemoryHit) -> dict[str, Any]:
    """Return a memory that was found, and what its score comes from."""
    one = found.memory
    source = _short(memory.Provenance.Name(one.provenance), "PROVENANCE_")
    told: dict[str, Any] = {
        "id": one.id,
        "kind": _short(memory.MemoryKind.Name(one.kind), "MEMORY_KIND_"),
        "source": source,
        "time": one.create_time.ToJsonString(),
        "score": round(found.score, 3),
        "parts": {name: round(value, 3) for name, value in write(found.parts).items()},
    }
    return told | _said(one.text, source)


def draft(found: drafts.Draft) -> dict[str, Any]:
    """Return what waits for a decision."""
    kind = found.WhichOneof("proposal")
    inner = getattr(found, kind) if kind else None
    return {
        "id": found.id,
        "character": found.agent_id,
        "state": _short(drafts.DraftState.Name(found.state), "DRAFT_STATE_"),
        "what": found.summary,
        "why": found.reason,
        "text": _of(inner, "text"),
        "expire_time": found.expire_time.ToJsonString(),
        "etag": found.etag,
        **_strangers(wrote=_of(inner, "mention_text"), handle=_of(inner, "to_handle")),
    }


def relationship(found: relationships.Relationship) -> dict[str, Any]:
    """Return what a character thinks of somebody."""
    told = {name: round(getattr(found, name), 2) for name in ("sentiment", "familiarity", "trust")}
    return {"counterpart": found.counterpart, **told, "notes": found.notes}


def triggered(found: Any) -> dict[str, Any]:
    """Return what came of something that a character was asked for; it may still be at it."""
    told: dict[str, Any] = {"is_done": found.HasField("activity"), "workflow_id": found.workflow_id}
    if found.HasField("activity"):
        told["activity"] = activity(found.activity)
    if found.HasField("waiting"):
        told["waits_for"] = found.waiting.description or found.waiting.step
    return told


def _recalled(found: log.RecalledMemory) -> dict[str, Any]:
    use = _short(log.MemoryUse.Name(found.use), "MEMORY_USE_")
    told: dict[str, Any] = {"memory_id": found.memory_id, "source": found.source, "use": use}
    return told | _said(found.text, found.source)


def _said(text: str, source: str) -> dict[str, Any]:
    """Return the text of a memory under the name that says whose it is; where that isn't known, a stranger's."""
    return {"text": text} if source in _OWN else _strangers(wrote=text)


def _of(message: Any, name: str) -> str:
    return str(getattr(message, name, ""))


def _strangers(**texts: str) -> dict[str, Any]:
    """Name what strangers wrote as theirs."""
    return {f"stranger_{name}": text for name, text in texts.items() if text}


def _filled(message: Message) -> dict[str, Any]:
    return {name: value for name, value in write(message).items() if value not in ("", [], {}, None)}


def _short(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower()


def page(name: str, found: Iterable[dict[str, Any]], next_page_token: str = "") -> dict[str, Any]:
    """Return a list under its name, and from where on there is more."""
    return {name: list(found)} | ({"next_page_token": next_page_token} if next_page_token else {})
