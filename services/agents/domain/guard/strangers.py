"""What a reply may not take from whom it answers: by its structure and by where it comes from, in every language.

Nothing that somebody can act on (a link, a name, a price, an address) comes into a reply unless it stands in what code
trusts: the persona and the memories of the character and its operator.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator

from services.agents.domain import text as texts
from services.agents.domain.guard.model import Context
from services.agents.domain.persona import Persona
from services.runtime.text.entities import is_ending
from services.runtime.text.identifiers import decodings, readings
from services.runtime.text.normal import normal_form, script_of

_HAN_DIGITS = (
    "\u3007\u96f6\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u767e\u5343\u4e07\u842c\u5104\u4ebf\u5146"
)
_NUMBER = re.compile(rf"\d+(?:[.,' ]\d{{1,3}})*|[{_HAN_DIGITS}]{{2,}}")
_GLUED_DOT = re.compile(
    r"[^\W\d_][.\u00b7][^\W\d_]{2}|[^\W\d_]{2}[.\u00b7][^\W\d_]|\w\s+\.\s*\w"
    r"|\w\s*[(\[{<]\s*\W?\.\W?\s*[)\]}>]\s*\w"
)
_SPOKEN_DOT = re.compile(r"[A-Za-z0-9]\s*[(\[{<]?\s*\bdot\b\s*[)\]}>]?\s*([A-Za-z]{2,12})\b", re.IGNORECASE)
_GLUED_SIGN = re.compile(r"\w@|@\w|\w#\B|#\w|\w_+\w")
_SLASHES = re.compile(r":/|//|\\|\w/\w+/|[A-Za-z]{3}:[A-Za-z?]")
_SEPARATED = re.compile(r"[A-Za-z0-9]{2}[/\\|\u00b7\u2022\u2027\u2219~^]([A-Za-z]{2,12})\b")
_TICKER = re.compile(r"(?<![^\W_])[^\W\d_]{3,12}(?![^\W_])")
_MULTIPLE = re.compile(r"\d\s?[x\u00d7*]\b|\b[x\u00d7]\s?\d|%|\u2030", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")
_SPELLED = re.compile(r"(?<!\w)\w(?:[\s.\-_*|/,]+\w(?!\w)){4,}")
_LATIN_WITH = frozenset(("LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH", ""))
_NO_SCRIPT = frozenset(("MODIFIER", "MASCULINE", "FEMININE", "MICRO", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER"))

_THOUSANDS = 3
_LEAST_NAME = 3
_ECHOED_WORDS = 4
_ECHOED_SIGNS = 10
"""So many letters in a row of a script that writes without spaces are about four words."""


class Strangers:
    """Judges replies of one character to one post."""

    def __init__(self, persona: Persona, context: Context) -> None:
        self._names = context.names
        self._trusted = normal_form(trusted_text(persona, context))
        self._is_loud = self._trusted.isupper()
        said = (context.about, *(() if context.is_memory_trusted else (context.memory,)))
        self._heard = tuple(reading for text in said for reading in readings(text))
        self._known_numbers = _numbers(self._trusted)
        self._heard_numbers = frozenset(number for reading in self._heard for number in _numbers(reading))
        self._passages = frozenset(
            passage for reading in self._heard for passage in texts.passages(reading, _ECHOED_WORDS)
        )
        self._runs = frozenset(run for reading in self._heard for run in _unspaced(reading))

    def reasons(self, plain: str) -> Iterator[str]:
        """Yield what a reply in normal form has taken from others, or promises."""
        yield from self._identifiers(plain)
        yield from self._amounts(plain)
        yield from self._echoes(plain)
        if any(self._says(plain, name) and not texts.says(self._trusted, name) for name in self._names):
            yield "names another character, whom it was not told of"

    def _identifiers(self, plain: str) -> Iterator[str]:
        if (
            _GLUED_DOT.search(plain)
            or _SLASHES.search(plain)
            or any(is_ending(ending[1]) for pattern in (_SPOKEN_DOT, _SEPARATED) for ending in pattern.finditer(plain))
        ):
            yield "contains what may be a link"
        if _GLUED_SIGN.search(plain):
            yield "contains what may be a handle or a tag"
        if _SPELLED.search(plain):
            yield "spells something out"
        if any(_is_dressed(word) and word not in self._trusted for word in _WORD.findall(plain)):
            yield "has digits in place of letters"
        if any(_mixes_scripts(word) for word in re.findall(r"\w+", plain)):
            yield "mixes alphabets within a word"
        if not plain.isupper() and any(self._is_ticker(word) for word in _TICKER.findall(plain)):
            yield "has a symbol from nowhere"

    def _says(self, plain: str, name: str) -> bool:
        # A part of a name may be a word, if it isn't written as a name.
        parts = (part for part in name.split() if len(part) >= _LEAST_NAME and part.istitle())
        return any(texts.says(form, name) for form in readings(plain)) or any(
            re.search(rf"(?<!\w){re.escape(part)}(?!\w)", plain) for part in parts
        )

    def _is_ticker(self, word: str) -> bool:
        return word.isupper() and not texts.says(self._trusted, word)

    def _amounts(self, plain: str) -> Iterator[str]:
        if any(_is_money(plain, place) for place, sign in enumerate(plain) if unicodedata.category(sign) == "Sc"):
            yield "names a price"
        if _MULTIPLE.search(plain):
            yield "has a percentage or a multiple"
        new = _numbers(plain) - self._known_numbers
        if new & self._heard_numbers:
            yield "takes a number from what it answers"
        # One or two digits are a time of day or how many gates there are.
        if any(len(number) > 2 for number in new):
            yield "has a number from nowhere"

    def _echoes(self, plain: str) -> Iterator[str]:
        forms = decodings(plain)
        if any(texts.passages(form, _ECHOED_WORDS) & self._passages for form in forms) or any(
            run in self._runs for form in forms for run in _unspaced(form)
        ):
            yield "repeats what it answers"


def trusted_text(persona: Persona, context: Context) -> str:
    """Return everything that code trusts about a character: what its persona says, and memories of its own."""
    who, style = persona.personality, persona.style
    examples = (*persona.post_examples, *persona.reply_examples, *persona.trade_post_examples)
    told = (
        *(persona.name, persona.description, who.background, who.speaking_style, style.voice, style.tone),
        *(*who.traits, *who.values, *who.interests, *who.quirks, *style.key_terms, *persona.system_prompts),
        *(seed.text for seed in persona.memory.seeds),
        *(known.notes for known in persona.memory.relationships),
        *(part for item in examples for part in (item.about, item.text, item.memory)),
        context.memory if context.is_memory_trusted else "",
    )
    return "\n".join(part for part in told if part)


def _numbers(plain: str) -> frozenset[str]:
    """Return each number, whatever signs group its digits: `1,000` and `1000` are one, and so are `0,5` and `0.5`."""
    return frozenset(map(_number, _NUMBER.findall(plain)))


def _number(found: str) -> str:
    parts = re.split(r"\D", found)
    is_grouped = len(parts) > 1 and parts[0] != "0" and all(len(part) == _THOUSANDS for part in parts[1:])
    return "".join(parts) if is_grouped else ".".join(parts)


def _is_money(plain: str, place: int) -> bool:
    near = plain[max(0, place - 2) : place] + plain[place + 1 : place + 3]
    return any(sign.isalnum() for sign in near)


def _is_dressed(word: str) -> bool:
    """Say whether digits stand between or behind letters: `3v1l` and `guy99`, and neither `7pm` nor `B12`."""
    kinds = [sign.isdigit() for sign in word]
    if word[:2].isalpha() and word[-1].isdigit():
        return True
    return sum(kind != before for before, kind in itertools.pairwise(kinds)) > 1


def _mixes_scripts(word: str) -> bool:
    scripts = {script_of(letter) for letter in word} - _NO_SCRIPT - {""}
    return len(scripts) > 1 and not scripts <= _LATIN_WITH and not scripts <= (_LATIN_WITH - {"LATIN"})


def _unspaced(text: str) -> Iterator[str]:
    """Yield every run of so many letters of a script without spaces, signs between them left out."""
    letters = "".join(sign for sign in text if texts.is_unspaced(sign))
    for start in range(len(letters) - _ECHOED_SIGNS + 1):
        yield letters[start : start + _ECHOED_SIGNS]
