"""Texts cut into passages: by headings and paragraphs, so that each says something by itself."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MIN, MAX = 500, 800
"""Characters of a passage: short enough for a prompt, and long enough to be found by what it is about."""

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")  # noqa: RUF001 - as other scripts end sentences
_MAX_HEADING = 150


@dataclass(frozen=True, slots=True)
class Part:
    """What stands under a heading, or on a page: the page is counted from 1, and 0 where there are none."""

    text: str
    heading: str = ""
    page: int = 0


def of_markdown(text: str) -> Iterator[Part]:
    """Yield what stands under each heading of a Markdown text, with the headings above that one."""
    above: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            # Within code a # is no heading.
            fence = "" if fence else mark[1]
        found = None if fence else _HEADING.fullmatch(line)
        if found is None:
            lines.append(line)
            continue
        yield Part("\n".join(lines), _heading(above))
        lines, level = [], len(found[1])
        above = [(other, title) for other, title in above if other < level]
        above.append((level, found[2].rstrip("# \t")))
    yield Part("\n".join(lines), _heading(above))


def passages(part: Part) -> list[str]:
    """Return the passages of a part: paragraphs put together, or cut where they are too long."""
    found: list[str] = []
    for paragraph in _paragraphs(part.text):
        for piece in _pieces(paragraph):
            if found and (len(found[-1]) < MIN) and len(found[-1]) + 1 + len(piece) <= MAX:
                found[-1] = f"{found[-1]}\n{piece}"
            else:
                found.append(piece)
    return found


def _heading(above: Sequence[tuple[int, str]]) -> str:
    told = " › ".join(title for _, title in above if title)  # noqa: RUF001 - as paths of headings are written
    return told[-_MAX_HEADING:]


def _paragraphs(text: str) -> Iterator[str]:
    """Yield what blank lines part; the lines of a paragraph become one, and a list's stay."""
    lines: list[str] = []
    for line in (*text.splitlines(), ""):
        if line.strip():
            lines.append(line.strip())
        elif lines:
            is_list = all(item.startswith(("- ", "* ", "+ ", "|")) or item[:1].isdigit() for item in lines)
            yield ("\n" if is_list else " ").join(lines)
            lines = []


def _pieces(paragraph: str) -> Iterator[str]:
    """Yield a paragraph, cut at the ends of sentences, else of words, where it is too long."""
    piece = ""
    for sentence in _SENTENCE_END.split(paragraph):
        for words in _cut(sentence):
            if piece and len(piece) + 1 + len(words) > MAX:
                yield piece
                piece = words
            else:
                piece = f"{piece} {words}" if piece else words
    if piece:
        yield piece


def _cut(sentence: str) -> Iterator[str]:
    while len(sentence) > MAX:
        at = sentence.rfind(" ", 1, MAX + 1)
        at = at if at > 0 else MAX
        yield sentence[:at].rstrip()
        sentence = sentence[at:].lstrip()
    if sentence:
        yield sentence
