"""Whom a text names: how names are compared, and where in a text one may stand."""

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

_LONGEST = 3  # words
_LONGEST_UNSPACED, _MAX_UNSPACED = 12, 200
"""Where no blanks part words: how many signs a name has at most, and in how many signs of a text names are sought."""

_ASCII_WORD = re.compile("[a-z0-9]+")
_STRETCH = re.compile(
    "(?P<katakana>[\u30a1-\u30ff\u31f0-\u31ff]+)|(?P<kana>[\u3041-\u309f]+)"
    "|(?P<han>[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)|(?P<hangul>[\uac00-\ud7a3]+)"
    "|(?P<syllables>[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+)"
    "|(?P<spaced>[^\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
"""The scripts of a word: of those that write no blanks between words, and (`spaced`) of all others."""
_WHOLE = frozenset({"katakana", "spaced"})
"""What is written in these is a word from end to end: Pia isn't in a piano."""
_BEFORE = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
_AFTER = frozenset("\u0e30\u0e32\u0e45\u0e46\u0eb0\u0eb2\u0ebd\u0ec6")
"""Vowels of Thai and Lao that are letters, and belong to the consonant after or before them."""
_JOINS = frozenset("\u1039\u17d2")
"""What puts the next consonant below this one, in Burmese and Khmer."""
_ENDS = "\u103a"
"""What makes a Burmese consonant the end of a syllable."""

# The classes of marks that may be left out in writing: points of Hebrew and Arabic, and accents.
_POINTS, _ACCENTS = range(10, 37), 200


@dataclass(frozen=True, slots=True)
class PossibleNames:
    """What a text may name, in the form of `name_key`, with the places where each stands."""

    places: Mapping[str, Collection[tuple[int, int]]]

    def named(self, known: Collection[str]) -> set[str]:
        """Return those of these known names that the text has, other than as a part of a longer one."""
        if len(known) < 2:
            return set(known)
        standing = sorted((start - end, start, end, name) for name in known for start, end in self.places[name])
        taken: set[int] = set()
        named = set()
        for _, start, end, name in standing:
            if taken.isdisjoint(range(start, end)):
                taken.update(range(start, end))
                named.add(name)
        return named


def name_key(name: str) -> str:
    """Return the form in which names are compared: `@Nova` and `nova` are one."""
    return " ".join(word for word, _ in _words(_form(name)))


def possible_names(text: str) -> PossibleNames:
    """Return every run of one to three words of a text, and what may be a name within a word.

    Within a word that is where its script changes, and anywhere between syllables where the script writes no blanks; in
    Hangul only from the start of a word, and never in katakana. A sign by itself has to stand alone in its script.
    """
    words = list(_words(_form(text)))
    places: dict[str, list[tuple[int, int]]] = {}
    for length in range(1, _LONGEST + 1):
        for at in range(len(words) - length + 1):
            run = words[at : at + length]
            start, end = run[0][1], run[-1][1] + len(run[-1][0])
            places.setdefault(" ".join(word for word, _ in run), []).append((start, end))
    if not text.isascii():
        left = _MAX_UNSPACED
        for word, start in words:
            if left > 0 and not word.isascii():
                for first, last in _within(word[:left]):
                    places.setdefault(word[first:last], []).append((start + first, start + last))
                left -= len(word)
    return PossibleNames(places)


def _form(text: str) -> str:
    """Return a text in lower case and without accents, with the marks that make another sound."""
    if text.isascii():
        return text.lower()
    # Taken apart before too: only then some letters have another case, such as those of bold names.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(sign for sign in apart if not _is_left_out(sign)))


def _is_left_out(sign: str) -> bool:
    order = unicodedata.combining(sign)
    # Selectors and joiners choose how a letter looks.
    return order in _POINTS or order >= _ACCENTS or unicodedata.category(sign) == "Cf" or "\ufe00" <= sign <= "\ufe0f"


def _words(form: str) -> Iterator[tuple[str, int]]:
    """Yield the words with their places: letters and digits, and the marks on them."""
    if form.isascii():
        yield from ((found[0], found.start()) for found in _ASCII_WORD.finditer(form))
        return
    start = -1
    for at, sign in enumerate(form):
        if sign.isalnum() or (start >= 0 and _is_mark(sign)):
            start = at if start < 0 else start
        elif start >= 0:
            yield form[start:at], start
            start = -1
    if start >= 0:
        yield form[start:], start


def _within(word: str) -> Iterator[tuple[int, int]]:
    """Yield the places within a word at which a name may stand."""
    stretches = [(found.lastgroup or "", found.start(), found.end()) for found in _STRETCH.finditer(word)]
    if all(script == "spaced" for script, _, _ in stretches):
        return
    alone = {(start, end) for _, start, end in stretches}
    marks = [_is_mark(sign) for sign in word]
    letters = [0, *itertools.accumulate(not is_mark for is_mark in marks)]
    starts, ends = [], set[int]()
    for script, start, end in stretches:
        starts.append(start)
        ends.add(end)
        if script not in _WHOLE:
            inside = [at for at in range(start + 1, end) if not marks[at] and _parts(word, at)]
            starts += inside if script != "hangul" else []
            ends.update(inside)
    for start in starts:
        for end in range(start + 1, min(len(word), start + _LONGEST_UNSPACED) + 1):
            if end in ends and (letters[end] - letters[start] > 1 or (start, end) in alone):
                yield start, end


def _parts(word: str, at: int) -> bool:
    """Tell whether one syllable ends, and another one begins, at a place in a word that has no mark."""
    before, after = word[at - 1], word[at]
    return not (before in _BEFORE or before in _JOINS or after in _AFTER or word[at + 1 : at + 2] == _ENDS)


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign).startswith("M")
