"""`puppetctl chat`: talk to a character to tune it. Nothing is published, remembered or counted as said to anybody.

The agents service says what a model would be asked, and the llm service asks it; what was said stays in this process.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from rich.text import Text

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import explanation_pb2 as why_pb
from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppetctl.clients import Clients, in_words, named_agents, opened
from puppetctl.terminal.display import open_console
from puppetctl.terminal.feed import Feed
from puppetctl.terminal.output import print_line
from puppetctl.terminal.progress import waiting
from puppetctl.terminal.words import plain
from services.runtime.rpc.status import Remote

_ANSWER_SECONDS = 180.0
_MAX_TURNS = 50
_ENDS = ("/quit", "/exit")
_HELP = "/why shows what the model was asked and all that it wrote, /again asks once more, /new begins anew, /quit ends"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a character says, and where it comes from."""

    text: str
    asked: str
    prompt: why_pb.Prompt
    written: llm_pb.GenerateResponse
    mood: str

    def object(self, agent_id: str) -> dict[str, object]:
        """Return what a program gets of it."""
        return {
            "agent_id": agent_id,
            "said": self.asked,
            "answer": self.text,
            "mood": self.mood,
            "provider": self.written.provider,
            "model": self.written.model,
            "prompt_tokens": self.written.usage.prompt_tokens,
            "completion_tokens": self.written.usage.completion_tokens,
        }


@dataclass(slots=True)
class Talk:
    """A conversation with one character."""

    clients: Clients
    agent: pb.Agent
    turns: list[pb.PreviewTurn] = field(default_factory=list)

    async def say(self, text: str) -> Answer:
        """Return what the character answers, and keep both for what is said next. Raises grpc's errors."""
        request = pb.PreviewPromptRequest(
            agent_id=self.agent.id, text=text, is_caller=True, conversation=self.turns[-_MAX_TURNS:]
        )
        preview = await self.clients.agents.PreviewPrompt(request, timeout=_ANSWER_SECONDS)
        [prompt] = preview.prompts
        written = await self._written(prompt)
        best = max(written.candidates, key=_fitness)
        answer = Answer(best.text, text, prompt, written, preview.mood.label)
        self.turns += [pb.PreviewTurn(text=text), pb.PreviewTurn(text=best.text or "...", is_own=True)]
        return answer

    async def again(self) -> Answer | None:
        """Return another answer to what was said last; None when nothing was."""
        if not self.turns:
            return None
        kept = list(self.turns)
        *self.turns, last, _ = kept
        try:
            return await self.say(last.text)
        except grpc.aio.AioRpcError:
            self.turns = kept
            raise

    async def _written(self, prompt: why_pb.Prompt) -> llm_pb.GenerateResponse:
        provider, model = _writer(self.agent.persona)
        request = question(self.agent.id, prompt)
        request.provider, request.model = provider, model if provider else ""
        try:
            return await self.clients.llm.Generate(request, timeout=_ANSWER_SECONDS)
        except grpc.aio.AioRpcError as error:
            # As when it posts: one whose provider isn't set up is written for by the others.
            if not provider or Remote(error).reason != "PROVIDER_NOT_FOUND":
                raise
            request.ClearField("provider")
            request.ClearField("model")
            return await self.clients.llm.Generate(request, timeout=_ANSWER_SECONDS)


def question(agent_id: str, prompt: why_pb.Prompt) -> llm_pb.GenerateRequest:
    """Return what the llm service is asked for a prompt that was shown."""
    sampling = llm_pb.Sampling(temperature=prompt.temperature)
    if prompt.top_p:
        sampling.top_p = prompt.top_p
    if prompt.max_tokens:
        sampling.max_tokens = prompt.max_tokens
    return llm_pb.GenerateRequest(
        agent_id=agent_id,
        prompt=llm_pb.Prompt(
            system=prompt.system,
            background=_parts(prompt.background) + _parts(prompt.notes),
            examples=[
                llm_pb.Example(input=shown.input, output=shown.output, context=_parts(shown.context))
                for shown in prompt.examples
            ],
            input=prompt.input.text,
            input_label=prompt.input.label,
            output_label=prompt.output_label,
            context=_parts(prompt.context),
            conversation=_parts(prompt.conversation),
        ),
        sampling=sampling,
        candidate_count=prompt.candidate_count,
        is_awaited=True,
    )


async def chat(agent_id: str, said: str, data_dir: Path, *, as_json: bool) -> int:
    """Say one thing, or talk until the input ends."""
    async with opened(data_dir) as clients:
        [agent] = await named_agents(clients, [agent_id])
        talk, show = Talk(clients, agent), _shower(agent, as_json=as_json)
        if said:
            with waiting("thinking"):
                answer = await talk.say(said)
            show(answer)
            return 0
        if sys.stdin.isatty():
            open_console(to_errors=True).print(Text(f"{agent.name} listens; nothing of this is kept. {_HELP}", "dim"))
        await _converse(talk, show)
    return 0


async def _converse(talk: Talk, show: Callable[[Answer], None]) -> None:
    last: Answer | None = None
    async for line in _lines():
        if line in _ENDS:
            return
        if line == "/new":
            talk.turns.clear()
            continue
        if line == "/why":
            _explain(last)
            continue
        try:
            with waiting("thinking"):
                answer = await (talk.again() if line == "/again" else talk.say(line))
        except grpc.aio.AioRpcError as error:
            # What was said so far is worth more than one answer.
            open_console(to_errors=True).print(Text(in_words(error), "red"))
            continue
        if answer is not None:
            show(last := answer)


async def _lines() -> AsyncIterator[str]:
    """Yield what is typed, line by line, without empty ones."""
    prompt = "you: " if sys.stdin.isatty() else ""
    while True:
        try:
            line = await asyncio.to_thread(input, prompt)
        except EOFError:
            return
        if line := line.strip():
            yield line


def _shower(agent: pb.Agent, *, as_json: bool) -> Callable[[Answer], None]:
    name, console = Feed().name(agent.id, agent.name), open_console()

    def show(answer: Answer) -> None:
        if as_json:
            print_line(answer.object(agent.id))
        else:
            console.print(Text.assemble(name, ": ", plain(answer.text or "…")))

    return show


def _explain(answer: Answer | None) -> None:
    """Show what the model was asked, and what else it wrote."""
    from puppetctl.activity.explain import Page

    if answer is None:
        return
    console = open_console()
    Page(console, is_full=True).prompt(answer.prompt, is_told=answer.written.background_shown)
    for one in answer.written.candidates:
        console.print(Text(f"{'*' if one.text == answer.text else ' '} {plain(one.text)}", "dim"))


def _writer(persona: Struct) -> tuple[str, str]:
    """Return the provider and the model that a persona names; empty where it names none."""
    said = MessageToDict(persona)
    return str(said.get("llm_provider") or ""), str((said.get("llm_config") or {}).get("model") or "")


def _fitness(candidate: llm_pb.Candidate) -> tuple[bool, float]:
    """Return by what the best is found: whole, and what the model itself holds likely."""
    return candidate.finish_reason == llm_pb.FINISH_REASON_STOP, candidate.mean_logprob


def _parts(parts: Iterable[why_pb.PromptPart]) -> list[llm_pb.Part]:
    return [llm_pb.Part(label=part.label, text=part.text) for part in parts if part.text]
