"""What a persona file says about the time before: memories, what is known, old posts, and whom the character knows."""

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field, Tag, ValidationInfo, field_validator

from services.agents.domain.persona.fields import (
    BY_FORM,
    FEW,
    LISTED,
    MAX_ITEMS,
    Form,
    Number,
    Plain,
    Probability,
    Required,
    Rule,
    Section,
    Text,
    TextOr,
    Texts,
    Time,
    between,
    broken,
    one_of,
)

_MAX_NAME = 200


class MemoryKind(StrEnum):
    """The kinds of memories that the memory service has."""

    CORE = "core"
    RECENT = "recent"
    EVENT = "event"
    INTERACTION = "interaction"
    POST = "post"
    TRADE = "trade"
    RELATIONSHIP = "relationship"
    REFLECTION = "reflection"
    GENERAL = "general"


class Memory(Section):
    """Something that a character remembers."""

    content: Plain = Field(default="", max_length=8_000, description="What it remembers. Required, here or as `text`.")
    text: Plain = Field(
        default="", max_length=8_000, description="The same, where `content` isn't given.", validate_default=True
    )
    importance: Probability | None = Field(
        default=None,
        description="How much it matters, 0 to 1. Default: 0.9 for core memories, 0.7 for a plain list's, 0.6 for "
        "events, 0.4 for old posts.",
    )
    type: Annotated[Text, one_of(MemoryKind)] = Field(
        default="", description="Its kind, where that isn't the one of its list."
    )
    timestamp: Time = Field(default="", description="When it was, in ISO 8601 or in seconds since 1970.")

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str, info: ValidationInfo) -> str:
        if not text and info.data.get("content") == "":
            raise broken("is required", "content")
        return text

    @property
    def words(self) -> str:
        """What it remembers."""
        return self.content or self.text


Memories: TypeAlias = Annotated[tuple[TextOr[Memory], ...], Field(max_length=MAX_ITEMS)]

_Note: TypeAlias = Annotated[Plain, Field(max_length=2_000), Tag(Form.TEXT)]
_Notes: TypeAlias = Annotated[_Note | Annotated[Texts, Tag(Form.LIST)], BY_FORM]


class Acquaintance(Section):
    """What a character thinks of somebody."""

    sentiment: Annotated[Number, between(-1, 1)] = Field(default=0.0, description="From -1, dislike, to 1, love.")
    familiarity: Probability = Field(default=0.0, description="From 0, a stranger, to 1, an old friend.")
    trust: Annotated[Number, between(-1, 1)] = Field(default=0.0, description="From -1, distrust, to 1, trust.")
    notes: _Notes = Field(default="", description="What it knows of them, for replies to them.")


def _named(name: str) -> None:
    if not 0 < len(name.strip().removeprefix("@")) <= _MAX_NAME:
        raise ValueError(f"must be named by 1 to {_MAX_NAME} characters")


_Name: TypeAlias = Annotated[Plain, Rule(_named)]
_Person: TypeAlias = Annotated[_Note | Annotated[Acquaintance, Tag(Form.OBJECT)], BY_FORM]
_People: TypeAlias = Annotated[dict[_Name, _Person], *FEW]


class Relationships(Section):
    """Whom a character knows: notes on each, or an object that also says how well. Notes alone are familiarity 0.3."""

    other_agents: _People = Field(default={}, description="Other characters, by their ids.")
    users: _People = Field(
        default={}, description="People of the network, by their handles, each of 1 to 200 characters."
    )


_SUFFIXES = (".txt", ".text", ".md", ".markdown", ".pdf")


def _beside(path: str) -> None:
    if "\\" in path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError("must be a path below the persona's folder, with / between its parts")
    if not path.lower().endswith(_SUFFIXES):
        raise ValueError(f"must be a file of one of these kinds: {', '.join(_SUFFIXES)}")


class KnowledgeFile(Section):
    """A file that `puppetctl apply` reads beside the persona's, and stores as memories; no service opens it."""

    file: Annotated[Required, Field(max_length=255), Rule(_beside, {"examples": ["lore/island.md"]})] = Field(
        description="Its path below the persona's folder: a text, Markdown or PDF file of up to 5 MB."
    )


_Entries: TypeAlias = Annotated[tuple[TextOr[KnowledgeFile], ...], *LISTED]
_Facts: TypeAlias = Annotated[dict[str, _Entries], *FEW]


class InitialMemorySection(Section):
    """What a character is born with. It becomes memories of its operator's, of which posts and replies are made."""

    core_memories: Memories = Field(default=(), description="What has made it what it is.")
    recent_events: Memories = Field(default=(), description="What has happened of late.")
    relationships: Relationships = Field(default_factory=Relationships, description="Whom it knows.")
    knowledge_base: Annotated[Annotated[_Entries, Tag(Form.LIST)] | Annotated[_Facts, Tag(Form.OBJECT)], BY_FORM] = (
        Field(
            default=(),
            description="What it knows: a list of facts, or lists of facts by their headings. In place of a fact may "
            "stand a file beside the persona's.",
        )
    )
    tweet_history: Memories = Field(default=(), description="What it has posted before.")
