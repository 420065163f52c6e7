"""What models put around a post: it is taken off where it is plain what the post is, and else there is a doubt.

Everything here goes by the structure of what was written, so it is the same in every language: paragraphs, list items,
labels before a colon, quotation marks, JSON, Markdown.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.agents.domain.guard.voice import is_whole, voice
from services.agents.domain.persona import Capitalization, Persona

LABELS = "topic|post|reply|trade|input|output|system|memory|remembers?|user|assistant|tweet|answer|caption"
_OWN_LABELS = frozenset(("post", "reply", "tweet", "answer", "output", "text", "caption", "content", "message"))
"""What the prompt and the interfaces of models call a post."""

_BOLD_LABEL = re.compile(r"(\*\*|__)([^*_:\uff1a\n]{1,30})(?:[:\uff1a]\1|\1[:\uff1a])\s*")
_BULLET = re.compile(r"(?:[-*+>\u2013\u2014]\s+|[\u2022\u2023\u25e6\u25aa\u25cf\u30fb]\s*)")
_NUMBER = re.compile(r"(?:\(?\d{1,2}[.)\uff0e\uff09\u3001]|\d{1,2}/\d{0,2}|[\u2460-\u2473])\s*")
_RULE = re.compile(r"[-*_=~\u2014\u2500]{3,}|(?:[-*_] ){2,}[-*_]")
_HEADING = re.compile(r"#{1,6} ")
_FENCE = "```"
_AROUND = ("***", "**", "__", "~~", "*", "_", "`")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)([^*_~\n]{1,300})(?<=\S)\1")
_LIGHT = re.compile(r"(?<![\w*])([*_\uff0a])([^\s*_\uff0a](?:[^*_\uff0a\n]{0,80}[^\s*_\uff0a])?)\1(?![A-Za-z0-9*])")
_ASIDE = re.compile(r"[(\uff08]([^()\uff08\uff09]{1,40})[)\uff09]\s*(?=\S)")
_LAST_ASIDE = re.compile(r"[(\[\uff08\u3010]([^()\[\]\uff08\uff09\u3010\u3011]{1,200})[)\]\uff09\u3011]$")
_COUNT = re.compile(r"~?\d[\d\s/,.]{0,12}\s?\w{0,20}")
_HANDLES = re.compile(r"(?:[@\uff20]\w{1,15}[ ,:\u3001\uff0c\uff1a]{0,3})+", re.ASCII)
_SIGNS = """
" " ' ' \uff02 \uff02 \u2018 \u2019 \u201c \u201d \u201d \u201d \u201e \u201c\u201d \u201a \u2018\u2019
\u00ab \u00bb \u00bb \u00ab \u2039 \u203a \u300c \u300d \u300e \u300f \u300a \u300b \u301d \u301e\u301f
"""
_QUOTES = dict(zip(_SIGNS.split()[::2], _SIGNS.split()[1::2], strict=True))
"""What closes what each quotation mark opens."""
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,80}>|[\u25c1\u25b7]")
_LAYERS = 8
_MAX_LABEL, _MAX_LABEL_WORDS = 30, 3
_COLONS = ":\uff1a"


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A post, and why it is not plain that this is the post; empty when it is."""

    text: str
    doubt: str = ""


def unwrap(text: str, persona: Persona) -> Unwrapped:
    """Return the post in what a model wrote: of several the first."""
    if _TAG.search(text):
        # What a tag is around may be thoughts as well as the post.
        return Unwrapped(text, "contains a label or markup")
    wrapping = _Wrapping(persona)
    found = Unwrapped(text.strip())
    for _ in range(_LAYERS):
        before = found
        found = wrapping.taken_off(before.text)
        if found.doubt or found == before:
            break
    return found


class _Wrapping:
    """Takes off what is around the posts of one character."""

    def __init__(self, persona: Persona) -> None:
        self._is_lowercase = persona.style.capitalization is Capitalization.LOWERCASE
        examples = voice(persona)
        self._manners = {label.casefold() for example in examples if (label := _label(example))}
        self._acts = any("*" in example for example in examples)
        self._asides = any(_ASIDE.match(example) for example in examples)
        names = (persona.name, persona.id, *(part for part in persona.name.split() if len(part) > 1))
        self._names = frozenset(name.casefold() for name in names)

    def taken_off(self, text: str) -> Unwrapped:
        """Return a text without the outermost layer of what is around it."""
        text = _from_json(_from_fence(text)).strip()
        chosen = self._chosen(text)
        if chosen.doubt:
            return chosen
        text = self._unlabelled(chosen.text)
        text = self._unsigned(_without_last_aside(_unquoted(_unmarked(text))))
        text = self._unaddressed(text)
        if self._acts:
            return Unwrapped(text)
        if not self._asides and (aside := _ASIDE.match(text)) and _is_stage(aside[1], text, aside.end()):
            return Unwrapped(text, "has a stage direction")
        return _unemphasised(text)

    def _chosen(self, text: str) -> Unwrapped:
        """Return the first of several posts, without what introduces it and what is noted behind it."""
        blocks = _blocks(text)
        lines = [line for block in blocks for line in block]
        if len(lines) < 2:
            return Unwrapped(_unlisted(lines[0]))
        if any(_labels_in_row(lines)):
            return Unwrapped(" ".join(lines), "offers several to choose from")
        while len(blocks) > 1 and _introduces(blocks[0][-1]):
            blocks.pop(0)
        marked = [block[0] for block in blocks if len(block) == 1 and _is_marked(block[0])]
        if len(marked) == 1:
            return Unwrapped(marked[0])
        block = blocks[0]
        if len(block) > 1 and _introduces(block[0]):
            block = block[1:]
        items = _items(block) or _items([line for one in blocks for line in one])
        if items:
            return Unwrapped(items[0])
        return self._first(block, has_more=len(blocks) > 1)

    def _first(self, block: list[str], *, has_more: bool) -> Unwrapped:
        """Return the post of a paragraph: up to a labelled line, or the one that is labelled as a post."""
        labels = [self._foreign_label(line) for line in block]
        posts = [line for line, label in zip(block, labels, strict=True) if label in _OWN_LABELS]
        if len(posts) == 1:
            return Unwrapped(posts[0])
        if labels[0] and (len(block) > 1 or has_more):
            return Unwrapped(" ".join(block), "is labelled, and it is not plain as what")
        notes = [place for place, label in enumerate(labels) if place and label and is_whole(block[place - 1])]
        return Unwrapped(" ".join(block[: notes[0]] if notes else block))

    def _foreign_label(self, line: str) -> str:
        """Return a line's label in lower case; empty when there is none, or the character speaks so."""
        label = _label(line).casefold()
        return "" if label in self._manners or label in self._names else label

    def _unlabelled(self, text: str) -> str:
        if bold := _BOLD_LABEL.match(text):
            return text[bold.end() :]
        label = _label(text)
        bare = re.sub(r"[\s\d]{1,9}$", "", label.split("(")[0]).strip(" @*_").casefold()
        if bare in self._names or (bare in _OWN_LABELS and bare not in self._manners):
            return text[text.index(label) + len(label) + 1 :].strip()
        return text

    def _unsigned(self, text: str) -> str:
        before, dash, name = text.rpartition("\u2014" if "\u2014" in text[-40:] else "-")
        is_signed = dash and name.strip(" @*_").casefold() in self._names and is_whole(before.strip(' -\u2014"\u201d'))
        return before.strip(" -\u2014") if is_signed else text

    def _unaddressed(self, text: str) -> str:
        """Return a text without the handles in front, unless they are a part of its first sentence."""
        found = _HANDLES.match(text)
        if not found or not (rest := text[found.end() :].strip()):
            return text
        is_apart = found[0].rstrip(" ")[-1] in ",:\u3001\uff0c\uff1a"
        return rest if is_apart or self._is_lowercase or not rest[0].islower() else text


def _blocks(text: str) -> list[list[str]]:
    """Return the paragraphs of a text, each as its lines; headings and rules only part them."""
    blocks: list[list[str]] = [[]]
    for line in map(str.strip, text.splitlines()):
        if not line or _RULE.fullmatch(line) or _HEADING.match(line):
            blocks.append([])
        else:
            blocks[-1].append(line)
    return [block for block in blocks if block] or [[text]]


def _introduces(line: str) -> bool:
    return line.rstrip("*_ ").endswith((":", "\uff1a"))


def _is_marked(line: str) -> bool:
    """Say whether quotation marks or Markdown around a line set it apart from what is said about it."""
    return _unquoted(_unmarked(line)) != line


def _label(line: str) -> str:
    """Return the few words before a colon that a line begins with; empty when there are none."""
    head = line.lstrip("*_@")[: _MAX_LABEL + 2]
    end = min((place for sign in _COLONS if (place := head.find(sign)) > 0), default=0)
    label, behind = head[:end], head[end + 1 : end + 2]
    # What an ASCII sign follows is a time or a link.
    is_apart = not behind or behind.isspace() or not behind.isascii()
    is_label = label[:1].isalnum() and not any(sign in label for sign in ".!?")
    return label if is_apart and is_label and len(label.split()) <= _MAX_LABEL_WORDS else ""


def _labels_in_row(lines: list[str]) -> Iterator[str]:
    """Yield the words that number more than one line, such as `Option`."""
    words = [word for line in lines if (word := _numbered(_label(_unlisted(line)).strip()))]
    return (word for word in words if words.count(word) > 1)


def _numbered(label: str) -> str:
    """Return the word of a label that ends in a number or in one capital letter, such as `Option 1`."""
    word = label.rstrip("0123456789") if label[-1:].isdigit() else label[:-1] if label[-1:].isupper() else ""
    return "" if " " in word.strip() else word.strip()


def _items(lines: list[str]) -> list[str]:
    """Return the items of a list, without their marks; empty when the lines, or those behind the first, are none."""
    for some in (lines, lines[1:]):
        if len(some) < 2:
            continue
        if all(_BULLET.match(line) for line in some):
            return [_BULLET.sub("", line, count=1) for line in some]
        if all(_NUMBER.match(line) for line in some):
            return [_NUMBER.sub("", line, count=1) for line in some]
    return []


def _unlisted(text: str) -> str:
    return _BULLET.sub("", text, count=1) if _BULLET.match(text) else text


def _from_fence(text: str) -> str:
    parts = text.split(_FENCE)
    if len(parts) != 3:
        return text
    language, newline, code = parts[1].partition("\n")
    return code if newline and " " not in language.strip() else parts[1]


def _from_json(text: str) -> str:
    """Return the text that JSON holds, or a pair of it; as it is when that isn't plain."""
    if not text.startswith(('"', "{", "[")):
        return text
    try:
        value, _ = json.JSONDecoder().raw_decode(f"{{{text.rstrip(',')}}}" if text.startswith('"') else text)
    except (ValueError, RecursionError):
        return text
    return _post_in(value) or text


def _post_in(value: Any) -> str:
    match value:
        case str(text):
            return text
        case [first, *_]:
            return _post_in(first)
        case dict():
            named = [held for key, held in value.items() if key.casefold() in _OWN_LABELS]
            spoken = [held for held in value.values() if isinstance(held, str)]
            among = named if len(named) == 1 else spoken or list(value.values())
            return _post_in(among[0]) if len(among) == 1 else ""
    return ""


def _unmarked(text: str) -> str:
    """Return a text without the Markdown around it."""
    for mark in _AROUND:
        inner = text[len(mark) : -len(mark)]
        if text.startswith(mark) and text.endswith(mark) and inner.strip() == inner != "" and mark not in inner:
            return inner if len(mark) > 1 or is_whole(inner) else text
    return text


def _unquoted(text: str) -> str:
    closing = _QUOTES.get(text[:1], "")
    inner = text[1:-1]
    if closing and len(text) > 1 and text[-1] in closing and not any(_stands_in(inner, sign) for sign in closing):
        return inner.strip()
    # A quotation that was opened or closed, and not both.
    return text.strip('"').strip() if text.count('"') == 1 else text


def _stands_in(inner: str, sign: str) -> bool:
    """Say whether a quotation mark stands in a text, and not within a word as an apostrophe."""
    return re.search(rf"(?<!\w){re.escape(sign)}|{re.escape(sign)}(?!\w)", inner) is not None


def _without_last_aside(text: str) -> str:
    """Return a text without what is said about it in brackets behind it: a note, or how long it is."""
    found = _LAST_ASIDE.search(text[-203:])
    if not found:
        return text
    before = text[: -len(found[0])].rstrip()
    is_note = _label(found[1]) or _COUNT.fullmatch(found[1].strip())
    return before if is_note and is_whole(before) else text


def _is_stage(inner: str, text: str, end: int) -> bool:
    """Say whether what is marked is no part of a sentence: nothing goes on behind it."""
    return not is_whole(inner) and not text[end:].lstrip()[:1].islower()


def _unemphasised(text: str) -> Unwrapped:
    text = _STRONG.sub(r"\2", text)
    for found in _LIGHT.finditer(text):
        before = text[: found.start()].rstrip()
        if (not before or is_whole(before)) and _is_stage(found[2], text, found.end()):
            return Unwrapped(text, "has a stage direction")
    return Unwrapped(_LIGHT.sub(r"\2", text))
