"""Lets characters write as they do in production, and keeps what came of it."""

import random
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc

from benchmarks.character.texts import BASELINE, PIPELINE, POST, REPLY, Text
from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import explanation_pb2 as reasons_pb
from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppetctl import web
from puppetctl.characters.personas import PersonaFile
from puppetctl.characters.provision import Character
from puppetctl.clients import in_words
from puppetctl.rehearsal.asking import POST_SECONDS, Rounds, characters, post
from puppetctl.rehearsal.hosting import Host
from puppetctl.rehearsal.plan import Plan, Progress
from puppetctl.suite import SuiteError

MENTIONS: Sequence[str] = tomllib.loads(Path(__file__).with_name("mentions.toml").read_text("utf-8"))["mentions"]
_ROUNDS_A_POST = 2
"""So often is asked for each post that is wanted, before it is enough."""


class Run:
    """A run under way."""

    def __init__(
        self,
        host: Host,
        plan: Plan,
        replies: int,
        texts: list[Text],
        progress: Progress,
        written: Callable[[], object],
        *,
        has_baseline: bool,
    ) -> None:
        """Take how many mentions each character is to answer, and whether the bare model writes as well.

        What comes of it is added to `texts`; `written` is called whenever a character has written all of its own.
        """
        self._texts = texts
        self._written = written
        self._host = host
        self._plan = plan
        self._replies = replies
        self._progress = progress
        self._has_baseline = has_baseline

    async def work(self) -> None:
        """Let one character after the other write: its prompt stays in the model's cache. Raises SuiteError."""
        await self._host.ready()
        made = await characters(self._host, self._plan.personas, self._plan.provider)
        for file, one in zip(self._plan.personas, made, strict=True):
            await self._posts(file, one)
            await self._answers(file, one)
            self._written()

    async def _posts(self, file: PersonaFile, one: Character) -> None:
        rounds, wanted = Rounds(), self._plan.posts or 1
        while rounds.posts < wanted and rounds.asked < _ROUNDS_A_POST * wanted:
            name = f"character-{self._plan.seed}-{one.id}-{rounds.asked}"
            if self._has_baseline:
                await self._bare(file, POST, pb.PreviewPromptRequest(agent_id=one.id), name)
            begun = rounds.seconds
            activity = await post(self._host.clients, one.id, name, rounds)
            self._keep(file, POST, activity, "", rounds.seconds - begun)
            self._progress(f"{one.name}: {rounds.posts} posts, asked {rounds.asked} times")

    async def _answers(self, file: PersonaFile, one: Character) -> None:
        seed, token = self._plan.seed, self._host.x_token
        heard = random.Random(f"{seed}/{one.id}").sample(MENTIONS, min(self._replies, len(MENTIONS)))
        for number, said in enumerate(heard):
            name = f"character-{seed}-{one.id}-to-{number}"
            if self._has_baseline:
                await self._bare(file, REPLY, pb.PreviewPromptRequest(agent_id=one.id, text=said), name)
            # Each is somebody else, as in life: nobody is known from before.
            who = {"username": f"reader_{number}", "name": f"Reader {number}"}
            await web.post(f"http://{self._host.x}/_sandbox/accounts", who, token=token)
            said_there = {"username": who["username"], "text": f"@{one.handle} {said}"}
            mention = await web.post(f"http://{self._host.x}/_sandbox/posts", said_there, token=token)
            begun = time.monotonic()
            request = pb.TriggerReplyRequest(agent_id=one.id, network_post_id=str(mention["id"]), request_id=name)
            try:
                answer = await self._host.clients.agents.TriggerReply(request, timeout=POST_SECONDS)
            except grpc.aio.AioRpcError as error:
                raise SuiteError(f"{one.id} can't answer: {in_words(error)}") from None
            if not answer.HasField("activity"):
                raise SuiteError(f"{one.id} had not answered after {POST_SECONDS:.0f} s: the model is too slow")
            self._keep(file, REPLY, answer.activity, said, time.monotonic() - begun)
            self._progress(f"{one.name}: answered {number + 1} of {len(heard)}")

    def _keep(self, file: PersonaFile, kind: str, activity: log_pb.Activity, about: str, seconds: float) -> None:
        is_said = activity.kind in (log_pb.ACTIVITY_KIND_POST, log_pb.ACTIVITY_KIND_REPLY)
        text = activity.reply.text if kind == REPLY else activity.post.text
        used = activity.writing
        self._texts.append(
            Text(
                source=PIPELINE,
                kind=kind,
                author=file.id,
                about=about or activity.post.topic or activity.passed.about,
                text=text if is_said else "",
                seconds=round(seconds, 3),
                prompt_tokens=used.prompt_tokens,
                completion_tokens=used.completion_tokens,
                why="" if is_said else activity.reason or activity.summary,
            )
        )

    async def _bare(self, file: PersonaFile, kind: str, wanted: pb.PreviewPromptRequest, name: str) -> None:
        """Keep the model's first answer to the prompt that the pipeline would ask with."""
        begun = time.monotonic()
        try:
            preview = await self._host.clients.agents.PreviewPrompt(wanted)
            [prompt] = preview.prompts
            request = bare_request(prompt, self._plan.provider, random.Random(name).getrandbits(31))
            answer = await self._host.clients.llm.Generate(request, timeout=POST_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise SuiteError(f"the model without the pipeline: {in_words(error)}") from None
        self._texts.append(
            Text(
                source=BASELINE,
                kind=kind,
                author=file.id,
                about=prompt.input.text,
                text=" ".join(answer.candidates[0].text.split()),
                seconds=round(time.monotonic() - begun, 3),
                prompt_tokens=answer.usage.prompt_tokens,
                completion_tokens=answer.usage.completion_tokens,
            )
        )


def bare_request(prompt: reasons_pb.Prompt, provider: str, seed: int) -> llm_pb.GenerateRequest:
    """Return what asks for a single candidate of a prompt, with everything that is in it."""

    def parts(given: Sequence[reasons_pb.PromptPart]) -> list[llm_pb.Part]:
        return [llm_pb.Part(label=one.label, text=one.text) for one in given]

    return llm_pb.GenerateRequest(
        provider=provider,
        prompt=llm_pb.Prompt(
            system=prompt.system,
            background=parts([*prompt.background, *prompt.notes]),
            examples=[
                llm_pb.Example(input=one.input, output=one.output, context=parts(one.context))
                for one in prompt.examples
            ],
            input=prompt.input.text,
            input_label=prompt.input.label,
            output_label=prompt.output_label,
            context=parts(prompt.context),
            conversation=parts(prompt.conversation),
        ),
        sampling=llm_pb.Sampling(
            temperature=prompt.temperature, top_p=prompt.top_p, max_tokens=prompt.max_tokens or None, seed=seed
        ),
    )


def personas_by_id(files: Sequence[PersonaFile]) -> dict[str, Mapping[str, Any]]:
    """Return the personas, by their ids."""
    return {file.id: file.persona for file in files}
