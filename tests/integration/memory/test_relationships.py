"""Relationships through the wire."""

import asyncio

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.memory.v1 import relationship_service_pb2 as pb
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from tests.support.refusals import reason_of, refusal


def interaction(sentiment: float = 0.1) -> pb.RecordInteractionRequest:
    return pb.RecordInteractionRequest(
        agent_id="agt_a",
        counterpart="agt_b",
        summary="talked about rain",
        sentiment_delta=sentiment,
        familiarity_delta=0.05,
    )


async def test_interactions_at_once_are_all_counted(relationships: RelationshipServiceStub) -> None:
    await asyncio.gather(*(relationships.RecordInteraction(interaction()) for _ in range(20)))
    known = await relationships.GetRelationship(pb.GetRelationshipRequest(agent_id="agt_a", counterpart="agt_b"))
    assert known.relationship.interaction_count == 20
    assert known.relationship.familiarity == pytest.approx(1.0)
    assert known.relationship.sentiment == 1.0, "deltas are clamped to the range"


async def test_an_update_sets_only_what_the_mask_names(relationships: RelationshipServiceStub) -> None:
    given = pb.Relationship(agent_id="agt_a", counterpart="@vesper", trust=0.5, notes="kind", sentiment=-1)
    request = pb.UpdateRelationshipRequest(
        relationship=given, update_mask=FieldMask(paths=["trust", "notes"]), allow_missing=True
    )
    changed = (await relationships.UpdateRelationship(request)).relationship
    assert (changed.trust, changed.notes, changed.sentiment) == (0.5, "kind", 0.0)


async def test_a_stale_etag_is_refused(relationships: RelationshipServiceStub) -> None:
    before = (await relationships.RecordInteraction(interaction())).relationship
    await relationships.RecordInteraction(interaction())
    request = pb.UpdateRelationshipRequest(relationship=before, update_mask=FieldMask(paths=["notes"]))
    told = await refusal(relationships.UpdateRelationship(request))
    assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_a_stranger_is_not_found(relationships: RelationshipServiceStub) -> None:
    request = pb.GetRelationshipRequest(agent_id="agt_a", counterpart="agt_z")
    assert await reason_of(relationships.GetRelationship(request)) == "RELATIONSHIP_NOT_FOUND"
