"""Small repairs that change no meaning."""

import re
from collections.abc import Iterator

import regex

from services.agents.domain import text as texts
from services.agents.domain.guard.unwrapping import unwrap
from services.agents.domain.guard.voice import ends_sentences, is_whole
from services.agents.domain.meaning import Languages, spoken_by
from services.agents.domain.persona import Capitalization, Persona
from services.runtime.text.normal import settled

_HASHTAG = re.compile(r"#\w+")
_DASH = re.compile(r" [-\u2013\u2014]+ | ?\u2014 ?")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u2010\u2011\u2013](?=[^\W\d_])")
_WORD = regex.compile(r"[\w'\u2019]+")
_FIRST_LETTER = regex.compile(r"^[^\w<{\[]*\p{Ll}")
_LONE_I = re.compile(r"\bi\b(?=['\u2019 ])")


def clean(text: str, persona: Persona) -> str:
    """Return a text with what can be mended: what is around it, invisible signs, white space, its end."""
    return mend(unwrap(settled(text), persona).text, persona)


def mend(text: str, persona: Persona) -> str:
    """Return the post itself with what can be mended."""
    line, languages = " ".join(settled(text).split()), spoken_by(persona)
    style = persona.style
    if not style.uses_hashtags:
        line = _without_hashtags_behind(line)
    if not style.uses_emojis:
        line = without_emoji(line)
    if style.avoid_hyphens:
        line = _HYPHEN.sub(" ", _DASH.sub(", ", line))
    if ends_sentences(persona) and not is_whole(line):
        # The model ran out of tokens: what it has said so far may do.
        line = line[: max((end for _, end in _spans(line, texts.sentences(line, languages)[:-1])), default=len(line))]
    return capitalized(line, style.capitalization, languages)


def without_emoji(line: str) -> str:
    """Return a line without its emoji, each taken out as a whole."""
    if line.isascii():
        return line
    return " ".join("".join(sign for sign in texts.clusters(line) if not texts.is_emoji(sign)).split())


def capitalized(line: str, style: Capitalization, languages: Languages) -> str:
    """Return a line with the capitals of a style."""
    match style:
        case Capitalization.LOWERCASE:
            # What is all capitals is a token's symbol, or meant as a shout.
            return _WORD.sub(lambda found: found[0] if _shouts(found[0]) else found[0].lower(), line)
        case Capitalization.UPPERCASE:
            return line.upper()
        case Capitalization.TITLE:
            return _WORD.sub(lambda found: found[0][0].title() + found[0][1:], line)
        case Capitalization.STANDARD:
            for start, end in _spans(line, texts.sentences(line, languages)):
                line = line[:start] + _FIRST_LETTER.sub(lambda found: found[0].title(), line[start:end]) + line[end:]
            return _LONE_I.sub("I", line) if "en" in languages else line
        case Capitalization.FREE:
            return line


def _without_hashtags_behind(line: str) -> str:
    words = line.split(" ")
    while len(words) > 1 and _HASHTAG.fullmatch(words[-1]):
        words.pop()
    return " ".join(words)


def _spans(line: str, sentences: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where each sentence of a line begins and ends."""
    end = 0
    for sentence in sentences:
        start = line.index(sentence, end)
        end = start + len(sentence)
        yield start, end


def _shouts(word: str) -> bool:
    return len(word) > 1 and word.isupper()
