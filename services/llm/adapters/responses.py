"""OpenAI's Responses API: how a task is laid out for it, and its answers as those of the other dialects."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from typing_extensions import override

from services.llm.adapters.answers import Answer, Chunk
from services.llm.adapters.dialects import Body, Dialect, messages_of
from services.llm.domain.prompt import Role, Task

_ENDED = {"completed": "stop", "incomplete": "length"}
_WHY_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}
_USAGE = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}
_ENDS = frozenset({"response.completed", "response.incomplete"})


class ResponsesDialect(Dialect):
    """Instructions and a list of messages; there is no `n`, seed, penalty or stop text, and nothing is stored."""

    path = "/responses"
    shows_background = True
    takes_n: bool = False
    renames: Mapping[str, str] = {"reasoning_effort": "reasoning.effort"}
    streaming: Mapping[str, Any] = {"stream": True}

    @override
    def body(self, task: Task) -> Body:
        messages = messages_of(task)
        said = list(itertools.dropwhile(_is_system, messages))
        sampling = task.sampling
        given = {
            "instructions": "\n".join(each["content"] for each in itertools.takewhile(_is_system, messages)) or None,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
        }
        body: Body = {
            "input": [_item(message) for message in said],
            "max_output_tokens": sampling.max_tokens,
            "store": False,
            **{name: value for name, value in given.items() if value is not None},
        }
        if task.json_schema:
            schema = json.loads(task.json_schema)
            body["text.format"] = {"type": "json_schema", "name": "answer", "strict": True, "schema": schema}
        return body

    @override
    def read(self, answer: object) -> Answer:
        told = answer if isinstance(answer, Mapping) else {}
        items = [item for item in _items(told.get("output")) if item.get("type") == "message"]
        parts = [part for item in items if not _is_commentary(item) for part in _items(item.get("content"))]
        message = {"content": _joined(parts, "output_text", "text"), "refusal": _joined(parts, "refusal", "refusal")}
        if not parts and _ended(told) is None:
            raise ValueError("no answer that has ended")
        return Answer.model_validate({**_about(told), "choices": [{"message": message, "finish_reason": _ended(told)}]})

    @override
    def reader(self) -> Callable[[object], Chunk]:
        return _Events().read


class _Events:
    """Reads the events of one stream; what is said before a final answer is no part of it."""

    def __init__(self) -> None:
        self._commentary: set[Any] = set()

    def read(self, event: object) -> Chunk:
        told = event if isinstance(event, Mapping) else {}
        match told.get("type"):
            case "response.output_text.delta" if told.get("item_id") not in self._commentary:
                return _chunk(delta={"content": told.get("delta")})
            case "response.refusal.delta":
                return _chunk(delta={"refusal": told.get("delta")})
            case "response.output_item.added":
                item = told.get("item")
                if isinstance(item, Mapping) and _is_commentary(item) and isinstance(item.get("id"), str):
                    self._commentary.add(item["id"])
            case kind if kind in _ENDS:
                response = told.get("response")
                about = response if isinstance(response, Mapping) else {}
                ended = _ended({"status": str(kind).removeprefix("response."), **about})
                return Chunk.model_validate({**_about(about), "choices": [{"finish_reason": ended}]})
        return Chunk()


def _is_system(message: Mapping[str, Any]) -> bool:
    return bool(message["role"] == Role.SYSTEM.value)


def _item(message: Body) -> Body:
    """Return a message as an item of the input: what a model said before is told as its output."""
    if message["role"] != Role.ASSISTANT.value:
        return message
    return {"type": "message", **message, "content": [{"type": "output_text", "text": message["content"]}]}


def _chunk(**choice: Any) -> Chunk:
    return Chunk.model_validate({"choices": [choice]})


def _items(given: object) -> Iterator[Mapping[str, Any]]:
    return (item for item in (given if isinstance(given, list) else ()) if isinstance(item, Mapping))


def _is_commentary(item: Mapping[str, Any]) -> bool:
    return item.get("phase") == "commentary"


def _joined(parts: Sequence[Mapping[str, Any]], kind: str, field: str) -> str | None:
    texts = [text for part in parts if part.get("type") == kind and isinstance(text := part.get(field), str)]
    return "".join(texts) if texts else None


def _ended(told: Mapping[str, Any]) -> str | None:
    """Return the reason for which chat would say that it ended; None when it hasn't."""
    details = told.get("incomplete_details")
    why = _WHY_INCOMPLETE.get(str(details.get("reason"))) if isinstance(details, Mapping) else None
    return why or _ENDED.get(str(told.get("status")))


def _about(told: Mapping[str, Any]) -> dict[str, Any]:
    usage = told.get("usage")
    counts = {_USAGE.get(name, name): count for name, count in usage.items()} if isinstance(usage, Mapping) else None
    return {"model": told.get("model"), "usage": counts}
