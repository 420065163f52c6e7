"""Relationships on the wire."""

from typing import Any

from puppet.memory.v1 import relationship_service_pb2 as pb
from services.memory.domain.relationships import Interaction, NewInteraction, View
from services.runtime.protobuf import write_time
from services.runtime.rpc.limits import check


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


def read_interaction(request: pb.RecordInteractionRequest) -> NewInteraction:
    """Return what happened."""
    check(request)
    return NewInteraction(
        request.summary,
        request.sentiment_delta,
        request.familiarity_delta,
        request.trust_delta,
        request.shared_experience.strip(),
    )


def read_values(request: pb.UpdateRelationshipRequest) -> dict[str, Any]:
    """Return the fields to set, by name."""
    check(request)
    given = request.relationship
    values = {path: getattr(given, path) for path in request.update_mask.paths}
    if "shared_experiences" in values:
        values["shared_experiences"] = list(given.shared_experiences)
    return values
