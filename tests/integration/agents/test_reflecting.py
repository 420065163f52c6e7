"""Reflection: what has been lived through becomes conclusions that name their evidence, and notes of others."""

import json
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from services.agents.domain.prompts import PromptParts
from services.agents.ports.neighbours import NewMemory, Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import OpenWith, create, log_of, next_of, until

# What differs between the databases is tested with the store, the agents and the posts.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Persona = dict[str, Any]
REFLECTION, PASS, REPLY = log_pb.ACTIVITY_KIND_REFLECTION, log_pb.ACTIVITY_KIND_PASS, log_pb.ACTIVITY_KIND_REPLY


@pytest.fixture
def busy(settings: AgentsSettings) -> AgentsSettings:
    """Return settings with which a look comes up within seconds."""
    return settings.model_copy(update={"speed": 6_000.0})


@pytest.fixture
def quiet(persona: Persona) -> Persona:
    """Return a persona that does nothing by itself but think."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 8_000, "max_hours_between_posts": 8_000}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


def concluding(prompt: PromptParts) -> str:
    about = "They bring up the ladder." if "They" in prompt.input else "I walk more than I say."
    return json.dumps({"conclusions": [{"text": about, "because": [1, 2]}]})


async def live(world: World) -> None:
    """Let Wren live through enough to think about: posts of her own, and what a stranger says."""
    for number in range(12):
        own = NewMemory(f"I walked {number} miles", "post", Source.SELF, 0.8)
        said = NewMemory(
            f"is ladder {number} there", "interaction", Source.EXTERNAL, 0.8, author="x:12", subject="gate"
        )
        await world.memory.remember("wren", own, f"own/{number}")
        await world.memory.remember("wren", said, f"said/{number}")


async def test_conclusions_are_remembered_once_with_evidence_and_the_lowest_source_of_what_was_shown(
    open_with: OpenWith, busy: AgentsSettings, world: World, quiet: Persona
) -> None:
    world.llm.judge = concluding
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(quiet))
        await live(world)
        [activity] = await next_of(agents, REFLECTION, seconds=60)
        asked = world.memory.line.calls
        await until(lambda: world.memory.line.calls >= asked + 6)
        assert await log_of(agents, REFLECTION, PASS) == [activity]
    conclusions = [memory for memory in world.memory.of("wren") if memory.evidence]
    own, note = conclusions
    assert (own.text, own.kind, own.source) == ("I walk more than I say.", "reflection", Source.SELF)
    assert (note.kind, note.source, note.author, note.subject) == ("relationship", Source.EXTERNAL, "x:12", "x:12")
    by_id = {item.id: item.memory for item in world.memory.stored.values()}
    assert [(by_id[name].kind, by_id[name].source) for name in own.evidence] == [("post", Source.SELF)] * 2
    assert {by_id[name].author for name in note.evidence} == {"x:12"}
    told = activity.reflection.conclusions
    assert [by_id[one.memory_id].text for one in told] == [own.text, note.text]
    assert not world.social.answers()
    trusted = await world.memory.trusted("wren", (), 500)
    assert own.text in {memory.text for memory in trusted}
    assert note.text not in {memory.text for memory in trusted}


async def test_a_model_that_concludes_nothing_is_not_asked_again_before_something_has_happened(
    open_with: OpenWith, busy: AgentsSettings, world: World, quiet: Persona
) -> None:
    world.llm.judge = lambda _: "I can't do that."
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(quiet))
        await live(world)
        [passed] = await next_of(agents, PASS, seconds=60)
        asked = world.memory.line.calls
        await until(lambda: world.memory.line.calls >= asked + 6)
        assert await log_of(agents, PASS, REFLECTION) == [passed]
    assert passed.passed.reason == log_pb.PASS_REASON_NO_CONCLUSION
    assert passed.summary == "concludes nothing"
    assert passed.reason == "the model's answer can't be read"
    assert not [memory for memory in world.memory.of("wren") if memory.evidence]


async def test_notes_of_a_stranger_stand_beside_their_words_and_reach_nobody_elses_answer(
    open_with: OpenWith, settings: AgentsSettings, world: World, quiet: Persona
) -> None:
    note = NewMemory(
        "They bring up the ladder.",
        "relationship",
        Source.EXTERNAL,
        author="x:id-walker",
        subject="x:id-walker",
        evidence=("mem_1",),
    )
    await world.memory.remember("wren", note, "note")
    async with open_with(settings.model_copy(update={"speed": 600.0})) as agents:
        await agents.CreateAgent(create(quiet))
        world.social.mention("wren", "walker", "@wren_handle is the terrier well?", "talk_1")
        world.social.mention("wren", "other", "@wren_handle is the ladder still there?", "talk_2")
        await next_of(agents, REPLY, number=2, seconds=60)
    asked = {prompt.input: prompt for prompt in world.llm.prompts if prompt.input_label == "to"}
    [walker] = [prompt for text, prompt in asked.items() if "terrier" in text]
    [other] = [prompt for text, prompt in asked.items() if "ladder" in text]
    assert ("noted about them", note.text) in {(part.label, part.text) for part in walker.context}
    assert note.text not in walker.portrait
    assert note.text not in repr(other)
