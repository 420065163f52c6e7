"""Talking to a character, what it did, and what a shell completes, at services on loopback ports."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import explanation_pb2 as why_pb
from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppetctl.__main__ import app
from puppetctl.activity.chat import question
from puppetctl.completion import agents_of, running_agents
from services.runtime.rpc.principals import PrincipalFiles
from services.runtime.rpc.registry import Registry
from tests.integration.puppetctl.conftest import World


@pytest.fixture
def odd(world: World) -> World:
    agent = pb.Agent(id="odd", name="Odd", is_active=True)
    agent.persona.update({"llm_provider": "grok", "llm_config": {"model": "grok-4"}})
    world.agents.agents["odd"] = agent
    prompt = why_pb.Prompt(
        system="You are Odd.",
        background=[why_pb.PromptPart(label="Who you are", text="A keeper.")],
        notes=[why_pb.PromptPart(label="Who writes to you", text="your maker")],
        examples=[why_pb.PromptExample(input="fog", output="fog again.")],
        input=why_pb.PromptPart(label="to", text="hello"),
        output_label="reply",
        candidate_count=3,
        temperature=0.8,
        top_p=0.9,
        max_tokens=40,
    )
    world.agents.preview = pb.PreviewPromptResponse(prompts=[prompt], mood=log_pb.Mood(label="gentle"))
    world.llm.candidates = [
        llm_pb.Candidate(text="cut o", finish_reason=llm_pb.FINISH_REASON_LENGTH, mean_logprob=-0.1),
        llm_pb.Candidate(text="no.", finish_reason=llm_pb.FINISH_REASON_STOP, mean_logprob=-2),
        llm_pb.Candidate(text="the lamp goes round.", finish_reason=llm_pb.FINISH_REASON_STOP, mean_logprob=-1),
    ]
    return world


async def run(*command: str, typed: str | None = None) -> tuple[int, str]:
    result = await asyncio.to_thread(CliRunner().invoke, app, command, input=typed)
    return result.exit_code, result.output


async def test_one_thing_is_said_and_the_best_whole_answer_is_shown(odd: World) -> None:
    assert await run("chat", "odd", "--say", "hello") == (0, "Odd: the lamp goes round.\n")
    [asked] = odd.llm.asked
    assert (asked.provider, asked.model, asked.candidate_count, asked.agent_id) == ("grok", "grok-4", 3, "odd")
    assert [part.label for part in asked.prompt.background] == ["Who you are", "Who writes to you"]
    assert odd.agents.previews[0].is_caller


async def test_what_was_said_before_goes_along_until_the_talk_begins_anew(odd: World) -> None:
    code, output = await run("chat", "odd", "--json", typed="hello\n\nand you?\n/again\n/new\nbye\n/quit\nnever\n")
    assert code == 0
    answers = [json.loads(line) for line in output.splitlines()]
    assert [one["said"] for one in answers] == ["hello", "and you?", "and you?", "bye"]
    assert answers[0]["answer"] == "the lamp goes round."
    assert [len(one.conversation) for one in odd.agents.previews] == [0, 2, 2, 0]
    assert [(turn.text, turn.is_own) for turn in odd.agents.previews[1].conversation] == [
        ("hello", False),
        ("the lamp goes round.", True),
    ]


async def test_who_asks_why_sees_the_prompt_and_all_that_was_written(odd: World) -> None:
    code, output = await run("chat", "odd", typed="/why\nhello\n/why\n")
    assert code == 0
    assert "You are Odd." in output
    assert "* the lamp goes round." in output
    assert "  no." in output


async def test_an_answer_that_fails_does_not_end_the_talk(odd: World) -> None:
    odd.llm.failures = ["PROVIDER_UNAVAILABLE"]
    code, output = await run("chat", "odd", typed="hello\nhello again\n")
    assert code == 0
    assert "PROVIDER_UNAVAILABLE" in output
    assert "Odd: the lamp goes round." in output
    assert [len(one.conversation) for one in odd.agents.previews] == [0, 0]


async def test_who_names_a_provider_that_is_not_set_up_is_written_for_by_the_others(odd: World) -> None:
    odd.llm.failures = ["PROVIDER_NOT_FOUND"]
    assert (await run("chat", "odd", "--say", "hello"))[0] == 0
    assert [(one.provider, one.model) for one in odd.llm.asked] == [("grok", "grok-4"), ("", "")]
    assert all(one.is_awaited for one in odd.llm.asked)


async def test_nobody_is_talked_to_who_is_not_there(odd: World) -> None:
    code, output = await run("chat", "nobody", "--say", "hello")
    assert code == 1
    assert output == "AGENT_NOT_FOUND: no agent 'nobody'. Next: `puppetctl agents` lists who is there\n"


def test_a_question_has_no_sampling_that_the_prompt_does_not_name() -> None:
    asked = question("odd", why_pb.Prompt(input=why_pb.PromptPart(text="hm"), temperature=0.5))
    assert not asked.sampling.HasField("top_p")
    assert not asked.sampling.HasField("max_tokens")


async def test_history_shows_the_newest_oldest_first_and_programs_get_a_line_each(odd: World) -> None:
    for number in range(5):
        odd.agents.add("odd", log_pb.ACTIVITY_KIND_POST, f"post {number}")
    code, output = await run("history", "--limit", "3")
    assert code == 0
    assert [line.strip() for line in output.splitlines() if "post" in line] == ["post 2", "post 3", "post 4"]
    code, output = await run("history", "odd", "--json", "--kind", "post", "--hours", "2")
    assert code == 0
    assert [json.loads(line)["summary"] for line in output.splitlines()] == [f"post {number}" for number in range(5)]
    asked = odd.agents.listed[-1]
    assert (list(asked.agent_ids), list(asked.kinds)) == (["odd"], [log_pb.ACTIVITY_KIND_POST])
    assert asked.HasField("start_time")


async def test_a_history_of_nothing_says_what_to_do_and_a_kind_that_is_none_is_named(odd: World) -> None:
    assert "puppetctl post" in (await run("history"))[1]
    code, output = await run("history", "--kind", "poem")
    assert code == 2
    assert "'poem'" in output


async def test_costs_are_added_up_from_the_log(odd: World) -> None:
    assert (await run("costs"))[1] == "no model has written anything yet\n"
    odd.agents.add("odd", log_pb.ACTIVITY_KIND_POST, "fog").writing.prompt_tokens = 1200
    assert "1,200" in (await run("costs"))[1]
    assert json.loads((await run("costs", "--json"))[1])["prompt_tokens"] == 1200


@pytest.mark.parametrize("command", [["agents"], ["agents", "odd"], ["versions", "odd"], ["mood", "odd"]])
async def test_what_lists_or_shows_does_so_for_programs(odd: World, command: list[str]) -> None:
    odd.agents.agents["odd"].persona_version = 1
    code, output = await run(*command, "--json")
    assert code == 0
    json.loads(output)


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_who_has_seen_enough_hears_no_complaint(odd: World, options: tuple[str, ...]) -> None:
    for number in range(200):
        odd.agents.add("odd", log_pb.ACTIVITY_KIND_POST, f"post {number} " + "x" * 1000)
    command = (sys.executable, "-m", "puppetctl", "history", "--limit", "200", *options)
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*command, **pipes)  # type: ignore[arg-type]
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdout._transport.close()  # type: ignore[attr-defined]
    assert process.stderr is not None
    assert await process.stderr.read() == b""
    assert await process.wait() == 141


async def test_a_terminal_without_their_letters_shows_them_as_it_can_and_programs_lose_none(odd: World) -> None:
    odd.agents.add("odd", log_pb.ACTIVITY_KIND_POST, "é · 灯")
    plainly = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for arguments, shown in ((("history",), "? ? ?"), (("history", "--json"), r"\u00e9 \u00b7 \u706f")):
        command = (sys.executable, "-m", "puppetctl", *arguments)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, env={**os.environ, **plainly})
        output, _ = await process.communicate()
        assert (process.returncode, shown in output.decode("ascii")) == (0, True)


async def test_a_shell_completes_the_names_of_those_who_live(
    odd: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    odd.agents.agents["olga"] = pb.Agent(id="olga")
    # The first time it loads what it asks with, for longer than a person would wait.
    assert await asyncio.to_thread(running_agents, tmp_path, 20.0) == ["odd"]


def test_where_nobody_lives_the_files_of_the_demo_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUPPET_CTL_AGENTS", f"unix:{tmp_path}/nobody.sock")
    assert running_agents(tmp_path, 5.0) == []
    (tmp_path / "a.json").write_text('{"id": "anna"}')
    (tmp_path / "b.json").write_text("no json")
    (tmp_path / "c.json").write_text("[]")
    assert agents_of(tmp_path) == ["anna"]


def test_a_shell_is_told_names_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUPPET_CTL_AGENTS", f"unix:{tmp_path}/nobody.sock")
    asking = {"_PUPPETCTL_COMPLETE": "complete_bash", "COMP_WORDS": "puppetctl post ba", "COMP_CWORD": "2"}
    result = CliRunner().invoke(app, [], env=asking, prog_name="puppetctl")
    assert result.output.split() == ["basil"]


def test_the_page_is_at_the_gateway_and_without_one_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = CliRunner().invoke(app, ["open", "--print", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "puppetctl up" in result.output
    monkeypatch.setenv("PUPPET_CTL_GATEWAY", "127.0.0.1:8080")
    files = PrincipalFiles(tmp_path / "auth")
    files.prepare(["gateway"])
    monkeypatch.delenv("PUPPET_CTL_CREDENTIAL", raising=False)
    result = CliRunner().invoke(app, ["open", "--print", "--data", str(tmp_path)])
    address, _, link = result.output.strip().partition("#link=")
    assert (result.exit_code, address) == (0, "http://127.0.0.1:8080/")
    session = Registry(files.registry).session(link, "gateway")
    assert session.link, "it is for signing in, and no token"
    opened: list[str] = []

    def browse(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    result = CliRunner().invoke(app, ["open", "--data", str(tmp_path)])
    assert result.exit_code == 0
    # What a browser is started with is seen by every user of the machine.
    [shown] = opened
    page = Path(shown.removeprefix("file://"))
    assert "#link=" not in shown
    assert "http://127.0.0.1:8080/#link=" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600


async def test_a_character_is_made_and_brought_to_life_in_one_command(odd: World, tmp_path: Path) -> None:
    token = tmp_path / "sandbox" / "x" / "admin.token"
    token.parent.mkdir(parents=True)
    token.write_text("opens the accounts")
    made = ("new", "Mara", "--post", "rain again.", "--start", "--out", str(tmp_path), "--data", str(tmp_path))
    code, output = await run(*made)
    assert code == 0, output
    assert json.loads((tmp_path / "mara.json").read_text())["post_examples"] == ["rain again."]
    assert "mara: created" in output
    assert "puppetctl chat mara" in output
    assert odd.agents.agents["mara"].is_active
    code, output = await run(*made)
    assert code == 1
    assert "--force" in output


def test_without_a_terminal_a_name_is_needed() -> None:
    result = CliRunner().invoke(app, ["new"])
    assert result.exit_code == 1
    assert "give it a name" in result.output


async def test_nothing_is_no_words_to_a_character(odd: World) -> None:
    code, output = await run("chat", "odd", "--say", " ")
    assert code == 2
    assert "there is nothing to answer" in output
