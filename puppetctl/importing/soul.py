"""SOUL.md folders: prose under headings in SOUL.md, STYLE.md, IDENTITY.md, MEMORY.md and examples."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from puppetctl.importing import limits, texts
from puppetctl.importing.draft import Draft, Node
from puppetctl.importing.errors import Unreadable
from puppetctl.importing.examples import Examples
from puppetctl.importing.markdown import FRONT, INTRO, Item, Listing, MarkdownFiles, Quote, Title, named, setting

_FEWEST = 2
_FEWEST_ALONE = 3
_NO_NAME = re.compile(
    r"(?:your |my |the |agent'?s? |ai )*(?:soul|identity|persona|style|who (?:you are|i am|am i)\??)?"
)
_IN_FRONT = re.compile(r"^(?:soul|identity)(?:\.md)?(?![\w'’])\s*(?:[:|—–-]+|of\b)?\s*", re.IGNORECASE)
_BEHIND = re.compile(r"\s*(?:['’]s soul|[—–|-]\s*(?:the )?soul(?:\.md)?)$|\s*[(（].*$", re.IGNORECASE)
_CALLED = re.compile(
    r"\b(?:You are|I am|I'm|My name is)\s+(?:\*\*)?([A-Z][\w'’]+(?:[ -][A-Z0-9][\w'’]*){0,3})(?:\*\*)?\s*[,.—–]"
)
_PLACEHOLDER = re.compile(r"\{\{|\}\}|[\[\]<>{}]|\byour[ _]name\b", re.IGNORECASE)
_TERM = re.compile(r"`([^`]{1,60})`|[\"“]([^\"”]{1,60})[\"”]")
_LEAD = re.compile(r"^(.{2,80}?)(?:[.:;(]|\s[—–-]\s|$)", re.DOTALL)
_NAMES = ("name", "display name", "姓名", "名字")
_OF_WORK = "is about an assistant's work, and not about who it is"
_ANOTHER = "is no part of who the character is"

_Take = Callable[[Draft, Sequence[Node], str], None]


def _joined(target: str) -> _Take:
    """Take a section as sentences of one field."""
    return lambda draft, nodes, _title: draft.join(target, nodes, limits.PROSE)


def _listed(target: str) -> _Take:
    """Take a section as a list, block by block."""
    return lambda draft, nodes, _title: draft.add(target, nodes)


def _left(why: str) -> _Take:
    """Leave a section."""

    def leave(_draft: Draft, nodes: Sequence[Node], _title: str) -> None:
        for node in nodes:
            node.leave(why)

    return leave


def _memories(draft: Draft, nodes: Sequence[Node], _title: str) -> None:
    draft.remember("initial_memory.core_memories", nodes)


def _knowledge(draft: Draft, nodes: Sequence[Node], title: str) -> None:
    for node in nodes:
        draft.know(title, node)


def _traits(draft: Draft, nodes: Sequence[Node], title: str) -> None:
    for node in nodes:
        entries = texts.listed(node.text) or (
            [node.text] if isinstance(node.value, Item) and len(node.text) <= 60 else []
        )
        if entries:
            draft.add_text("personality.traits", node, entries, limits.PORTRAIT_ITEM, limits.PORTRAIT_LIST)
        else:
            _SPEAKING(draft, [node], title)


def _interests(draft: Draft, nodes: Sequence[Node], title: str) -> None:
    """Take what an entry begins with as an interest, too, where the whole of it is knowledge."""
    for node in nodes:
        said = texts.line(node.text)
        lead = match[1].strip() if isinstance(node.value, Item) and (match := _LEAD.match(said)) else ""
        entries = [lead] if lead else texts.listed(said)
        if not entries or (lead and lead != said.rstrip(".")):
            draft.know(title, node)
        if entries:
            draft.add_text("personality.interests", node, entries, limits.PORTRAIT_ITEM, limits.PORTRAIT_LIST)


def _terms(target: str) -> _Take:
    """Take the words that a section shows in code or in quotation marks."""

    def take(draft: Draft, nodes: Sequence[Node], title: str) -> None:
        for node in nodes:
            # Before a dash are the words, and behind it what they are for.
            shown = re.split(r"\s[—–]\s|:\s", node.raw)[0]
            entries = [next(filter(None, match.groups())) for match in _TERM.finditer(shown)]
            if entries and node.text:
                draft.add_text(target, node, entries, limits.PORTRAIT_ITEM, limits.PORTRAIT_LIST)
            else:
                _VOICE(draft, [node], title)

    return take


def _posts(draft: Draft, nodes: Sequence[Node], _title: str) -> None:
    examples = Examples(draft)
    for node in nodes:
        if isinstance(node.value, Quote):
            examples.post(node, node.text.strip('"“”'))
        else:
            node.leave("explains an example")


_BACKGROUND, _SPEAKING = _joined("personality.background"), _joined("personality.speaking_style")
_VOICE = _joined("style_guide.voice")
_WORK, _BAD = _left(_OF_WORK), _left("is an example of what not to write")
_KEY_TERMS, _AVOID_TERMS = _terms("style_guide.vocabulary.key_terms"), _terms("style_guide.vocabulary.avoid_terms")

_RULES: dict[str, _Take] = {
    r"bad (?:outputs?|examples?)|wrong|what not to|anti.?(?:patterns?|examples?)": _BAD,
    r"(?:words|phrases|terms|vocabulary).*(?:avoid|never|not\b|ban)|never (?:say|use)|banned": _AVOID_TERMS,
    r"vocabular|catch ?phrase|key phrases|words|signature (?:phrase|line)|lexicon": _KEY_TERMS,
    r"good outputs?|sample|example": _posts,
    r"mode\b|range\b": _SPEAKING,
    r"tool|skill|workflow|session|heartbeat|workspace|prediction|test|setup|usage|install|permission|command": _WORK,
    r"value|principle|belief|core truth|philosoph|ethic|creed|boundar|limits|red line|rules?\b|non.?negotiab": _listed(
        "personality.values"
    ),
    r"quirk|habit|peeve|dislike|contradiction|tension|flaw": _listed("personality.quirks"),
    r"personality|trait|temperament|vibe|essence|core self": _traits,
    r"interest|topic|passion|focus|hobb|likes\b|loves": _interests,
    r"voice|tone|style|speak|speech|communicat|writing|language|talk|punctuation|rhythm|humou?r": _SPEAKING,
    r"who (?:i am|you are|am i)|identity|about|background|back ?story|origin|histor|biograph|role\b": _BACKGROUND,
    r"memor|remember": _memories,
    r"worldview|opinion|takes\b|views|knowledge|expertise|lore|facts|influence|people|concept|works": _knowledge,
}
"""By what a heading is about, what is done with the section below it; the first that is found."""


def recognises(content: Any) -> bool:
    """Tell whether Markdown describes somebody: by what its headings are about."""
    if not isinstance(content, MarkdownFiles) or not content:
        return False
    name, sections = next(iter(content.items()))
    titles = [title for title in sections if title not in (INTRO, FRONT)]
    known = [title for title in titles if (rule := _rule(title)) is not None and rule not in (_WORK, _BAD)]
    if name.casefold() == "soul.md":
        return bool(known or (titles and (_CALLED.search(_all_words(sections)) or _says_name(content))))
    called = _CALLED.search(_all_words(sections)) or "soul" in str(sections.get(INTRO, [""])[0]).casefold()
    return bool(called) and len(known) >= _FEWEST and (len(titles) < _FEWEST_ALONE or len(known) * 2 >= len(titles))


def convert(draft: Draft) -> None:
    """Make a persona of a folder, or of one file. Raises Unreadable when it isn't Markdown."""
    root = draft.root
    if not isinstance(root.value, MarkdownFiles) or not root.value:
        raise Unreadable("is no Markdown")
    draft.resolve = _plain
    files = root.fields()
    _name(draft, files)
    for name, file in files:
        _file(draft, name.casefold(), file, is_first=file == files[0][1])


def _file(draft: Draft, name: str, file: Node, *, is_first: bool) -> None:
    stem = name.rpartition("/")[2].removesuffix(".md")
    for title, section in file.fields():
        nodes = section.items()
        for node in (node for node in nodes if isinstance(node.value, Title)):
            node.leave("is the file's title")
        nodes = [node for node in nodes if not draft.is_settled(node)]
        if title == FRONT:
            _front(draft, nodes)
        elif stem == "identity":
            _named(draft, nodes)
        elif is_first:
            _section(draft, title, nodes)
        elif stem == "style":
            rule = _rule(title)
            take = rule if rule in _WORDS else _VOICE
            take(draft, nodes, title)
        elif stem == "memory":
            _memories(draft, nodes, title)
        elif name.startswith("examples/") or "example" in stem:
            (_BAD if "bad" in stem else _posts)(draft, nodes, title)
        else:
            section.leave(_ANOTHER if stem not in ("agents", "user", "tools", "heartbeat", "bootstrap") else _OF_WORK)


def _section(draft: Draft, title: str, nodes: Sequence[Node]) -> None:
    if title == INTRO:
        _intro(draft, nodes)
        return
    rule = _rule(title) or _knowledge
    if rule not in (_WORK, _BAD):
        for node in (node for node in nodes if isinstance(node.value, Listing)):
            node.leave("is code")
    rule(draft, [node for node in nodes if not isinstance(node.value, Listing)], title.rpartition(" > ")[2])


def _intro(draft: Draft, nodes: Sequence[Node]) -> None:
    if "description" not in draft.persona:
        draft.join("description", nodes, limits.DESCRIPTION)
    _BACKGROUND(draft, [node for node in nodes if not draft.is_settled(node)], INTRO)


def _named(draft: Draft, nodes: Sequence[Node]) -> None:
    """Take entries such as `**Vibe:** calm, dry` by their names."""
    for node in nodes:
        what, said = named(node.raw)
        what = what.casefold()
        if what in ("vibe", "personality", "traits", "temperament"):
            entries = texts.listed(said) or [texts.line(said)]
            if node.text:
                draft.add_text("personality.traits", node, entries, limits.PORTRAIT_ITEM, limits.PORTRAIT_LIST)
        elif what in ("avatar", "emoji", "image"):
            node.leave("is a picture")
        elif what:
            _BACKGROUND(draft, [node], "")
        else:
            node.leave("says nothing by name")


def _front(draft: Draft, nodes: Sequence[Node]) -> None:
    for node in nodes:
        what, _ = setting(node.raw)
        if what.casefold() == "description" and "description" not in draft.persona and node.text:
            draft.set("description", texts.cut_anywhere(setting(node.text)[1], limits.DESCRIPTION))
            node.take("description")
        else:
            node.leave("is a setting of the file's")


def _name(draft: Draft, files: Sequence[tuple[str, Node]]) -> None:
    """Find out what the character is called."""
    for node, said in _names(files):
        called = texts.line(_BEHIND.sub("", said.strip("*_ ")))
        if (
            not called
            or _NO_NAME.fullmatch(called.casefold())
            or _PLACEHOLDER.search(called)
            or len(called) > limits.NAME
        ):
            continue
        draft.set("name", called)
        if node is not None:
            node.take("name")
        return
    if draft.place and draft.place.casefold() not in ("soul", "workspace", "templates", "personality"):
        draft.set("name", draft.place.replace("-", " ").replace("_", " ").strip().title())


def _names(files: Sequence[tuple[str, Node]]) -> list[tuple[Node | None, str]]:
    """Return what may be the name, and where it stands, the likeliest first."""
    found: list[tuple[Node | None, str]] = []
    blocks = [(node, title) for _, file in files for title, section in file.fields() for node in section.items()]
    for node, title in blocks:
        what, said = setting(node.raw) if title == FRONT else named(node.raw)
        if what.casefold() in _NAMES:
            found.append((node, said))
    found += [
        (node, _IN_FRONT.sub("", node.raw.strip("*_ ")))
        for node in files[0][1].get(INTRO).items()
        if isinstance(node.value, Title)
    ]
    if called := _CALLED.search(_all_words(files[0][1].value)):
        found.append((None, called[1]))
    return found


def _says_name(files: MarkdownFiles) -> bool:
    blocks = (block for sections in files.values() for section in sections.values() for block in section)
    return any(named(block)[0].casefold() in _NAMES for block in blocks)


def _rule(title: str) -> _Take | None:
    """Return what a section is taken as: by its own heading, or else by one above it."""
    for part in reversed(title.casefold().split(" > ")):
        for pattern, take in _RULES.items():
            if re.search(rf"\b(?:{pattern})", part):
                return take
    return None


def _all_words(sections: Any) -> str:
    return "\n".join(block for section in sections.values() for block in section)


def _plain(text: str) -> str:
    return text.replace("**", "").replace("`", "")


_WORDS = (_BAD, _AVOID_TERMS, _KEY_TERMS, _posts)
"""What a file about style says in sections of its own; all else of it is about the voice."""
