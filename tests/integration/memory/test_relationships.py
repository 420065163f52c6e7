"""Relationships through the wire."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.memory.v1 import relationship_service_pb2 as pb
from tests.integration.memory.calls import Agent
from tests.support.refusals import fields_of, reason_of, refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def record(agent: Agent, counterpart: str = "nova", summary: str = "talked", **fields: Any) -> pb.Relationship:
    request = pb.RecordInteractionRequest(agent_id=agent.id, counterpart=counterpart, summary=summary, **fields)
    return (await agent.relationships.RecordInteraction(request)).relationship


async def get(agent: Agent, counterpart: str = "nova") -> pb.Relationship:
    request = pb.GetRelationshipRequest(agent_id=agent.id, counterpart=counterpart)
    return (await agent.relationships.GetRelationship(request)).relationship


async def update(agent: Agent, paths: list[str], *, allow_missing: bool = False, **values: Any) -> pb.Relationship:
    request = pb.UpdateRelationshipRequest(
        relationship=pb.Relationship(agent_id=agent.id, **{"counterpart": "nova", **values}),
        update_mask=FieldMask(paths=paths),
        allow_missing=allow_missing,
    )
    return (await agent.relationships.UpdateRelationship(request)).relationship


async def interactions(agent: Agent, page_size: int = 500) -> list[list[pb.Interaction]]:
    pages: list[list[pb.Interaction]] = []
    token = ""
    while not pages or token:
        request = pb.ListInteractionsRequest(
            agent_id=agent.id, counterpart="nova", page_size=page_size, page_token=token
        )
        listed = await agent.relationships.ListInteractions(request)
        pages.append(list(listed.interactions))
        token = listed.next_page_token
    return pages


async def test_interactions_at_once_are_all_counted(agent: Agent) -> None:
    await asyncio.gather(*(record(agent, sentiment_delta=0.1, familiarity_delta=0.05) for _ in range(20)))
    known = await get(agent)
    assert known.interaction_count == 20
    assert known.familiarity == pytest.approx(1.0)
    assert known.sentiment == 1.0, "deltas are clamped to the range"
    [listed] = await interactions(agent)
    assert len(listed) == 20
    assert sum(item.sentiment_delta for item in listed) == pytest.approx(1.0), "what was recorded is what it moved"


async def test_the_last_ten_interactions_are_shown_newest_first_and_all_of_them_by_pages(agent: Agent) -> None:
    for number in range(12):
        known = await record(agent, summary=f"talk {number}", trust_delta=-0.05)
    assert known.last_interaction == "talk 11"
    assert [item.summary for item in known.last_interactions] == [f"talk {number}" for number in range(11, 1, -1)]
    assert await get(agent) == known
    pages = await interactions(agent, 5)
    assert [len(page) for page in pages] == [5, 5, 2]
    assert [item.summary for page in pages for item in page] == [f"talk {number}" for number in range(11, -1, -1)]
    assert pages[0][0] == known.last_interactions[0]


async def test_shared_experiences_are_kept_and_can_be_set(agent: Agent) -> None:
    await record(agent, shared_experience="a storm")
    await record(agent)
    assert list((await record(agent, shared_experience=" a feast ")).shared_experiences) == ["a storm", "a feast"]
    changed = await update(agent, ["shared_experiences"], shared_experiences=["a war"])
    assert list(changed.shared_experiences) == ["a war"]
    assert list((await get(agent)).shared_experiences) == ["a war"]


async def test_relationships_are_listed_by_counterpart(agent: Agent) -> None:
    for counterpart in ("nova", "@bo", "al", "zoe"):
        await record(agent, counterpart)
    seen, token = [], ""
    while True:
        request = pb.ListRelationshipsRequest(agent_id=agent.id, page_size=3, page_token=token)
        listed = await agent.relationships.ListRelationships(request)
        seen += [item.counterpart for item in listed.relationships]
        assert all(len(item.last_interactions) == 1 for item in listed.relationships)
        if not (token := listed.next_page_token):
            break
    assert seen == ["@bo", "al", "nova", "zoe"]
    assert (await agent.stats()).relationship_count == 4


async def test_an_update_sets_only_what_the_mask_names(agent: Agent) -> None:
    changed = await update(agent, ["trust", "notes"], allow_missing=True, trust=0.5, notes="kind", sentiment=-1)
    assert (changed.trust, changed.notes, changed.sentiment) == (0.5, "kind", 0.0)


async def test_a_stale_etag_is_refused(agent: Agent) -> None:
    before = await record(agent)
    now = await record(agent)
    told = await refusal(update(agent, ["notes"], etag=before.etag, notes="late"))
    assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert (await update(agent, ["notes"], etag=now.etag, notes="in time")).notes == "in time"


async def test_a_stranger_is_not_found_and_may_be_made(agent: Agent) -> None:
    assert await reason_of(get(agent)) == "RELATIONSHIP_NOT_FOUND"
    assert await reason_of(update(agent, ["notes"], notes="who")) == "RELATIONSHIP_NOT_FOUND"
    assert await interactions(agent) == [[]]
    await update(agent, ["notes"], allow_missing=True, notes="who")
    assert (await get(agent)).notes == "who"


async def test_a_wrong_request_is_refused_with_every_field_named(agent: Agent) -> None:
    wrong = pb.RecordInteractionRequest(
        sentiment_delta=2, familiarity_delta=float("nan"), trust_delta=-2, shared_experience="x" * 1_001
    )
    assert await fields_of(agent.relationships.RecordInteraction(wrong)) == {
        "agent_id",
        "counterpart",
        "summary",
        "sentiment_delta",
        "familiarity_delta",
        "trust_delta",
        "shared_experience",
    }
    assert await fields_of(update(agent, [], counterpart="")) == {"relationship.counterpart", "update_mask"}


def change(agent_id: str, counterpart: str, *, trust: float = 0.5, **fields: Any) -> pb.UpdateRelationshipRequest:
    known = pb.Relationship(agent_id=agent_id, counterpart=counterpart, trust=trust, etag=fields.pop("etag", ""))
    mask = FieldMask(paths=["trust"])
    return pb.UpdateRelationshipRequest(relationship=known, update_mask=mask, **{"allow_missing": True, **fields})


async def update_all(
    agent: Agent, *changes: pb.UpdateRelationshipRequest, request_id: str = ""
) -> list[pb.Relationship]:
    request = pb.BatchUpdateRelationshipsRequest(requests=changes, request_id=request_id)
    return list((await agent.relationships.BatchUpdateRelationships(request)).relationships)


async def known(agent: Agent) -> dict[str, float]:
    listed = await agent.relationships.ListRelationships(pb.ListRelationshipsRequest(agent_id=agent.id))
    return {item.counterpart: item.trust for item in listed.relationships}


async def test_a_batch_sets_relationships_of_several_agents_in_its_order(agent: Agent, stranger: Agent) -> None:
    await record(agent, "otto")
    changes = [change(stranger.id, "otto"), change(agent.id, "otto", trust=-0.5), change(agent.id, "nova")]
    changed = await update_all(agent, *changes)
    assert [(item.agent_id, item.counterpart, item.trust) for item in changed] == [
        (stranger.id, "otto", 0.5),
        (agent.id, "otto", -0.5),
        (agent.id, "nova", 0.5),
    ]
    assert [item.interaction_count for item in changed] == [0, 1, 0]
    assert [len(item.last_interactions) for item in changed] == [0, 1, 0]
    assert changed[1] == await get(agent, "otto")
    assert changed[2] == await get(agent, "nova")


async def test_one_that_is_not_there_or_has_changed_is_named_and_keeps_the_whole_batch_out(agent: Agent) -> None:
    [first] = await update_all(agent, change(agent.id, "otto"))
    await update_all(agent, change(agent.id, "otto", trust=0.25))
    lacking = change(agent.id, "nobody", allow_missing=False)
    stale = change(agent.id, "otto", etag=first.etag)
    for wrong, code, reason in (
        (lacking, grpc.StatusCode.NOT_FOUND, "RELATIONSHIP_NOT_FOUND"),
        (stale, grpc.StatusCode.ABORTED, "ETAG_MISMATCH"),
    ):
        refused = await refusal(update_all(agent, change(agent.id, "nova"), wrong))
        assert (refused.code, refused.reason) == (code, reason)
        assert refused.metadata["field"] == "requests[1].relationship"
    assert await known(agent) == {"otto": 0.25}


async def test_every_violation_of_a_batch_is_named_by_its_place(agent: Agent) -> None:
    wrong = [
        change(agent.id, "nova"),
        change(agent.id, "otto", trust=2.0),
        change(agent.id, "nova"),
        change(agent.id, "", request_id="its own"),
    ]
    assert await fields_of(update_all(agent, *wrong)) == {
        "requests[1].relationship.trust",
        "requests[2].relationship",
        "requests[3].relationship.counterpart",
        "requests[3].request_id",
    }
    assert await fields_of(update_all(agent)) == {"requests"}
    many = [change(agent.id, f"x:{number}") for number in range(501)]
    assert await fields_of(update_all(agent, *many)) == {"requests"}
    assert await known(agent) == {}


async def test_interactions_and_batches_at_once_all_count(agent: Agent) -> None:
    await asyncio.gather(
        *(record(agent, "nova", familiarity_delta=0.05) for _ in range(10)),
        *(update_all(agent, change(agent.id, "otto"), change(agent.id, "nova")) for _ in range(5)),
    )
    held = await get(agent)
    assert (held.interaction_count, held.etag) == (10, "15")
    assert held.familiarity == pytest.approx(0.5)
