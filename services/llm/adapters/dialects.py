"""How a task is laid out for a model: the body of an OpenAI-compatible call, as plain JSON values."""

import json
from typing import Any, Protocol

from services.llm.domain import Prompt, Sampling, Task

Body = dict[str, Any]


class Dialect(Protocol):
    """A way to ask; the body leaves out the model, `n`, the seed and whether to stream."""

    @property
    def path(self) -> str:
        """The path under the base URL."""
        ...

    def body(self, task: Task) -> Body:
        """Return the body of a call."""
        ...


class ChatDialect:
    """Messages: the system's, each example as an exchange, the input."""

    path = "/chat/completions"

    def __init__(self, limit: str, logprobs: bool) -> None:
        """Take the field that limits a candidate's tokens, and whether to ask for their probabilities."""
        self._limit = limit
        self._logprobs = logprobs

    def body(self, task: Task) -> Body:
        """Return the body of a call."""
        body = {"messages": _messages(task.prompt), self._limit: task.sampling.max_tokens, **_drawing(task.sampling)}
        if task.sampling.stop:
            body["stop"] = list(task.sampling.stop)
        if self._logprobs:
            # llama.cpp adds twenty alternatives to each token unless a number is given.
            body |= {"logprobs": True, "top_logprobs": 1}
        if task.json_schema:
            schema = {"name": "answer", "strict": True, "schema": json.loads(task.json_schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body


class CompletionDialect:
    """A few-shot text that the model goes on with, up to the end of the line."""

    path = "/completions"

    def __init__(self, logprobs: bool) -> None:
        """Take whether to ask for the tokens' probabilities."""
        self._logprobs = logprobs

    def body(self, task: Task) -> Body:
        """Return the body of a call."""
        body = {
            "prompt": few_shot_text(task.prompt),
            "max_tokens": task.sampling.max_tokens,
            **_drawing(task.sampling),
            "stop": ["\n", *task.sampling.stop],
        }
        if task.sampling.repetition_penalty is not None:
            # llama.cpp's name for it.
            body["repeat_penalty"] = task.sampling.repetition_penalty
        if self._logprobs:
            body["logprobs"] = 1
        if task.json_schema:
            # llama.cpp's own field. The schema's grammar ends the text, which may have several lines.
            body |= {"json_schema": json.loads(task.json_schema), "stop": list(task.sampling.stop)}
        return body


def few_shot_text(prompt: Prompt) -> str:
    """Return the system text, a blank line, `label: text` lines for each example, and the line to go on with.

    Every input and output becomes one line: a text with line breaks could otherwise pass itself off as an example.
    """
    exchanges = [
        f"{prompt.input_label}: {_line(example.input)}\n{prompt.output_label}: {_line(example.output)}"
        for example in prompt.examples
    ]
    last = f"{prompt.input_label}: {_line(prompt.input)}\n{prompt.output_label}:"
    return "\n\n".join(part for part in (prompt.system.strip(), *exchanges, last) if part)


def _line(text: str) -> str:
    return " ".join(text.split())


def _messages(prompt: Prompt) -> list[Body]:
    messages = [{"role": "system", "content": prompt.system}] if prompt.system.strip() else []
    for example in prompt.examples:
        messages += [{"role": "user", "content": example.input}, {"role": "assistant", "content": example.output}]
    return [*messages, {"role": "user", "content": prompt.input}]


def _drawing(sampling: Sampling) -> Body:
    given = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
    }
    return {name: value for name, value in given.items() if value is not None}
