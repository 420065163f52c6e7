"""The formats that can be read, and what they make of a document."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anyascii import anyascii

from puppetctl.importing import elizaos, puppet, soul, tavern, zerepy
from puppetctl.importing.draft import Draft, Row
from puppetctl.importing.errors import Unreadable
from puppetctl.importing.examples import habits
from puppetctl.importing.sources import Document

_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Format:
    """How other people describe characters."""

    name: str
    title: str
    recognises: Callable[[Any], bool]
    convert: Callable[[Draft], None]


FORMATS = (
    Format("tavern", "SillyTavern card", tavern.recognises, tavern.convert),
    Format("zerepy", "ZerePy agent", zerepy.recognises, zerepy.convert),
    Format("elizaos", "elizaOS character", elizaos.recognises, elizaos.convert),
    Format("puppet", "Puppet Engine persona", puppet.recognises, puppet.convert),
    Format("soul", "SOUL.md", soul.recognises, soul.convert),
)
"""In the order in which a document is shown to them: those that name themselves first."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A character that was read: the persona, and what became of each value of its source, in the source's order."""

    label: str
    format: Format
    persona: dict[str, Any]
    rows: list[Row]
    inferred: list[str]
    """What the persona says that no value of the source does, in words."""

    @property
    def id(self) -> str:
        """The persona's id."""
        return str(self.persona["id"])


def recognise(document: Document) -> Format | None:
    """Return the format of a document, None when it is of none."""
    return next((one for one in FORMATS if one.recognises(document.content)), None)


def named(name: str) -> Format | None:
    """Return the format of this name."""
    return next((one for one in FORMATS if one.name == name), None)


def convert(document: Document, form: Format, name: str = "") -> Imported:
    """Make a persona of a document; `name` is what to call the character instead. Raises Unreadable when it is none."""
    draft = Draft(document.content, wanted_name=name, place=document.place)
    try:
        form.convert(draft)
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    rows = draft.close()
    inferred = habits(draft)
    persona = {"id": _id(name or str(draft.persona.get("id") or draft.name), document.place), **_without_id(draft)}
    return Imported(document.label, form, persona, rows, inferred)


def _without_id(draft: Draft) -> dict[str, Any]:
    return {"name": draft.name, **{name: value for name, value in draft.persona.items() if name not in ("id", "name")}}


def _id(name: str, place: str) -> str:
    """Return an id made of a name: letters, digits, `_` and `-`."""
    for said in (name, place, "character"):
        latin = re.sub(r"[^a-z0-9_]+", "-", anyascii(said).casefold()).strip("-_")
        if latin:
            return latin[:_LONGEST_ID].rstrip("-_")
    raise AssertionError("`character` is an id")
