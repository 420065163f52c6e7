"""What a network makes of a text: the links, mentions, hashtags and cashtags that it would find in it.

The rules are those of X's twitter-text, taken widely: what X might link in one of its clients is an entity here. Which
ends of a name are domains stands in the Public Suffix List.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from publicsuffixlist import PublicSuffixList

from services.runtime.text.normal import normal_form

_MAX_LABEL = 24
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}:/{1,2}\S+")
# A full stop of another script between Latin letters is one to a browser.
_FOREIGN_DOT = re.compile(r"(?<=[A-Za-z0-9])[\u3002\uff61\u06d4](?=[A-Za-z0-9]+(?!\w))")
_HOST = re.compile(r"[\w.-]+")
_ASCII_LABEL = re.compile(r"[A-Za-z0-9-]+")
_MENTION = re.compile(r"@(\w{1,50})")
_HASHTAG = re.compile(r"(?<![\w&])#(\w{1,140})")
_CASHTAG = re.compile(r"(?<![\w$])\$([A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?)(?![A-Za-z])")


class EntityKind(StrEnum):
    """What an entity is."""

    LINK = "link"
    MENTION = "mention"
    HASHTAG = "hashtag"
    CASHTAG = "cashtag"


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that a network acts on; `text` is in normal form, without the sign in front."""

    kind: EntityKind
    text: str


def entities(text: str) -> list[Entity]:
    """Return what a network would act on in a text, whatever signs it is written with."""
    plain = _FOREIGN_DOT.sub(".", normal_form(text))
    found = [Entity(EntityKind.LINK, url[0]) for url in _SCHEME.finditer(plain)]
    found += [Entity(EntityKind.LINK, name) for name in _hosts(plain)]
    found += [Entity(EntityKind.MENTION, mention[1]) for mention in _MENTION.finditer(plain)]
    tags = (tag[1] for tag in _HASHTAG.finditer(plain))
    found += [Entity(EntityKind.HASHTAG, tag) for tag in tags if any(sign.isalpha() for sign in tag)]
    return found + [Entity(EntityKind.CASHTAG, tag[1]) for tag in _CASHTAG.finditer(plain)]


@functools.lru_cache(maxsize=10_000)
def is_ending(label: str) -> bool:
    """Say whether a label is a top-level domain, in its own letters or in Punycode."""
    return 1 < len(label) <= _MAX_LABEL and _suffixes().publicsuffix(f"a.{label.casefold()}") is not None


def _hosts(plain: str) -> Iterator[str]:
    """Yield the runs of labels that end as a domain does."""
    for run in _HOST.finditer(plain):
        labels = run[0].split(".")
        for place in range(1, len(labels)):
            if labels[place - 1].strip("-_") and _begins_with_ending(labels[place]):
                yield run[0]
                break


def _begins_with_ending(label: str) -> bool:
    """Say whether a label is an ending, with other letters right behind it as in languages without spaces."""
    if found := _ASCII_LABEL.match(label):
        return is_ending(found[0])
    return any(is_ending(label[:length]) for length in range(2, min(len(label), _MAX_LABEL) + 1))


@functools.cache
def _suffixes() -> PublicSuffixList:
    """Return the list; read once, when it is first asked for."""
    return PublicSuffixList(accept_unknown=False, only_icann=True)
