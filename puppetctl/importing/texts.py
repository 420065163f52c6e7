"""Texts that strangers wrote: without markup and without what can't be seen, and cut where a sentence ends."""

import html
import re
from collections.abc import Iterator

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]*]*(?=\s|$)|[。！？]+[」』）]*|\n")
_CHAT_TOKENS = re.compile(r"<\|[\w ]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>", re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,300}\]\([^()\s]{0,2000}(?:\s[^()\n]{0,300})?\)")
_LINK = re.compile(r"\[([^\[\]\n]{1,300})\]\((?:https?:|mailto:|/|#)[^()\s]{0,2000}\)")
_BLANKS = re.compile(r"[ \t]+")
_BLANK_LINES = re.compile(r"\n{3,}")
# Marks of direction, joints and blanks that nobody sees, and the tags of which all that is said is only for a model.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u2060\u2800\ufeff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
# Control characters, halves of characters, and those for private use.
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]")

_BREAKING = frozenset(("address", "article", "blockquote", "br", "center", "dd", "details", "div", "dl", "dt", "h1"))
_BREAKING |= {"h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "summary", "table", "tr", "ul"}
_INLINE = frozenset(("a", "abbr", "audio", "b", "big", "button", "code", "del", "em", "figure", "font", "i", "iframe"))
_INLINE |= {"img", "input", "ins", "kbd", "label", "mark", "q", "small", "source", "span", "strike", "strong", "sub"}
_INLINE |= {"sup", "svg", "tbody", "td", "th", "thead", "tt", "u", "video", "body", "html", "head", "link", "meta"}
_SILENT = frozenset(("!--", "script", "style", "template", "title"))
_TAG = re.compile(r"<!--|<(?P<slash>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,15})(?=[\s/>])[^<>]*>")


def clean(text: str) -> str:
    """Return a text as a person would read it: no HTML, pictures, targets of links, or signs that can't be seen."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CHAT_TOKENS.sub("", text)
    if "<" in text or "&" in text:
        text = _without_html(text)
    text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    text = _NO_TEXT.sub(" ", _INVISIBLE.sub("", text))
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def line(text: str) -> str:
    """Return a text as one line."""
    return " ".join(text.split())


def cut(text: str, limit: int) -> str:
    """Return the sentences of a text that fit into `limit` characters; empty when not even the first does."""
    if len(text) <= limit:
        return text
    # What comes next tells whether a full stop ends a sentence.
    ends = [match.end() for match in _SENTENCE_END.finditer(text[: limit + 1]) if match.end() <= limit]
    return text[: ends[-1]].strip() if ends else ""


def cut_anywhere(text: str, limit: int) -> str:
    """Return the sentences that fit, or else the words of the first one that do."""
    if kept := cut(text, limit):
        return kept
    head = text[:limit]
    return (head.rpartition(" ")[0] or head).strip()


def pieces(text: str, limit: int) -> Iterator[str]:
    """Go through a text in pieces that end with a paragraph, or else with a sentence."""
    rest = text.strip()
    while rest:
        if len(rest) <= limit:
            yield rest
            return
        paragraph = rest.rfind("\n\n", 0, limit)
        piece = rest[:paragraph].strip() if paragraph > 0 else ""
        piece = piece or cut_anywhere(rest, limit)
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


def _without_html(text: str) -> str:
    """Return what HTML would show; a tag that HTML doesn't have is part of the text.

    Each part of the text is looked at once, which `html.parser` doesn't do: 50,000 characters of `<a ` keep it busy for
    minutes.
    """
    parts: list[str] = []
    lowered, at = text.lower(), 0
    unclosed: set[str] = set()
    for match in _TAG.finditer(text):
        if match.start() < at:
            continue
        name = (match["name"] or "!--").lower()
        parts += (text[at : match.start()], _shown(match[0], name))
        at = match.end()
        if name in _SILENT and not match["slash"] and name not in unclosed:
            end = "-->" if name == "!--" else f"</{name}"
            closing = lowered.find(end, at)
            if closing < 0:
                unclosed.add(name)
            else:
                at = closing + len(end) if name == "!--" else closing
    return html.unescape("".join((*parts, text[at:])))


def _shown(tag: str, name: str) -> str:
    if name in _BREAKING:
        return "\n"
    return "" if name in _INLINE or name in _SILENT else tag
