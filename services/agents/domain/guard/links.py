"""Links, hosts and addresses that stand in what was heard, however a reply says the dot in them."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from services.agents.domain import lexicon
from services.agents.domain import text as texts
from services.runtime.text.entities import is_ending
from services.runtime.text.normal import squeezed

_Link = tuple[str, str]
"""A label and an ending, squeezed."""

_WORD = re.compile(r"[^\W_]+")
_BRACKETED = re.compile(r"[(\[{<][^()\[\]{}<>]{0,80}[)\]}>]")
_JOINING = frozenset(("Pd", "Pi", "Pf", "Lm", "Mn", "Sk"))
"""Dashes, quotes and marks: they join words of every day."""
_DOTS_IN_WORDS = 2
_MAX_BRACKETED = 4
_MAX_GLUED = 3
_MAX_BETWEEN = 7
_MAX_BETWEEN_SPOKEN = 3
_MAX_LABEL = 3
"""Words that a label is cut into."""


class Links:
    """Knows what stands as a link in every reading of what was heard, in normal form."""

    def __init__(self, heard: Sequence[str], languages: frozenset[str]) -> None:
        self._languages = languages
        self._hosts = frozenset(link for reading in heard for link in self._hosts_in(reading))
        self._spoken = frozenset(link for reading in heard for link in self._spoken_in(reading))
        self._same = frozenset(words for reading in heard for words in self._same_in(reading))
        self._endings = frozenset(ending for _, ending in self._hosts | self._spoken)

    def are_in(self, form: str) -> bool:
        """Say whether a text has a label of these and its ending a few words later, whatever is between."""
        return any(
            link in self._hosts or (between <= _MAX_BETWEEN_SPOKEN and link in self._spoken)
            for link, between in self._said(form)
        ) or not self._same.isdisjoint(self._same_in(form))

    def _hosts_in(self, reading: str) -> Iterator[_Link]:
        """Yield what is joined to an ending by signs or brackets, and both sides of an `@`."""
        found = list(_WORD.finditer(reading))
        for place, label in enumerate(found):
            for reach, end in enumerate(found[place + 1 : place + 2 + _MAX_BRACKETED]):
                gap, ending = reading[label.end() : end.start()], squeezed(end[0])
                is_joined = self._is_dot(gap, ending) if not reach else _BRACKETED.fullmatch(gap.strip()) is not None
                if (is_joined and is_ending(ending)) or gap == "@":
                    yield squeezed(label[0]), ending

    def _is_dot(self, gap: str, ending: str) -> bool:
        signs = gap.strip()
        if not 0 < len(signs) <= _MAX_GLUED or any(map(_is_joining, signs)):
            return False
        if signs == gap or _BRACKETED.fullmatch(signs):
            return True
        # With spaces around it a sign may end a sentence, or be a picture.
        is_apart = gap[0].isspace() and gap[-1].isspace() and unicodedata.category(signs[0]) != "So"
        return is_apart and len(signs) == 1 and not lexicon.is_everyday(ending, self._languages)

    def _spoken_in(self, reading: str) -> Iterator[_Link]:
        """Yield a word that means something and an ending, with what may be the dot in words between."""
        words = texts.words(reading)
        for place, ending in enumerate(words):
            if not is_ending(ending) or lexicon.is_everyday(ending, self._languages):
                continue
            nearest = 2 if lexicon.is_common(ending, self._languages) else 1
            for label in words[max(0, place - 1 - _DOTS_IN_WORDS) : max(0, place + 1 - nearest)]:
                if not lexicon.is_everyday(label, self._languages):
                    yield squeezed(label), squeezed(ending)

    def _same_in(self, reading: str) -> Iterator[tuple[str, ...]]:
        """Yield an ending with the two words before it, unless both ends are said all the time in one language."""
        words = texts.words(reading)
        spoken = [frozenset((language,)) for language in self._languages]
        for place, ending in enumerate(words[2:], 2):
            if is_ending(ending) and not any(
                lexicon.is_everyday(words[place - 2], one) and lexicon.is_everyday(ending, one) for one in spoken
            ):
                yield tuple(words[place - 2 : place + 1])

    def _said(self, form: str) -> Iterator[tuple[_Link, int]]:
        """Yield each label, of a few words run together, with a known ending behind it and how many words later."""
        words = [squeezed(word) for word in _WORD.findall(form)]
        for place, ending in enumerate(words):
            if ending not in self._endings:
                continue
            for start in range(max(0, place - _MAX_BETWEEN - _MAX_LABEL), place):
                for end in range(start + 1, min(start + _MAX_LABEL, place) + 1):
                    yield ("".join(words[start:end]), ending), place - end


def _is_joining(sign: str) -> bool:
    return sign in "'\"" or unicodedata.category(sign) in _JOINING
