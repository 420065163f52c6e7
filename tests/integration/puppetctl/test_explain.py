"""Explanations and previews for people, on 80 columns, and for programs."""

import json
from pathlib import Path

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import explanation_pb2 as why_pb
from puppetctl.activity import acting
from puppetctl.activity.explain import Wanted, explain, preview
from tests.integration.puppetctl.conftest import World

TEXT = "I opened the gate and it said nothing, which is what gates say to everybody who asks them. " * 3
PROMPT = why_pb.Prompt(
    id="a1b2",
    system="Wren. " + TEXT,
    notes=[why_pb.PromptPart(label="You remember", text="It rained.")],
    examples=[why_pb.PromptExample(input=f"gate {number}", output="It is shut.") for number in range(5)],
    conversation=[why_pb.PromptPart(label="Otto", text="is it far\x1b[2J", is_external=True)],
    input=why_pb.PromptPart(label="to", text="is the gate shut", is_external=True),
)


@pytest.fixture
def explained() -> pb.ExplainActivityResponse:
    found = pb.ExplainActivityResponse(
        activity=log_pb.Activity(
            id="act_7",
            agent_id="wren",
            agent_name="Wren",
            kind=log_pb.ACTIVITY_KIND_POST,
            summary=TEXT,
            reason="topic: gates",
            workflow_id="post/wren/2026-11-22T12:00:00+00:00",
            mood="gentle",
            post=log_pb.PostEvent(text=TEXT, topic="gates", post_id="pst_1", network_post_id="77"),
            writing=log_pb.Writing(
                provider="local",
                model="small",
                prompt_tokens=120,
                completion_tokens=30,
                candidates=[
                    log_pb.JudgedCandidate(text=TEXT, score=0.75, is_chosen=True),
                    log_pb.JudgedCandidate(
                        text="Gates!", objections=[log_pb.Objection(rule="SHAPE", description="is too short")]
                    ),
                ],
                calls=[
                    log_pb.ModelCall(
                        purpose=log_pb.MODEL_CALL_PURPOSE_WRITE, prompt_id="a1b2", candidate_count=2, prompt_tokens=120
                    ),
                    log_pb.ModelCall(purpose=log_pb.MODEL_CALL_PURPOSE_SCREEN, candidate_count=1),
                ],
            ),
        ),
        occasion=why_pb.Occasion(trigger=log_pb.ACTIVITY_TRIGGER_SCHEDULE),
        topic_choice=why_pb.TopicChoice(
            topic="gates",
            origin=why_pb.TOPIC_ORIGIN_INTERESTS,
            options=[
                why_pb.TopicOption(topic="rain", is_recent=True),
                why_pb.TopicOption(topic="gates", weight=1, is_chosen=True),
            ],
        ),
        memories=[
            log_pb.RecalledMemory(
                memory_id="mem_1", text=TEXT, relevance=0.5, source="operator", use=log_pb.MEMORY_USE_SHOWN
            )
        ],
        prompts=[PROMPT],
        draft=why_pb.DraftDecision(draft_id="drf_1", state="carried_out", principal="operator"),
        others=[log_pb.Activity(id="act_6", summary="proposes")],
    )
    found.occasion.due_time.FromSeconds(1_795_000_000)
    return found


@pytest.fixture(autouse=True)
def _eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


async def test_an_explanation_answers_every_question_on_eighty_columns(
    world: World, explained: pb.ExplainActivityResponse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.agents.explanation = explained
    assert await explain("act_7", tmp_path, as_json=False, is_full=False) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for words in (
        "it was due by its schedule",
        "gates (from its interests)",
        "0.00 rain, posted about of late",
        "operator · shown to the model · fits 0.50",
        "local/small: 120 tokens read, 30 written, cost not told",
        "call 2 judged",
        "[SHAPE: is too short]",
        "and 3 more (--full)",
        "to: is the gate shut (somebody else's words)",
        "the model isn't shown who it is",
        "drf_1 carried out by operator",
        "post pst_1 · on the network 77",
        "act_6 proposes",
    ):
        assert words in " ".join(shown.split()), words
    assert "\x1b" not in shown


async def test_with_json_all_of_it_is_there_for_programs(
    world: World, explained: pb.ExplainActivityResponse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.agents.explanation = explained
    assert await explain("act_7", tmp_path, as_json=True, is_full=False) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompts"][0]["system"] == PROMPT.system
    assert told["activity"]["writing"]["candidates"][1]["objections"][0]["rule"] == "SHAPE"


async def test_a_preview_shows_the_whole_prompt_and_says_when_there_is_none(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.agents.preview = pb.PreviewPromptResponse(
        behaviour="reply", prompts=[PROMPT], mood=log_pb.Mood(label="gentle"), background_shown=True
    )
    assert await preview(Wanted("wren", text="is it far"), tmp_path, as_json=False) == 0
    shown = capsys.readouterr().out
    assert world.agents.calls == ["preview wren  is it far"]
    assert "gate 4 -> It is shut." in shown
    assert "isn't shown" not in shown
    world.agents.preview = pb.PreviewPromptResponse(behaviour="reflect")
    assert await preview(Wanted("wren", "reflect"), tmp_path, as_json=False) == 0
    assert "nothing would be asked" in capsys.readouterr().out


async def test_a_reply_shows_what_came_of_it(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await acting.reply("wren", "77", tmp_path) == 0
    assert world.agents.calls == ["reply wren 77"]
    assert "gates answer slowly." in capsys.readouterr().out
