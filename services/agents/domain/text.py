"""Reading a text as a reader would: its words, how alike two texts are, and how long the network finds it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

# Vowels and tones that stand above, below and beside letters belong to the word, though they are no letters.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06ed"
    "\u0900-\u0963\u0971-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ecd\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3"
    "\u200c\u200d"
)
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*(?:['\u2019][^\W_](?:[^\W_]|[{_MARKS}])*)*")
_UNSPACED = (
    range(0x0E00, 0x0F00),
    range(0x1000, 0x10A0),
    range(0x1780, 0x1800),
    range(0x3005, 0x3008),
    range(0x3041, 0x3100),
    range(0x31F0, 0x3200),
    range(0x3400, 0x4DC0),
    range(0x4E00, 0xA000),
    range(0xF900, 0xFB00),
    range(0x20000, 0x32000),
)
"""The scripts that put no space between words: Thai, Lao, Burmese, Khmer, kana and Chinese characters."""
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
# Handles are of ASCII letters and as long as X allows: what follows without a blank is said.
_HANDLE = re.compile(r"(?<!\w)[@\uff20]\w{1,15}", re.ASCII)
_MARKUP = str.maketrans("<>[]{}\uff1c\uff1e\uff3b\uff3d", "\u2039\u203a()()\u2039\u203a()")
_SUFFIX = re.compile(r"(?:'s|ies|ing|ed|es|s|ly|y)$")
_SENTENCE = re.compile(r"[^.!?\u2026]+[.!?\u2026]*")
_URL_WEIGHT = 23
# The ranges that X counts as one; all other signs count as two.
_LIGHT = (range(4352), range(8192, 8206), range(8208, 8224), range(8242, 8248))

_STOP = """
a about after again all also am an and any are as at back be because been before being but by can could did do does
doing don't down even every for from get gets getting go goes going got had has have having he her here him his how i
i'd i'll i'm i've if in into is isn't it it's its just keep keeps know let like made make makes many may me might more
most much must my never new no not now of off on once one only or other our out over own put really said same say says
see she should since so some something still such take than that that's the their them then there there's these they
they're thing things think this those though through to today too two under until up us use very want was way we well
were what when where which while who why will with without would yes yet you you're your
"""
_STOP_WORDS = frozenset(_STOP.split())


def words(text: str) -> list[str]:
    """Return the words in lower case, links left out."""
    return tokens(_URL.sub(" ", text).casefold().replace("\u2019", "'"))


def tokens(text: str) -> list[str]:
    """Return the words as they are written."""
    return _WORD.findall(text)


def is_unspaced(sign: str) -> bool:
    """Say whether a sign belongs to a script that puts no space between words."""
    return ord(sign) >= 0x0E00 and any(ord(sign) in script for script in _UNSPACED)


def parted(text: str) -> str:
    """Return a text with spaces between words that are spaced and those of scripts without spaces around them."""
    signs: list[str] = []
    before = ""
    for sign in text:
        if unicodedata.combining(sign):
            signs.append(sign)
            continue
        is_seam = sign.isalnum() and before.isalnum() and is_unspaced(before) != is_unspaced(sign)
        signs.append(f" {sign}" if is_seam else sign)
        before = sign
    return "".join(signs)


def size(text: str) -> int:
    """Return about how many words a text has: in scripts without spaces two signs count as one."""
    unspaced = sum(map(is_unspaced, text))
    return sum(not any(map(is_unspaced, word)) for word in words(text)) + (unspaced + 1) // 2


def stem(word: str) -> str:
    """Return a word without its common English endings; crude, but the same for `trade`, `trades` and `trading`."""
    bare = _SUFFIX.sub("", word)
    bare = bare if len(bare) >= 3 else word
    return bare[:-1] if len(bare) > 3 and bare.endswith("e") else bare


def content(text: str) -> frozenset[str]:
    """Return the stems of the words that carry meaning."""
    return frozenset(
        stem(word) for word in words(text) if word not in _STOP_WORDS and (len(word) > 2 or word.isdigit())
    )


def small_words(text: str) -> int:
    """Return how many words of a text are those that English is held together by."""
    return sum(word in _STOP_WORDS for word in words(text))


def shared(text: str, other: str) -> frozenset[str]:
    """Return the stems of the words with meaning that both texts have."""
    return content(text) & content(other)


def says(text: str, phrase: str) -> bool:
    """Say whether the phrase stands in a text as words of its own, whatever its case."""
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.IGNORECASE) is not None


def habits(examples: Sequence[str]) -> frozenset[str]:
    """Return the words that stand in so many examples that they are a manner, and no matter."""
    counts = Counter(word for example in examples for word in set(words(example)))
    return frozenset(word for word, count in counts.items() if len(examples) > 3 and count >= 0.4 * len(examples))


def frame(examples: Sequence[str]) -> tuple[str, str]:
    """Return the word that all examples begin with, and the sentence that all end with; empty where they differ."""
    if len(examples) < 4:
        return "", ""
    first = {example.split(" ", 1)[0] for example in examples}
    last = {sentences(example)[-1] for example in examples if sentences(example)}
    return first.pop() if len(first) == 1 else "", last.pop() if len(last) == 1 else ""


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, each with the sign that ends it."""
    return [part.strip() for part in _SENTENCE.findall(text) if part.strip()]


def without(text: str, manner: Collection[str]) -> str:
    """Return the words of a text that are none of these."""
    return " ".join(word for word in words(text) if word not in manner)


def trigrams(text: str) -> frozenset[str]:
    """Return the runs of three letters in the words of a text, to see by `nearest` how alike two texts are."""
    row = f" {' '.join(words(text))} "
    return frozenset(row[start : start + 3] for start in range(len(row) - 2))


def nearest(mine: frozenset[str], others: Iterable[frozenset[str]]) -> float:
    """Return how alike a text is to the most similar of the others, 0 to 1: the Jaccard index of their trigrams."""
    common = ((len(mine & other), len(other)) for other in others if other)
    return max((both / (len(mine) + size - both) for both, size in common), default=0.0) if mine else 0.0


def passages(text: str, length: int) -> frozenset[tuple[str, ...]]:
    """Return every run of so many words: two texts that share one have a passage in common, word for word."""
    said = words(text)
    return frozenset(tuple(said[start : start + length]) for start in range(len(said) - length + 1))


def weighted_length(text: str) -> int:
    """Return the length as X counts it: a link is 23, most letters are 1, emoji and wide scripts 2."""
    bare, links = _URL.subn("", unicodedata.normalize("NFC", text))
    return links * _URL_WEIGHT + sum(1 if any(ord(char) in light for light in _LIGHT) else 2 for char in bare)


def spoken(text: str) -> str:
    """Return what a post says, without the handles and links in it."""
    return " ".join(_HANDLE.sub(" ", _URL.sub(" ", text)).split())


def inert(text: str) -> str:
    """Return a text without the brackets that any model's control tokens need, such as `<|im_end|>` and `[INST]`.

    Servers read these tokens in whatever they are sent, and not only in what they put there themselves.
    """
    return text.translate(_MARKUP)


def gist(text: str, most: int = 4) -> str:
    """Return the first words with meaning of a text: something to talk about."""
    told = [word for word in words(text) if word not in _STOP_WORDS and len(word) > 2]
    return " ".join(told[:most])


def line(text: str, most: int) -> str:
    """Return a text on one line of at most `most` characters, cut between words."""
    whole = " ".join(text.split())
    return whole if len(whole) <= most else whole[: most + 1].rpartition(" ")[0] or whole[:most]
