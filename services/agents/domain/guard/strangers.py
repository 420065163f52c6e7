"""What a reply may not take from whom it answers: by its structure and by where it comes from, in every language.

Nothing that somebody can act on (a link, a name, a price, an address) comes into a reply unless it stands in what code
trusts: the persona and the memories of the character and its operator.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.agents.domain.guard.amounts import Amounts
from services.agents.domain.guard.links import Links
from services.agents.domain.guard.model import Context
from services.agents.domain.guard.names import Names
from services.agents.domain.persona import Capitalization, Persona
from services.runtime.text.entities import is_ending
from services.runtime.text.identifiers import decodings, readings
from services.runtime.text.normal import normal_form, script_of

_GLUED_DOT = re.compile(
    r"[^\W\d_][.\u00b7][^\W\d_]{2}|[^\W\d_]{2}[.\u00b7][^\W\d_]|\w\s+\.\s*\w"
    r"|\w\s*[(\[{<]\s*\W?\.\W?\s*[)\]}>]\s*\w"
)
_SPOKEN_DOT = re.compile(r"[A-Za-z0-9]\s*[(\[{<]?\s*\bdot\b\s*[)\]}>]?\s*([A-Za-z]{2,12})\b", re.IGNORECASE)
_GLUED_SIGN = re.compile(r"\w@|@\w|\w#\B|#\w|\w_+\w")
_SLASHES = re.compile(r":/|//|\\|\w/\w+/|[A-Za-z]{3}:[A-Za-z?]")
_SEPARATED = re.compile(r"[A-Za-z0-9]{2}[/\\|\u00b7\u2022\u2027\u2219~^]([A-Za-z]{2,12})\b")
_UNSPACED_DOT = re.compile(r"[A-Za-z0-9][\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]{1,3}([A-Za-z]{2,12})(?![A-Za-z0-9])")
_TICKER = re.compile(r"(?<![^\W_])[^\W\d_]{3,12}(?![^\W_])")
_WORD = re.compile(r"[A-Za-z0-9]+")
_SPELLED = re.compile(r"(?<!\w)(?:\w(?:[\s.\-_*|/,]+\w(?!\w)){3,}|[A-Za-z](?:[\s.\-_*|/,]+[A-Za-z](?!\w)){2,})")
# Braille, Morse, and letters in boxes in a row, of which two may be a flag.
_HIDING = re.compile(
    r"[\u2801-\u28ff]|(?:[.\-\u00b7\u2022]{1,6}[\s/|]+){2,}[.\-\u00b7\u2022]{1,6}(?!\S)"
    r"|(?:[\U0001f1e6-\U0001f1ff\U0001f130-\U0001f189]\s*){3}"
)
_LATIN_WITH = frozenset(("LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH", ""))
# Those that UAX 31 recommends for identifiers: written by many people today.
_SCRIPTS = """
LATIN CYRILLIC GREEK ARMENIAN GEORGIAN HEBREW ARABIC THAANA ETHIOPIC DEVANAGARI BENGALI GURMUKHI GUJARATI ORIYA TAMIL
TELUGU KANNADA MALAYALAM SINHALA THAI LAO TIBETAN MYANMAR KHMER HANGUL HIRAGANA KATAKANA BOPOMOFO CJK
"""
_NO_SCRIPT = frozenset(("MODIFIER", "MASCULINE", "FEMININE", "MICRO", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER"))
_WRITTEN_TODAY = frozenset(("", *_SCRIPTS.split(), *_NO_SCRIPT))

MAX_HEARD = 600
"""Signs of a text that are looked at."""
_MAX_UNFOLDED = 3_000
"""Letters of it in normal form, where one sign may be eighteen."""
_ECHOED_EVERYDAY = 5
_ECHOED_MEANING = {3: 3, 4: 2}
"""Of so many words in a row, how many aren't said all the time: `it will be cold` is said by everybody."""
_ECHOED_SIGNS = 10
"""So many letters in a row of a script that writes without spaces are about four words."""


class Strangers:
    """Judges replies of one character to one post."""

    def __init__(self, persona: Persona, context: Context) -> None:
        self._trusted = normal_form(trusted_text(persona, context))
        style = persona.style.capitalization
        self._is_loud = style is Capitalization.UPPERCASE
        said = _said(context)
        self._is_heard_out = all(len(normal_form(text)) <= _MAX_UNFOLDED for text in said)
        heard = tuple(texts.parted(form) for text in said if self._is_heard_out for form in readings(text))
        self._amounts = Amounts(self._trusted, heard)
        self._names = Names(
            *(self._trusted, heard, context.names, context.symbols),
            capitalises_all=style in (Capitalization.UPPERCASE, Capitalization.TITLE),
        )
        self._languages = lexicon.languages_of(self._trusted) | lexicon.languages_of(heard[0] if heard else "")
        self._passages = frozenset(passage for reading in heard for passage in self._telling(reading))
        self._runs = frozenset(run for reading in heard for run in texts.runs(reading, _ECHOED_SIGNS))
        self._links = Links(heard, self._languages)

    def reasons(self, plain: str) -> Iterator[str]:
        """Yield what a reply in normal form has taken from others, or promises."""
        if not self._is_heard_out:
            yield "answers what is too long to be judged"
            return
        yield from self._identifiers(plain)
        parted = texts.parted(plain)
        forms = decodings(parted)
        yield from self._amounts.reasons(parted)
        yield from self._names.reasons(parted, forms)
        yield from self._echoes(forms)

    def _identifiers(self, plain: str) -> Iterator[str]:
        if (
            _GLUED_DOT.search(plain)
            or _SLASHES.search(plain)
            or any(
                is_ending(ending[1])
                for pattern in (_SPOKEN_DOT, _SEPARATED, _UNSPACED_DOT)
                for ending in pattern.finditer(plain)
            )
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
        if any(script_of(letter) not in _WRITTEN_TODAY for letter in set(plain)) or _HIDING.search(plain):
            yield "is written in signs that nobody writes in"
        if not self._is_loud and any(self._is_ticker(word) for word in _TICKER.findall(texts.parted(plain))):
            yield "has a symbol from nowhere"

    def _is_ticker(self, word: str) -> bool:
        return word.isupper() and not texts.says(self._trusted, word)

    def _echoes(self, forms: Sequence[str]) -> Iterator[str]:
        if any(self._passages.intersection(self._telling(form)) for form in forms) or any(
            run in self._runs for form in forms for run in texts.runs(form, _ECHOED_SIGNS)
        ):
            yield "repeats what it answers"
        if any(map(self._links.are_in, forms)):
            yield "says a link of what it answers"

    def _telling(self, form: str) -> Iterator[tuple[str, ...]]:
        """Yield every three words in a row that mean something, four of which two do, and five whatever they are."""
        yield from texts.passages(form, _ECHOED_EVERYDAY)
        for length, least in _ECHOED_MEANING.items():
            for passage in texts.passages(form, length):
                if sum(not lexicon.is_everyday(word, self._languages) for word in passage) >= least:
                    yield passage


def _said(context: Context) -> tuple[str, ...]:
    """Return what others have said: now, before, and what may have been cut in two between them."""
    about = _bounded(context.about)
    earlier = [_bounded(text) for text in context.conversation if text]
    if context.memory and not context.is_memory_trusted:
        earlier.append(_bounded(context.memory))
    if not earlier:
        return (about,)
    now, before = texts.spoken(about), [texts.spoken(text) for text in earlier]
    cut = (first + second for first, second in itertools.pairwise(before))
    return tuple(dict.fromkeys((about, *earlier, *cut, before[-1] + now, now + before[-1])))


def _bounded(text: str) -> str:
    """Return the beginning of a text, and that of what it says: a model is shown no more."""
    if len(text) <= MAX_HEARD:
        return text
    return f"{texts.line(texts.spoken(text), MAX_HEARD)} {texts.line(text, MAX_HEARD)}"


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


def _is_dressed(word: str) -> bool:
    """Say whether digits stand between or behind letters: `3v1l` and `guy99`, and neither `7pm` nor `B12`."""
    kinds = [sign.isdigit() for sign in word]
    if word[:2].isalpha() and word[-1].isdigit():
        return True
    return sum(kind != before for before, kind in itertools.pairwise(kinds)) > 1


def _mixes_scripts(word: str) -> bool:
    scripts = {script_of(letter) for letter in word} - _NO_SCRIPT - {""}
    return len(scripts) > 1 and not scripts <= _LATIN_WITH and not scripts <= (_LATIN_WITH - {"LATIN"})
