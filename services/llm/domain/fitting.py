"""Answers that have to fit a JSON Schema."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with a text: the rule as a path in the schema, empty for what is no JSON, and words on the text."""

    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class Repair:
    """What a model wrote, and what is wrong with it."""

    wrote: str
    wrong: str


def unfenced(text: str) -> str:
    """Return what stands in a fence of Markdown, which models put around JSON; another text as it is."""
    lines = text.strip().splitlines()
    is_fenced = len(lines) > 2 and lines[0].startswith("```") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1]).strip() if is_fenced else text
