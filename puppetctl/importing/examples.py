"""Examples of how a character writes: what it said where it comes from, as far as it is short enough to be a post."""

import re
from collections.abc import Sequence

from puppetctl.importing import limits, texts
from puppetctl.importing.draft import Draft, Node

_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_HASHTAG = re.compile(r"(?<!\w)#[^\W\d]\w+")
_FEWEST = 3
"""How many examples it takes to tell habits from them."""

GREETING = "hello"
_TOO_LONG = f"has no sentence that ends within {limits.EXAMPLE} characters"


class Examples:
    """Collects examples for a draft."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def post(self, node: Node, said: str, note: str = "") -> None:
        """Take what a node says as a post; `said` is the words of it."""
        said = texts.line(said)
        if where := self._added(said):
            node.take(where, note=note or _cut(said, texts.cut(said, limits.EXAMPLE)))
        elif not said:
            node.leave("has no words of the character")
        else:
            node.leave("is there already" if texts.cut(said, limits.EXAMPLE) else _TOO_LONG)

    def posts(self, said: Sequence[str]) -> list[str]:
        """Add posts that were found in a text; return where they are."""
        return [where for one in said if (where := self._added(one))]

    def answers(self, said: Sequence[tuple[str, str]]) -> list[str]:
        """Add what was answered to what in a text, and posts where it answers nothing; return where they are."""
        found = []
        for about, answer in said:
            where = self._answered(about, answer) if about else self._added(answer)
            found += [where] if where else []
        return found

    def reply(self, nodes: Sequence[Node], about: str, said: str, note: str = "") -> None:
        """Take what nodes say as an answer, the last of them, or as a post where it answers nothing."""
        if not texts.line(about):
            self.post(nodes[-1], said, note)
            return
        where, said = self._answered(about, said), texts.line(said)
        for node in nodes:
            if where:
                node.take(where, note=note or _cut(said, texts.cut(said, limits.EXAMPLE)))
            else:
                node.leave("is there already" if texts.cut(said, limits.EXAMPLE) else _TOO_LONG)

    def _added(self, said: str) -> str:
        kept = texts.cut(texts.line(said), limits.EXAMPLE)
        there = self._draft.persona.get("post_examples", [])
        if not kept or kept in there:
            return ""
        self._draft.set("post_examples", [*there, kept])
        return f"post_examples[{len(there)}]"

    def _answered(self, about: str, said: str) -> str:
        kept = texts.cut(texts.line(said), limits.EXAMPLE)
        asked = texts.cut_anywhere(texts.line(about), limits.EXAMPLE)
        there = self._draft.persona.get("reply_examples", [])
        if not kept or not asked or any(one["reply"] == kept for one in there):
            return ""
        self._draft.set("reply_examples", [*there, {"to": asked, "reply": kept}])
        return f"reply_examples[{len(there)}]"


def habits(draft: Draft) -> list[str]:
    """Set what the examples show of emoji, hashtags and capitals, and return it in words.

    A persona that says nothing of them would be held to none of these.
    """
    said = [*draft.persona.get("post_examples", []), *(one["reply"] for one in draft.persona.get("reply_examples", []))]
    if len(said) < _FEWEST or "formatting" in draft.persona.get("style_guide", {}):
        return []
    found = []
    for name, pattern in (("uses_emojis", _EMOJI), ("uses_hashtags", _HASHTAG)):
        if shown := sum(bool(pattern.search(one)) for one in said):
            draft.set(f"style_guide.formatting.{name}", True)
            found.append(f"style_guide.formatting.{name}: true, as {shown} of {len(said)} examples show")
    if all(one == one.lower() for one in said) and any(one != one.upper() for one in said):
        draft.set("style_guide.formatting.capitalization", "lowercase")
        found.append(f"style_guide.formatting.capitalization: lowercase, as all {len(said)} examples are")
    return found


def _cut(said: str, kept: str) -> str:
    return "" if len(said) == len(kept) else f"cut to {len(kept):,} of {len(said):,} characters"
