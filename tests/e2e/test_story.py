"""The story of the project, lived by the real processes: characters post, talk, remember and trade."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppetctl.suite import DEMO_SPEED, SERVICES
from tests.e2e.suite import all_end, run, started
from tests.e2e.world import STORY, assert_everything_happened_once, assert_the_story_is_told, look
from tests.support.collector import Collector, collecting

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TOUCHED = {
    "workflow PostTask": {"agents", "memory", "llm", "social"},
    "workflow ReplyTask": {"agents", "memory", "llm", "social"},
    "workflow TradeTask": {"agents", "trading"},
}
"""Which services an action of each kind reaches, when it comes to its end."""

UNTIL = ",".join(f"{name}>={least}" for name, least in STORY.least.items())
SOMEBODY_DOES = r"^\d\d:\d\d:\d\d  (↳ )?(Basil|Odd Halvorsen|Nonna Pia|Unit 7)\b"
PATIENCE_SECONDS = "400"
"""A busy machine must not make a story fail."""
AT_ONCE = {"PUPPET_LLM_PROVIDERS": "fake"}
"""Has the words written at once: most of a story's time goes by while the local model writes and is judged."""
PACE = ("--speed", str(DEMO_SPEED))


async def test_characters_post_talk_remember_and_trade_and_go_on_after_a_restart(tmp_path: Path) -> None:
    async with collecting() as collector:
        watched = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        lived = ("--until", UNTIL, "--timeout", PATIENCE_SECONDS)
        async with started(tmp_path, *PACE, *lived, environment=AT_ONCE | watched) as suite:
            assert await suite.ends() == 0, suite.said
    assert "all was seen" in suite.said
    assert_every_action_is_one_trace(collector)

    async with started(tmp_path, *PACE, environment=AT_ONCE) as suite:
        await suite.says("Data and logs")
        assert sum("unchanged" in line for line in suite.lines) == 4
        before = await look(suite)
        assert_the_story_is_told(before)
        assert_everything_happened_once(before)
        assert {agent.is_active for agent in before.agents} == {True}
        for activity in before.of_kind(log_pb.ACTIVITY_KIND_POST):
            assert activity.summary in before.memories[activity.agent_id]

        code, output = await run("up", "--data", str(tmp_path), "--ports", "auto")
        assert code == 1
        assert "is in use by another puppetctl" in output

        code, output = await run("post", "odd", "--topic", "the lamp", environment=suite.environment())
        assert code == 0, output
        assert "Odd Halvorsen" in output
        code, output = await run("agents", environment=suite.environment())
        assert code == 0, output
        assert all(agent.name in output for agent in before.agents)
        code, output = await run("doctor", "--data", str(tmp_path), environment=suite.environment())
        assert code == 0, output

        after = await look(suite)
        assert_everything_happened_once(after)
        assert len(after.activities) > len(before.activities)
        assert after.activities[: len(before.activities)] == before.activities
        assert after.timeline.keys() >= before.timeline.keys()

        processes = suite.processes()
        suite.send(signal.SIGKILL)
        assert await all_end(processes, seconds=5) == []


async def test_a_newcomer_sees_a_character_speak_in_the_words_of_the_local_model(tmp_path: Path) -> None:
    async with collecting() as collector:
        watched = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        lived = ("--until", "posts>=1", "--timeout", PATIENCE_SECONDS)
        async with started(tmp_path, *lived, environment=watched) as suite:
            assert await suite.ends() == 0, suite.said
    assert any(name.startswith("chat") for name in names_of_spans(collector))


async def test_every_service_may_be_killed_in_the_middle_of_the_story(tmp_path: Path) -> None:
    async with started(tmp_path) as suite:
        await suite.says("Data and logs")
        for name in SERVICES:
            # Between two kills somebody does something, so that each hits another part of the story.
            await suite.says(SOMEBODY_DOES, len(suite.lines))
            suite.kill(name)
            await suite.says(f"{name} was ended by SIGKILL, and is started again")
            await suite.says(f"{name} is healthy again")
        async with asyncio.timeout(float(PATIENCE_SECONDS)):
            while (world := await look(suite)).missing():
                await suite.says(SOMEBODY_DOES, len(suite.lines))
        assert_the_story_is_told(world)
        assert_everything_happened_once(world)

        processes, begun = suite.processes(), time.monotonic()
        suite.send(signal.SIGINT)
        assert await suite.ends() == 0
        assert time.monotonic() - begun < 5
        assert await all_end(processes, seconds=0) == []
    assert "Stopped after" in suite.said


async def test_a_story_that_is_not_told_in_time_says_what_is_missing(tmp_path: Path) -> None:
    code, output = await run(
        "up", "--data", str(tmp_path), "--ports", "auto", "--until", "trades>=99", "--timeout", "3"
    )
    assert code == 1
    assert "out of time" in output
    assert "trades: 0 of 99" in output


def assert_every_action_is_one_trace(collector: Collector) -> None:
    """Assert that an action is seen as a whole: what each service and third party did, under its workflow."""
    for name, services in TOUCHED.items():
        traces = collector.traces_with(name)
        assert any({service for service, _ in spans} >= services for spans in traces), name
        for spans in traces:
            ids = {span.span_id for _, span in spans}
            roots = [span.name for _, span in spans if not span.parent_span_id]
            assert set(roots) <= {name}, (name, roots)
            assert all(span.parent_span_id in ids for _, span in spans if span.parent_span_id and span.name != name)
    assert any(name.startswith("POST ") for name in names_of_spans(collector))
    assert {"puppet.activities", "puppet.schedule.lateness"} <= collector.metrics["agents"]


def names_of_spans(collector: Collector) -> set[str]:
    """Return what was done, as the spans name it."""
    return {span.name for spans in collector.traces.values() for _, span in spans}
