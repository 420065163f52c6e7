"""Reading a text as a reader would: its words, its signs, and how alike two texts are."""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import regex

_WORD = regex.compile(r"[\w--_]+(?:['\u2019][\w--_]+)*", regex.V1)
# Thai, Lao, Burmese, Khmer (Unicode's line breaking class of scripts that need a dictionary), kana, Bopomofo and Han.
_UNSPACED = regex.compile(
    r"[[\p{Line_Break=SA}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Han}]&&\w]", regex.V1
)
_FIRST_UNSPACED = "\u0e00"
_CLUSTER = regex.compile(r"\X")
# Pictures that stand among the signs of writing, such as the copyright sign, are pictures when a selector says so.
_EMOJI = regex.compile(
    r"\p{Regional_Indicator}|\p{Extended_Pictographic}\ufe0f"
    r"|[\p{Extended_Pictographic}--[\u0000-\u25ff\u3000-\u33ff]]",
    regex.V1,
)
_INITIAL = regex.compile(r"(?<![\w'\u2019])\p{L}\.\s*$")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
# Handles are of ASCII letters and as long as X allows: what follows without a blank is said.
_HANDLE = re.compile(r"(?<!\w)[@\uff20]\w{1,15}", re.ASCII)
_MARKUP = str.maketrans("<>[]{}\uff1c\uff1e\uff3b\uff3d", "\u2039\u203a()()\u2039\u203a()")


def words(text: str) -> list[str]:
    """Return the words in lower case, links left out."""
    return tokens(_URL.sub(" ", text).casefold().replace("\u2019", "'"))


def tokens(text: str) -> list[str]:
    """Return the words as they are written."""
    return _WORD.findall(text)


def is_unspaced(sign: str) -> bool:
    """Say whether a letter belongs to a script that puts no space between words."""
    return sign >= _FIRST_UNSPACED and _UNSPACED.match(sign) is not None


def clusters(text: str) -> list[str]:
    """Return the signs of a text as a reader counts them: letters with their marks, a family of emoji as one."""
    return _CLUSTER.findall(text)


def is_emoji(cluster: str) -> bool:
    """Say whether a sign, as `clusters` returns it, is shown as a picture."""
    return _EMOJI.match(cluster) is not None


def parted(text: str) -> str:
    """Return a text with spaces between words that are spaced and those of scripts without spaces around them."""
    if text.isascii():
        return text
    signs: list[str] = []
    before = ""
    for sign in text:
        # By its category: the marks that Indic and Thai letters carry combine with nothing by their class.
        if unicodedata.category(sign).startswith("M"):
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


def says(text: str, phrase: str) -> bool:
    """Say whether the phrase stands in a text as words of its own, whatever its case."""
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.IGNORECASE) is not None


def habits(examples: Sequence[str]) -> frozenset[str]:
    """Return the words that stand in so many examples that they are a manner, and no matter."""
    counts = Counter(word for example in examples for word in set(words(example)))
    return frozenset(word for word, count in counts.items() if len(examples) > 3 and count >= 0.4 * len(examples))


def frame(examples: Sequence[str], languages: Collection[str]) -> tuple[str, str]:
    """Return the word that all examples begin with, and the sentence that all end with; empty where they differ."""
    if len(examples) < 4:
        return "", ""
    first = {example.split(" ", 1)[0] for example in examples}
    last = {said[-1] for example in examples if (said := sentences(example, languages))}
    return first.pop() if len(first) == 1 else "", last.pop() if len(last) == 1 else ""


def sentences(text: str, languages: Collection[str] = ()) -> list[str]:
    """Return the sentences of a text, each with what ends it; abbreviations are those of the first language."""
    # Imported here, as it brings the rules of 250 languages.
    import sentencex

    found: list[str] = []
    for part in sentencex.segment(min(languages, default="en"), text):
        if found and part[:1].islower() and _INITIAL.search(found[-1]):
            found[-1] += part
        else:
            found.append(part)
    return [part.strip() for part in found if part.strip()]


def runs(text: str, length: int) -> Iterator[str]:
    """Yield every run of so many letters of scripts without spaces, signs between them left out."""
    letters = "" if text.isascii() else "".join(filter(is_unspaced, text))
    for start in range(len(letters) - length + 1):
        yield letters[start : start + length]


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


def spoken(text: str) -> str:
    """Return what a post says, without the handles and links in it."""
    return " ".join(_HANDLE.sub(" ", _URL.sub(" ", text)).split())


def inert(text: str) -> str:
    """Return a text without the brackets that any model's control tokens need, such as `<|im_end|>` and `[INST]`.

    Servers read these tokens in whatever they are sent, and not only in what they put there themselves.
    """
    return text.translate(_MARKUP)


def line(text: str, limit: int) -> str:
    """Return a text on one line of at most `limit` characters, cut between words, or within where none have spaces."""
    whole = " ".join(text.split())
    if len(whole) <= limit:
        return whole
    head = whole[:limit] if is_unspaced(whole[limit]) else whole[: limit + 1].rpartition(" ")[0] or whole[:limit]
    ends = itertools.accumulate(map(len, clusters(whole)))
    return whole[: max((end for end in ends if end <= len(head)), default=limit)]
