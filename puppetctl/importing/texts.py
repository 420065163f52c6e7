"""Texts that strangers wrote: without markup and without what can't be seen, and cut where a sentence ends."""

import html
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]*]*(?=\s|$)|[。！？]+[」』）]*|\n")
_CHAT_TOKENS = re.compile(r"<\|[\w ]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]\n]{0,300}\]\([^()\s]{0,2000}(?:\s[^()\n]{0,300})?\)")
_LINK = re.compile(r"\[([^\]\n]{1,300})\]\((?:https?:|mailto:|/|#)[^()\s]{0,2000}\)")
_BLANKS = re.compile(r"[ \t]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_INVISIBLE = frozenset("\u00ad\u200b\u2060\u2800\ufeff\u061c\u200e\u200f") | {
    chr(code) for span in ((0x202A, 0x202E), (0x2066, 0x2069)) for code in range(span[0], span[1] + 1)
}
# Tags that no reader sees: what is written in them is only for a model.
_TAG_CHARACTERS = range(0xE0000, 0xE0080)

_BREAKING = frozenset(("address", "article", "blockquote", "br", "center", "dd", "details", "div", "dl", "dt", "h1"))
_BREAKING |= {"h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"}
_INLINE = frozenset(("a", "abbr", "audio", "b", "big", "button", "code", "del", "em", "figure", "font", "i", "iframe"))
_INLINE |= {"img", "input", "ins", "kbd", "label", "mark", "q", "small", "source", "span", "strike", "strong", "sub"}
_INLINE |= {"sup", "svg", "tbody", "td", "th", "thead", "tt", "u", "video", "body", "html", "head", "link", "meta"}
_SILENT = frozenset(("script", "style", "template", "title"))


def clean(text: str) -> str:
    """Return a text as a person would read it: no HTML, pictures, targets of links, or signs that can't be seen."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CHAT_TOKENS.sub("", text)
    if "<" in text or "&" in text:
        text = _without_html(text)
    text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    text = "".join(_visible(text))
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def line(text: str) -> str:
    """Return a text as one line."""
    return " ".join(text.split())


def cut(text: str, most: int) -> str:
    """Return the sentences of a text that fit into `most` characters; empty when not even the first does."""
    if len(text) <= most:
        return text
    # What comes next tells whether a full stop ends a sentence.
    ends = [match.end() for match in _SENTENCE_END.finditer(text[: most + 1]) if match.end() <= most]
    return text[: ends[-1]].strip() if ends else ""


def cut_anywhere(text: str, most: int) -> str:
    """Return the sentences that fit, or else the words of the first one that do."""
    if kept := cut(text, most):
        return kept
    head = text[:most]
    return (head.rpartition(" ")[0] or head).strip()


def pieces(text: str, most: int) -> Iterator[str]:
    """Go through a text in pieces that end with a paragraph, or else with a sentence."""
    rest = text.strip()
    while rest:
        if len(rest) <= most:
            yield rest
            return
        paragraph = rest.rfind("\n\n", 0, most)
        piece = rest[:paragraph].strip() if paragraph > 0 else ""
        piece = piece or cut_anywhere(rest, most)
        yield piece
        rest = rest[rest.index(piece) + len(piece) :].strip()


def sentence(text: str) -> str:
    """Return a text that ends as a sentence does."""
    return text if not text or text[-1] in ".!?…。！？:;\"'”’)]" else f"{text}."


def listed(text: str) -> list[str]:
    """Return the entries of a text that is a list with commas or line ends between them; empty when it is prose."""
    parts = [part.strip(" .\t\"'“”-*•") for part in re.split(r"[,;、，\n|]", text.strip().strip("[]"))]
    parts = [part for part in parts if part]
    is_list = len(parts) > 1 and all(len(part) <= 40 and len(part.split()) <= 5 for part in parts)
    return parts if is_list else []


def _visible(text: str) -> Iterator[str]:
    for character in text:
        if character in "\n\t":
            yield character
        elif character in _INVISIBLE or ord(character) in _TAG_CHARACTERS:
            continue
        elif unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co"):
            yield " "
        else:
            yield character


class _Text(HTMLParser):
    """Keeps what HTML would show; a tag that HTML doesn't have is part of the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if self._silent:
            return
        if tag in _SILENT:
            self._silent = tag
        elif tag in _BREAKING:
            self.parts.append("\n")
        elif tag not in _INLINE:
            self.parts.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SILENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            self._silent = "" if tag == self._silent else self._silent
        elif tag in _BREAKING:
            self.parts.append("\n")
        elif tag not in _INLINE:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(html.unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self.handle_data(html.unescape(f"&#{name};"))


def _without_html(text: str) -> str:
    parser = _Text()
    parser.feed(text)
    parser.close()
    # What a tag that is never closed would swallow is text all the same.
    return "".join((*parser.parts, parser.rawdata)) if parser.rawdata else "".join(parser.parts)
