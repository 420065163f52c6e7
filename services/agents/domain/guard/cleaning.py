"""Small repairs that change no meaning."""

import re

from services.agents.domain.persona import Capitalization, Persona
from services.runtime.text.normal import settled

LABELS = "topic|post|reply|trade|input|output|system|memory|remembers?|user|assistant|tweet|answer|caption"
EMOJI = re.compile("[\u2600-\u27bf\u2b05-\u2b55\U0001f000-\U0001faff]\ufe0f?")
_END = re.compile(
    r"[.!?\u2026\u061f\u06d4\u0964\u0965\u3002\uff01\uff0e\uff1f\uff61][\"'\u201d\u2019)\u300d\u300f\uff09]*$"
)

_QUOTES = {'"': '"', "\u201c": "\u201d", "'": "'", "\u2018": "\u2019"}
_LEADING = re.compile(rf"^(?:[-*\u2022>]\s+|(?:{LABELS})\s*:\s*)", re.IGNORECASE)
_HASHTAG = re.compile(r"#\w+")
_UNFINISHED = re.compile(r"^(.*[.!?\u2026][\"'\u201d\u2019)]*)\s+\S.*$")
_DASH = re.compile(r" [-\u2013\u2014]+ | ?\u2014 ?")


def clean(text: str, persona: Persona) -> str:
    """Return a text with what can be mended: invisible signs, white space, quotes and labels around it, its end."""
    line = " ".join(settled(text).split())
    while (bare := _unquoted(_LEADING.sub("", line))) != line:
        line = bare
    style = persona.style
    if not style.uses_hashtags:
        line = _without_hashtags_behind(line)
    if not style.uses_emojis:
        line = " ".join(EMOJI.sub("", line).split())
    if style.avoid_hyphens:
        line = _DASH.sub(", ", line)
    if ends_sentences(persona) and not is_whole(line):
        # The model ran out of tokens: what it has said so far may do.
        line = _UNFINISHED.sub(r"\1", line)
    return capitalized(line, style.capitalization)


def _without_hashtags_behind(line: str) -> str:
    words = line.split(" ")
    while len(words) > 1 and _HASHTAG.fullmatch(words[-1]):
        words.pop()
    return " ".join(words)


def ends_sentences(persona: Persona) -> bool:
    """Say whether a character ends its sentences with a sign, as most of its examples do, or all if there are none."""
    examples = voice(persona)
    return 2 * sum(map(is_whole, examples)) >= len(examples)


def is_whole(text: str) -> bool:
    """Say whether a text ends as a sentence does, or with an emoji."""
    return _END.search(text) is not None or EMOJI.search(text[-2:]) is not None


def voice(persona: Persona) -> list[str]:
    """Return every example of the character's own words."""
    return [item.text for item in (*persona.post_examples, *persona.reply_examples, *persona.trade_post_examples)]


def capitalized(line: str, style: Capitalization) -> str:
    """Return a line with the capitals of a style."""
    match style:
        case Capitalization.LOWERCASE:
            # What is all capitals is a token's symbol, or meant as a shout.
            return re.sub(r"\w+", lambda found: found[0] if _shouts(found[0]) else found[0].lower(), line)
        case Capitalization.UPPERCASE:
            return line.upper()
        case Capitalization.TITLE:
            return re.sub(r"(?<![\w'\u2019])[a-z]", lambda found: found[0].upper(), line)
        case Capitalization.STANDARD:
            return re.sub(r"^\W*[a-z]|(?<=[.!?] )[a-z]|\bi\b(?=['\u2019 ])", lambda found: found[0].upper(), line)
        case Capitalization.FREE:
            return line


def _shouts(word: str) -> bool:
    return len(word) > 1 and word.isupper()


def _unquoted(line: str) -> str:
    line = line.strip()
    closing = _QUOTES.get(line[:1])
    if closing and len(line) > 1 and line.endswith(closing) and closing not in line[1:-1]:
        return line[1:-1].strip()
    # A quotation that was opened or closed, and not both.
    return line.strip('"').strip() if line.count('"') == 1 else line
