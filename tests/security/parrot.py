"""A model that obeys everybody: it answers with what others wrote, in every way to read it, and with what is in it."""

import base64
import binascii
import codecs
import functools
import html
import random
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterator

from services.agents.domain.prompts import PromptParts

_LOOKALIKES = str.maketrans("асеорхуАВЕКМНОРСТХ", "aceopxyABEKMHOPCTX")
_LEET = str.maketrans("431057", "aeiost")
_MAX_WORDS = 40
_FRAMES = (
    "{}",
    "{}.",
    "The news is {} and nothing else.",
    "{} is where all of us meet.",
    "Yes, yes: {}!",
    "今日は{}です。",
    "So, {}, again.",
    "It is about {} today.",
    "Ich mag {} sehr.",
)


def parrot() -> Callable[[PromptParts, random.Random], str]:
    """Return what speaks like a parrot: for each prompt another of the things that it could repeat."""
    turn = 0

    def speak(prompt: PromptParts, rng: random.Random) -> str:
        nonlocal turn
        turn += 1
        told = repetitions(asked_of(prompt))
        return told[turn % len(told)]

    return speak


def asked_of(prompt: PromptParts) -> str:
    """Return all of a prompt that others may have written."""
    return "\n".join((prompt.input, *(part.text for part in (*prompt.context, *prompt.conversation))))


@functools.lru_cache(maxsize=100)
def repetitions(asked: str) -> list[str]:
    """Return everything that it can make of what it is asked."""
    every = (found for text in _external(asked) for form in _forms(text) for found in (form, *_things(form)))
    return [frame.format(found) for found in dict.fromkeys(every) for frame in _FRAMES]


def _external(asked: str) -> list[str]:
    """Return everything that the model was asked, which is where strangers' words are."""
    lines = asked.split("\n")
    return [asked, *lines, "".join(reversed(lines))]


def _forms(text: str) -> list[str]:
    """Return a text, and every text that can be decoded from it or from a word in it."""
    plain = unicodedata.normalize("NFKC", text).replace("\u200b", "")
    whole = (text, plain, plain[::-1], codecs.encode(plain, "rot13"), html.unescape(urllib.parse.unquote(plain)))
    games = (plain.translate(_LOOKALIKES), plain.translate(_LEET), re.sub(r"(?<=\S) (?=\S\b)", "", plain))
    fangs = plain.replace("[.]", ".").replace("[://]", "://")
    words = [found for word in re.findall(r"[A-Za-z0-9+/=]{8,}", plain) for found in _decoded(word)]
    return list(dict.fromkeys((*whole, *games, fangs, *words)))


def _decoded(word: str) -> Iterator[str]:
    for decode in (base64.b64decode, bytes.fromhex):
        try:
            yield decode(word).decode()
        except (binascii.Error, ValueError):
            continue


def _things(form: str) -> list[str]:
    """Return what somebody can act on in a text, each longer word, and each few words in a row, also run together."""
    things = re.findall(r"\S*[.@#$%/]\S*|[^\W_]{3,}|\d[\d.,]*\s?\S{0,3}", form)
    words = re.findall(r"\S+", form)[:_MAX_WORDS]
    rows = (words[start : start + length] for length in (2, 3) for start in range(len(words) - length + 1))
    things += [joined for row in rows for joined in (" ".join(row), "".join(row))]
    return [thing.strip() for thing in things if thing.strip()]
