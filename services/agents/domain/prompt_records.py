"""What models were asked, kept by its content: the same prompt stands there once, whoever names it."""

import hashlib
from dataclasses import replace
from datetime import datetime

from sqlmodel import DateTime, Field, SQLModel

from services.agents.domain.guard import redacted
from services.agents.domain.prompts import Exchange, Part, PromptParts
from services.runtime.columns import TypedColumn

_ID_DIGITS = 32


class PromptRecord(SQLModel, table=True):
    """A prompt, without anything that looks like a secret."""

    __tablename__ = "prompt"

    id: str = Field(primary_key=True)
    """The digest of its content."""
    parts: PromptParts = Field(sa_type=TypedColumn({"prompt": PromptParts}))
    use_time: datetime = Field(sa_type=DateTime(timezone=True), index=True)
    """When something was last written or logged that names it."""

    @classmethod
    def of(cls, prompt: PromptParts, now: datetime) -> "PromptRecord":
        """Return the record of a prompt that is used now."""
        parts = without_secrets(prompt)
        return cls(id=hashlib.sha256(repr(parts).encode()).hexdigest()[:_ID_DIGITS], parts=parts, use_time=now)


def without_secrets(prompt: PromptParts) -> PromptParts:
    """Return a prompt with `[redacted]` in place of what looks like a secret."""
    return replace(
        prompt,
        system=redacted(prompt.system),
        background=_parts(prompt.background),
        notes=_parts(prompt.notes),
        conversation=_parts(prompt.conversation),
        examples=tuple(
            Exchange(redacted(shown.input), redacted(shown.output), _parts(shown.context)) for shown in prompt.examples
        ),
        input=redacted(prompt.input),
        context=_parts(prompt.context),
    )


def _parts(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(replace(part, text=redacted(part.text)) for part in parts)
