"""Words of texts and queries: what is looked for."""

import itertools
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, kana, Han, and Hangul, whose blanks stand between phrases."""
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

# Words that say nothing about what is meant, so that a query without them finds more of it.
_STOP_WORDS = frozenset(
    " ".join(
        (
            "a about after all also am an and any are as at be because been before being but by can could d did do",
            "does doing each for from had has have having he her hers him his how i if in into is it its just ll m me",
            "mine more most my no nor not now of off on once only or other our ours out over own re s same she should",
            "so some such t than that the their theirs them then there these they this those through to too under",
            "until up us ve very was we were what when where which while who whom whose why will with would you your",
            "yours",
        )
    ).split()
)


def fold(text: str) -> str:
    """Return a text in lower case and without accents."""
    if text.isascii():
        return text.lower()
    # Taken apart before too: only then some letters have another case, such as those of bold names.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def spaced(text: str) -> str:
    """Return a text as it is indexed: folded, without vowel signs, and with blanks between what is looked for.

    Where a script doesn't say where a word ends, every letter and every two neighbours are looked for.
    """
    if text.isascii():
        return text.lower()
    return _UNSPACED.sub(lambda run: f" {' '.join(_pieces(run[0]))} ", _unmarked(text))


def query_terms(query: str) -> list[str]:
    """Return the words to look for, each once: all but the stop words, or all when there are no others."""
    words = list(dict.fromkeys(_WORD.findall(_unmarked(query))))
    return [word for word in words if word not in _STOP_WORDS] or words


def indexed_words(text: str) -> list[str]:
    """Return the words of a text as they are indexed."""
    return _WORD.findall(spaced(text))


def day_words(time: datetime) -> str:
    """Return a day in the words that a question may use for it."""
    return f"{time.day} {_MONTHS[time.month - 1]} {time.year} {_DAYS[time.weekday()]}"


def without(names: Iterable[str], terms: Iterable[str]) -> list[str]:
    """Return these words but for those that a name is made of."""
    taken = {word for name in names for word in name.split()}
    return [term for term in terms if term not in taken]


def _unmarked(text: str) -> str:
    """Return a text folded and without any mark: letters of Indic and Thai words are not to be cut at their vowels."""
    folded = fold(text)
    if folded.isascii():
        return folded
    letters = "".join(letter for letter in folded if not unicodedata.category(letter).startswith("M"))
    return unicodedata.normalize("NFC", letters)  # what folding took apart, syllables of Hangul are put together


def _pieces(run: str) -> list[str]:
    return [*run, *map("".join, itertools.pairwise(run))]
