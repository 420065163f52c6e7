"""Placeholders of chat front ends: who is meant by `{{char}}` and `{{user}}`, and what the others come to."""

import re
from collections.abc import Callable

_MACRO = re.compile(r"\{\{([^{}]*)\}\}|<(user|bot|char)>", re.IGNORECASE)
_OTHER = re.compile(r"user\d*|name[12]|randomUser|persona", re.IGNORECASE)
_OWN = frozenset(("char", "bot", "name", "agentname", "agent", "character"))
_PRONOUNS = {"sub": "they", "obj": "them", "poss": "their", "poss_p": "theirs", "ref": "themselves"}
_CHOICE = re.compile(r"(?:random|pick)\s*:{1,2}(.*)", re.IGNORECASE | re.DOTALL)
# "Hello, {{user}}!" greets somebody who has no name here.
_ADDRESSED = re.compile(
    r"(?:,\s*|(?<=\w)\s+)(?:\{\{(?:user\d*|name1)\}\}|<user>)(?=\s*(?:[!?.,…~\"”]|$))", re.IGNORECASE
)
_THE_OTHER = "the other person"
_PARTS = 4
"""How deep placeholders may lie in each other."""


def resolver(name: str, *, is_speech: bool = False) -> Callable[[str], str]:
    """Return what puts `name` and the other person in place of the placeholders of a text.

    In speech the other person is whom it is said to: "you", or nobody where only their name would stand.
    """

    def resolve(text: str) -> str:
        if is_speech:
            text = _ADDRESSED.sub("", text)
        for _ in range(_PARTS):
            text, found = _MACRO.subn(lambda match: _meant(match, name, is_speech), text)
            if not found:
                break
        return _in_order(text)

    return resolve


def _meant(match: re.Match[str], name: str, is_speech: bool) -> str:
    macro = (match[1] if match[1] is not None else match[2]).strip()
    if macro.casefold() in _OWN:
        return name
    if _OTHER.fullmatch(macro):
        return "\0you" if is_speech else f"\0{_THE_OTHER}"
    if choice := _CHOICE.fullmatch(macro):
        return re.split(r"::|(?<!\\),", choice[1])[0].replace("\\,", ",").strip()
    if macro.casefold() == "newline":
        return "\n"
    return _PRONOUNS.get(macro.casefold(), "")


def _in_order(text: str) -> str:
    """Return a text in which whoever was put in begins a sentence with a capital, and owns things by the right word."""
    text = text.replace("\0you's", "\0your").replace("\0you’s", "\0your")
    text = re.sub(r"((?:^|[.!?…]\s+|\n\s*|[\"“*]))\0(\w)", lambda match: match[1] + match[2].upper(), text)
    return text.replace("\0", "")
