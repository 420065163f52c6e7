"""`puppetctl explain` and `preview`: why a character did something, and what a model would be asked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import explanation_pb2 as why_pb
from puppetctl.clients import opened
from puppetctl.terminal.display import open_console
from puppetctl.terminal.feed import Feed
from puppetctl.terminal.output import print_document
from puppetctl.terminal.words import moment, plain, shortened

_INDENT = 10
_MAX_TEXT = 240
_MAX_MEMORIES = 6
_MAX_CANDIDATES = 8
_MAX_OPTIONS = 12
_MAX_EXAMPLES = 2

_ORIGINS = {
    why_pb.TOPIC_ORIGIN_ASKED: "somebody asked for it",
    why_pb.TOPIC_ORIGIN_INTERESTS: "from its interests",
    why_pb.TOPIC_ORIGIN_EXAMPLES: "from what its examples are about",
    why_pb.TOPIC_ORIGIN_KEY_TERMS: "from its key terms",
    why_pb.TOPIC_ORIGIN_MEMORIES: "from what it remembers",
    why_pb.TOPIC_ORIGIN_NAME: "its name: there was nothing else",
}
_USES = {
    log_pb.MEMORY_USE_TOLD: "told of",
    log_pb.MEMORY_USE_SHOWN: "shown to the model",
    log_pb.MEMORY_USE_WEIGHED: "weighed",
    log_pb.MEMORY_USE_FOUND: "found, not shown",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a preview is of."""

    agent_id: str
    behaviour: str = ""
    text: str = ""
    counterpart_id: str = ""
    topic: str = ""


async def explain(name: str, data_dir: Path, *, as_json: bool, is_full: bool) -> int:
    """Show why something was done."""
    async with opened(data_dir) as clients:
        found = await clients.agents.ExplainActivity(pb.ExplainActivityRequest(id=name))
    if as_json:
        print_document(found)
    else:
        Page(open_console(), is_full=is_full).explanation(found)
    return 0


async def preview(wanted: Wanted, data_dir: Path, *, as_json: bool) -> int:
    """Show what a model would be asked."""
    request = pb.PreviewPromptRequest(
        agent_id=wanted.agent_id,
        behaviour=wanted.behaviour,
        text=wanted.text,
        counterpart_id=wanted.counterpart_id,
        topic=wanted.topic,
    )
    async with opened(data_dir) as clients:
        found = await clients.agents.PreviewPrompt(request)
    if as_json:
        print_document(found)
    else:
        Page(open_console(), is_full=True).preview(found)
    return 0


class Page:
    """Prints labelled lines: a label in a column of its own, and texts wrapped beside it."""

    def __init__(self, console: Console, *, is_full: bool) -> None:
        self._console = console
        self._is_full = is_full

    def explanation(self, found: pb.ExplainActivityResponse) -> None:
        """Print why something was done."""
        activity = found.activity
        self._console.print(Feed(explains=True).entry(activity))
        self._console.print()
        self._lines("when", _why_now(found))
        if found.HasField("topic_choice"):
            self._lines("topic", self._topic(found.topic_choice))
        self._lines("feels", [activity.mood])
        self._lines("memories", self._memories(found.memories))
        scores = activity.trade.scores or activity.passed.scores
        self._lines("scores", [f"{score.score:.2f}  {plain(score.symbol)}" for score in scores])
        if activity.HasField("writing"):
            self._writing(activity.writing)
        told = {call.prompt_id for call in activity.writing.calls if call.background_shown}
        for prompt in found.prompts:
            self.prompt(prompt, is_told=prompt.id in told)
        if found.HasField("draft"):
            self._lines("approval", [_decision(found.draft)])
        self._lines("effects", _effects(activity))
        self._lines("also", [f"{other.id}  {plain(other.summary)}" for other in found.others])
        self._lines("ids", [f"{activity.id} · {plain(activity.workflow_id)}"])

    def preview(self, found: pb.PreviewPromptResponse) -> None:
        """Print what a model would be asked."""
        if not found.prompts:
            self._console.print("nothing would be asked: too little has happened")
        if found.HasField("topic_choice"):
            self._lines("topic", self._topic(found.topic_choice))
        self._lines("feels", [found.mood.label])
        self._lines("memories", self._memories(found.memories))
        for prompt in found.prompts:
            self.prompt(prompt, is_told=found.background_shown)

    def _topic(self, choice: why_pb.TopicChoice) -> Iterator[str]:
        yield f"{plain(choice.topic)} ({_ORIGINS.get(choice.origin, 'nobody knows from what')})"
        options = sorted(choice.options, key=lambda option: (not option.is_chosen, -option.weight))
        for option in options[: None if self._is_full else _MAX_OPTIONS]:
            late = ", posted about of late" if option.is_recent else ""
            mark = "*" if option.is_chosen else " "
            yield f"{mark} {option.weight:.2f}  {plain(option.topic)}{late}"

    def _memories(self, memories: Iterable[log_pb.RecalledMemory]) -> Iterator[str]:
        every = list(memories)
        shown = every if self._is_full else every[:_MAX_MEMORIES]
        for memory in shown:
            fits = f" · fits {memory.relevance:.2f}" if memory.HasField("relevance") else ""
            source = f"{plain(memory.source)} · " if memory.source else ""
            yield f"“{self._cut(memory.text)}” ({source}{_USES.get(memory.use, 'used')}{fits} · {memory.memory_id})"
        if len(every) > len(shown):
            yield f"and {len(every) - len(shown)} more (--full)"

    def _writing(self, writing: log_pb.Writing) -> None:
        self._lines("wrote", _model(writing))
        self._lines("", [f"held against all: {plain(one.description)} ({one.rule})" for one in writing.objections])
        candidates = sorted(writing.candidates, key=lambda one: (not one.is_chosen, bool(one.objections), -one.score))
        shown = candidates if self._is_full else candidates[:_MAX_CANDIDATES]
        lines = [self._candidate(candidate) for candidate in shown]
        if len(candidates) > len(shown):
            lines.append(f"and {len(candidates) - len(shown)} more (--full)")
        self._lines("texts", lines)

    def _candidate(self, candidate: log_pb.JudgedCandidate) -> str:
        mark = "*" if candidate.is_chosen else "x" if candidate.objections else " "
        score = f"{candidate.score:5.2f}" if candidate.HasField("score") else "    -"
        why = "; ".join(f"{one.rule}: {plain(one.description)}" for one in candidate.objections)
        return f"{mark} {score}  {self._cut(candidate.text)}" + (f"  [{why}]" if why else "")

    def prompt(self, prompt: why_pb.Prompt, *, is_told: bool) -> None:
        """Print a prompt; `is_told` says whether the model is shown its background, notes and conversation."""
        self._lines("prompt", [prompt.id])
        self._lines("system", [self._cut(prompt.system)])
        if self._is_full:
            self._lines("who", _parts(prompt.background))
        self._lines("knows", (self._cut(line) for line in _parts(prompt.notes)))
        if not is_told:
            self._lines("", ["(the model isn't shown who it is, what it knows and what was said earlier)"])
        examples = prompt.examples if self._is_full else prompt.examples[:_MAX_EXAMPLES]
        lines = [self._cut(f"{shown.input} -> {shown.output}") for shown in examples]
        if len(prompt.examples) > len(examples):
            lines.append(f"and {len(prompt.examples) - len(examples)} more (--full)")
        self._lines("examples", lines)
        self._lines("earlier", (self._cut(line) for line in _parts(prompt.conversation)))
        self._lines("beside", (self._cut(line) for line in _parts(prompt.context)))
        self._lines("input", _parts([prompt.input]))

    def _lines(self, label: str, lines: Iterable[str]) -> None:
        """Print lines beside their label; nothing where there are none."""
        for line in lines:
            if not line:
                continue
            wrapped = Text(line).wrap(self._console, max(20, self._console.width - _INDENT))
            for part in wrapped:
                part.rstrip()
                self._console.print(Text(f"{label:<{_INDENT}}", "dim") + part)
                label = ""

    def _cut(self, text: str) -> str:
        text = plain(text)
        return text if self._is_full or len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def _why_now(found: pb.ExplainActivityResponse) -> Iterator[str]:
    occasion, activity = found.occasion, found.activity
    begun = moment(activity.create_time)
    who = f" by {plain(occasion.principal)}" if occasion.principal else ""
    yield {
        log_pb.ACTIVITY_TRIGGER_SCHEDULE: "it was due by its schedule",
        log_pb.ACTIVITY_TRIGGER_REQUEST: f"it was asked for{who}",
        log_pb.ACTIVITY_TRIGGER_MENTION: "somebody mentioned it",
        log_pb.ACTIVITY_TRIGGER_TRADE: f"it had traded, and tells of it: {plain(occasion.trade_id)}",
        log_pb.ACTIVITY_TRIGGER_EVENT: f"an event reached it: {plain(occasion.event_id)}",
    }.get(occasion.trigger, "what it was done for isn't known") + (
        f", at {moment(occasion.due_time)}, and done at {begun}"
        if occasion.HasField("due_time")
        else f"; done at {begun}"
    )
    if occasion.network_post_id:
        yield f"answers post {plain(occasion.network_post_id)}" + (
            f": “{plain(activity.reply.mention_text)}” (somebody else's words)" if activity.reply.mention_text else ""
        )


def _model(writing: log_pb.Writing) -> Iterator[str]:
    name = "/".join(plain(part) for part in (writing.provider, writing.model) if part)
    note = f" {plain(writing.provider_note)}" if writing.provider_note else ""
    cost = f"${writing.cost_usd}" if writing.cost_usd else "cost not told"
    yield f"{name or 'a model'}{note}: {_took(writing.prompt_tokens, writing.completion_tokens)}, {cost}"
    for number, call in enumerate(writing.calls, 1):
        what = "judged" if call.purpose == log_pb.MODEL_CALL_PURPOSE_SCREEN else f"wrote {call.candidate_count}"
        yield f"call {number} {what}: {_took(call.prompt_tokens, call.completion_tokens)}"


def _took(read: int, written: int) -> str:
    return f"{read} tokens read, {written} written"


def _decision(draft: why_pb.DraftDecision) -> str:
    who = f" by {plain(draft.principal)}" if draft.principal else ""
    when = f" at {moment(draft.decide_time)}" if draft.HasField("decide_time") else ""
    edited = ", with words of a person" if draft.is_edited else ""
    comment = f": {plain(draft.comment)}" if draft.comment else ""
    return f"{plain(draft.draft_id)} {draft.state.replace('_', ' ')}{who}{when}{edited}{comment}"


def _effects(activity: log_pb.Activity) -> Iterator[str]:
    said = activity.post if activity.HasField("post") else activity.reply
    if said.post_id or said.network_post_id:
        yield f"post {plain(said.post_id)} · on the network {plain(said.network_post_id)}"
    swap = activity.trade.swap
    if swap.trade_id:
        yield f"trade {plain(swap.trade_id)} · signature {shortened(plain(swap.signature))}"
    for conclusion in activity.reflection.conclusions:
        yield f"memory {plain(conclusion.memory_id)} ({plain(conclusion.source)}): {plain(conclusion.text)}"


def _parts(parts: Iterable[why_pb.PromptPart]) -> Iterator[str]:
    for part in parts:
        yield f"{plain(part.label)}: {plain(part.text)}" + (" (somebody else's words)" if part.is_external else "")
