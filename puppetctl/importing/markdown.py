"""Markdown, as the blocks below each of its headings."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.DOTALL)
_SETTING = re.compile(r"^([\w -]{1,40}):[ \t]+(.+)$")
_NAMED = re.compile(r"\*\*([^*\n]{1,60}?):?\*\*:?[ \t]*[:—–-]?[ \t]*(.+)", re.DOTALL)
_PARSER = MarkdownIt("commonmark").enable("table")
INTRO = "(intro)"
FRONT = "(front matter)"


class Sections(dict[str, list[Any]]):
    """The blocks of a text by the headings above them."""


class MarkdownFiles(dict[str, Sections]):
    """The sections of files, by the files' names within their folder."""


class Title(str):
    """The first heading of a file."""

    __slots__ = ()


class Item(str):
    """An entry of a list."""

    __slots__ = ()


class Quote(str):
    """A quotation."""

    __slots__ = ()


class Listing(str):
    """A block of code."""

    __slots__ = ()


def sections(text: str) -> Sections:
    """Return the blocks of a text by the headings above them, from the outermost inwards with ` > ` between.

    The first heading of level 1 is a block of the introduction, as is all that stands before the next one.
    """
    found = Sections()
    if front := _FRONT_MATTER.match(text):
        found[FRONT] = front[1].splitlines()
        text = text[front.end() :]
    above: list[tuple[int, str]] = []
    tokens = iter(_PARSER.parse(text))
    for token in tokens:
        if token.type == "heading_open":
            level, title = int(token.tag[1]), _words(next(tokens))
            above = [(depth, name) for depth, name in above if depth < level]
            if level == 1 and INTRO not in found:
                found[INTRO] = [Title(title)]
            else:
                above.append((level, title))
        elif block := _block(token, tokens):
            found.setdefault(" > ".join(name for _, name in above) or INTRO, []).extend(block)
    return found


def named(block: str) -> tuple[str, str]:
    """Return the name and the value of `**Name:** value`; the name is empty when there is none."""
    match = _NAMED.match(block)
    return (match[1].strip(" :"), match[2].strip()) if match else ("", block)


def setting(line: str) -> tuple[str, str]:
    """Return the name and the value of a line of front matter."""
    match = _SETTING.match(line)
    return (match[1].strip(), match[2].strip().strip("\"'")) if match else ("", line)


def _block(token: Token, tokens: Iterator[Token]) -> Sequence[str]:
    match token.type:
        case "paragraph_open":
            return [_words(next(tokens))]
        case "blockquote_open":
            return [Quote(text) for text in _within(token, tokens)]
        case "bullet_list_open" | "ordered_list_open":
            return [Item(text) for text in _entries(token, tokens)]
        case "fence" | "code_block":
            return [Listing(token.content.strip())]
        case "table_open":
            return [Item(text) for text in _rows(token, tokens)]
    return []


def _within(opening: Token, tokens: Iterator[Token]) -> Iterator[str]:
    """Go through the texts up to the end of a block; paragraphs of a quotation are one text."""
    parts = []
    for token in tokens:
        if token.type == opening.type.replace("_open", "_close") and token.level == opening.level:
            break
        if token.type == "inline":
            parts.append(_words(token))
        elif token.type in ("fence", "code_block"):
            parts.append(token.content.strip())
    if parts:
        yield "\n".join(parts)


def _entries(opening: Token, tokens: Iterator[Token]) -> Iterator[str]:
    parts: list[str] = []
    for token in tokens:
        if token.type == opening.type.replace("_open", "_close") and token.level == opening.level:
            return
        if token.type == "list_item_close" and token.level == opening.level + 1:
            if parts:
                yield " ".join(parts)
            parts = []
        elif token.type == "inline":
            parts.append(_words(token))
        elif token.type in ("fence", "code_block"):
            parts.append(token.content.strip())


def _rows(opening: Token, tokens: Iterator[Token]) -> Iterator[str]:
    cells: list[str] = []
    is_head = True
    for token in tokens:
        if token.type == "table_close" and token.level == opening.level:
            return
        if token.type == "thead_close":
            is_head = False
        elif token.type == "tr_close":
            if cells and not is_head:
                yield f"{cells[0]}: {'; '.join(cells[1:])}" if len(cells) > 1 else cells[0]
            cells = []
        elif token.type == "inline" and token.content:
            cells.append(_words(token))


def _words(token: Token) -> str:
    """Return the words of a line; strong ones and code stay marked, which says what they are for."""
    said = []
    for child in token.children or []:
        if child.type == "code_inline":
            said.append(f"`{child.content}`")
        elif child.type in ("softbreak", "hardbreak"):
            said.append(" ")
        elif child.type in ("strong_open", "strong_close"):
            said.append("**")
        elif child.type != "html_inline":
            said.append(child.content)
    return "".join(said).strip()
