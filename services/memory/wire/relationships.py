"""Relationships on the wire."""

from typing import Any

from puppet.memory.v1 import relationship_service_pb2 as pb
from services.memory.domain.relationships import Happening, Interaction, View
from services.runtime.checks import Checks
from services.runtime.protobuf import write_time

_RANGES = {"sentiment": (-1, 1), "familiarity": (0, 1), "trust": (-1, 1)}


def write_relationship(view: View) -> pb.Relationship:
    """Return a relationship as it goes over the wire."""
    relationship = view.relationship
    return pb.Relationship(
        agent_id=relationship.agent_id,
        counterpart=relationship.counterpart,
        sentiment=relationship.sentiment,
        familiarity=relationship.familiarity,
        trust=relationship.trust,
        notes=relationship.notes,
        interaction_count=relationship.interaction_count,
        last_interaction=relationship.last_interaction,
        last_interaction_time=write_time(relationship.last_interaction_time),
        create_time=write_time(relationship.create_time),
        update_time=write_time(relationship.update_time),
        etag=relationship.etag,
        shared_experiences=relationship.shared_experiences,
        last_interactions=[write_interaction(interaction) for interaction in view.last_interactions],
    )


def write_interaction(interaction: Interaction) -> pb.Interaction:
    """Return a recorded interaction as it goes over the wire."""
    return pb.Interaction(
        summary=interaction.summary,
        sentiment_delta=interaction.sentiment_delta,
        familiarity_delta=interaction.familiarity_delta,
        trust_delta=interaction.trust_delta,
        create_time=write_time(interaction.create_time),
    )


def check_pair(request: pb.GetRelationshipRequest | pb.ListInteractionsRequest) -> None:
    """Check a request that names one relationship."""
    with Checks() as checks:
        _pair(checks, request)


def check_agent(request: pb.ListRelationshipsRequest) -> None:
    """Check a request that names only an agent."""
    with Checks() as checks:
        checks.text("agent_id", request.agent_id, 128)


def read_happening(request: pb.RecordInteractionRequest) -> Happening:
    """Return what happened."""
    with Checks() as checks:
        _pair(checks, request)
        checks.text("summary", request.summary, 1_000)
        checks.text("shared_experience", request.shared_experience, 1_000, required=False)
        for field in ("sentiment_delta", "familiarity_delta", "trust_delta"):
            checks.number(field, getattr(request, field), -1, 1)
        checks.request_id(request.request_id)
    return Happening(
        request.summary,
        request.sentiment_delta,
        request.familiarity_delta,
        request.trust_delta,
        request.shared_experience.strip(),
    )


def read_values(request: pb.UpdateRelationshipRequest) -> dict[str, Any]:
    """Return the fields to set, by name."""
    given = request.relationship
    with Checks() as checks:
        _pair(checks, given, "relationship.")
        checks.mask("update_mask", request.update_mask.paths, {*_RANGES, "notes", "shared_experiences"})
        for field, (least, most) in _RANGES.items():
            checks.number(f"relationship.{field}", getattr(given, field), least, most)
        checks.text("relationship.notes", given.notes, 2_000, required=False)
        for at, experience in enumerate(given.shared_experiences):
            checks.text(f"relationship.shared_experiences[{at}]", experience, 1_000)
        checks.request_id(request.request_id)
    values = {path: getattr(given, path) for path in request.update_mask.paths}
    if "shared_experiences" in values:
        values["shared_experiences"] = list(given.shared_experiences)
    return values


def _pair(checks: Checks, named: Any, prefix: str = "") -> None:
    checks.text(f"{prefix}agent_id", named.agent_id, 128)
    checks.text(f"{prefix}counterpart", named.counterpart, 200)
