"""Dialogues of chat front ends: who says what, and the words of it without the stage directions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

START = re.compile(r"<START>|\{\{start\}\}", re.IGNORECASE)
_SPEAKER = re.compile(
    r"^[ \t*>_]*(?:(?P<own>\{\{char\}\}|<BOT>|<CHAR>)|(?P<other>\{\{(?:user\d*|random_user_\d+)\}\}|<USER>|You|Anon)"
    r"|(?P<name>[^\W\d_][^\n:*\"“]{0,38}?))[ \t*_]*:(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_ACTION = re.compile(r"(?<![*\w])\*(?!\*)[^*]+\*(?!\*)|(?<!\w)_(?!_)[^_\n]+_(?!\w)")
_QUOTED = re.compile(r"[\"“]([^\"“”]+)[\"”]|「([^「」]+)」|『([^『』]+)』|«\s*([^«»]+?)\s*»")
_ASIDE = re.compile(
    r"\((?:OOC|OCC|Note)\b[^)]{0,999}\)|\[(?:OOC|Note)\b[^\]]{0,999}\]|```.{0,999}?```", re.IGNORECASE | re.DOTALL
)
_SPOKEN_SHARE = 0.4
"""How much of a text is quoted when it is a story with speech in it, and not speech with a quotation in it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody says, as it stands; `is_own` when it is the character."""

    is_own: bool
    text: str


def turns(block: str, name: str) -> list[Turn]:
    """Return who says what in a dialogue; a line that names nobody belongs to the one before it.

    `name` is the character's. Whoever else is called by name is another one.
    """
    found: list[Turn] = []
    marks = [match for match in _SPEAKER.finditer(block) if _is_speaker(match, name)]
    for at, mark in enumerate(marks):
        end = marks[at + 1].start() if at + 1 < len(marks) else len(block)
        found.append(Turn(mark["other"] is None, block[mark.end() : end].strip()))
    return [turn for turn in found if turn.text]


def split(text: str, name: str) -> tuple[str, list[list[Turn]]]:
    """Return a text without the dialogues in it, and these."""
    prose, dialogues = [], []
    for block in START.split(text):
        first = next((match for match in _SPEAKER.finditer(block) if _is_speaker(match, name)), None)
        if first is None:
            prose.append(block)
            continue
        prose.append(block[: first.start()])
        spoken, _, rest = block[first.start() :].partition("\n[")
        dialogues.append(turns(spoken, name))
        if rest:
            prose.append(f"[{rest}")
    return "\n".join(part.strip() for part in prose if part.strip()), [one for one in dialogues if one]


def exchanges(dialogue: Sequence[Turn]) -> Iterator[tuple[str, str]]:
    """Go through what the character says, each with what it answers; empty where it speaks first."""
    before = ""
    for turn in dialogue:
        words = speech(turn.text)
        if turn.is_own and words:
            yield before, words
        before = "" if turn.is_own else words


def speech(text: str) -> str:
    """Return what is said in a text: without actions between asterisks, and without the story around quoted speech."""
    rest = _without_actions(text)
    return " ".join(_quoted(rest)) or rest


def greeting(text: str, limit: int) -> str:
    """Return what is said in the text that opens a chat; empty when it is a story without speech in it.

    What isn't quoted is taken for speech when it has at most `limit` characters.
    """
    rest = _without_actions(text)
    return " ".join(_quoted(rest)) or (rest if len(rest) <= limit else "")


def _without_actions(text: str) -> str:
    return " ".join(_ACTION.sub(" ", _ASIDE.sub("", text)).replace("**", "").split())


def _quoted(rest: str) -> list[str]:
    """Return what stands in quotation marks, when that is what is said, and not words that are quoted."""
    found = [next(filter(None, match.groups())).strip() for match in _QUOTED.finditer(rest)]
    share = sum(map(len, found)) / len(rest) if rest else 0.0
    is_said = found and (rest[0] in '"“「『«' or share >= _SPOKEN_SHARE or any(part[-1] in ",.!?…~—" for part in found))
    return found if is_said else []


def _is_speaker(match: re.Match[str], name: str) -> bool:
    """Tell whether a line begins with a speaker: by a placeholder, or by the character's own name."""
    return match["name"] is None or match["name"].strip().casefold() == name.casefold()
