"""Relationships on the wire."""

from collections.abc import Sequence

from puppet.memory.v1 import relationship_service_pb2 as pb
from services.memory.domain.relationships import Change, Interaction, NewInteraction, RelationshipKey, View
from services.runtime.protobuf import write_time
from services.runtime.rpc.answers import Room
from services.runtime.rpc.limits import RequestChecks, check


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


def read_change(request: pb.UpdateRelationshipRequest) -> Change:
    """Return what is to be set of a relationship."""
    check(request)
    return _change(request, "")


def read_changes(request: pb.BatchUpdateRelationshipsRequest) -> list[Change]:
    """Return what is to be set of several relationships, each with its place."""
    first: dict[RelationshipKey, int] = {}
    with RequestChecks(request) as checks:
        for at, given in enumerate(request.requests):
            if given.request_id:
                checks.refuse(f"requests[{at}].request_id", "must be empty: the batch has one")
            key = given.relationship.agent_id, given.relationship.counterpart
            if (other := first.setdefault(key, at)) != at:
                checks.refuse(f"requests[{at}].relationship", f"is that of requests[{other}] too")
    return [_change(given, f"requests[{at}].") for at, given in enumerate(request.requests)]


def write_batch(views: Sequence[View]) -> pb.BatchUpdateRelationshipsResponse:
    """Return changed relationships; those that there isn't room for with their names alone."""
    items = [write_relationship(view) for view in views]
    named = [pb.Relationship(agent_id=one.agent_id, counterpart=one.counterpart, etag=one.etag) for one in items]
    answer = pb.BatchUpdateRelationshipsResponse()
    room = Room(pb.BatchUpdateRelationshipsResponse(relationships=named).ByteSize())
    for item, name in zip(items, named, strict=True):
        answer.relationships.append(item if room.take(item) else name)
    return answer


def _change(request: pb.UpdateRelationshipRequest, place: str) -> Change:
    given = request.relationship
    values = {path: getattr(given, path) for path in request.update_mask.paths}
    if "shared_experiences" in values:
        values["shared_experiences"] = list(given.shared_experiences)
    return Change(given.agent_id, given.counterpart, values, given.etag, request.allow_missing, place)
