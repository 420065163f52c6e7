"""The normal form of a text, in which it is judged, and the form in which it may be published.

What is judged has compatibility forms (full width, mathematical letters, circled digits) as the plain signs, nothing
that is invisible, and one apostrophe and one dash. What is published keeps the invisible signs that its script needs.
"""

import functools
import re
import unicodedata

from anyascii import anyascii

_REFUSED = re.compile("[\0\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKS_OF_DIRECTION = frozenset("\u061c\u200e\u200f")
_JOINERS = frozenset("\u200c\u200d")
_APOSTROPHES = dict.fromkeys(map(ord, "`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\uff07"), "'")
_SIGNS = {0x066A: "%", 0x2052: "%", 0x1F51F: "10", 0x1F4AF: "100", 0x1F4B2: "$"}
# These are letters and marks to Unicode, and nothing to the eye.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_VARIANTS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_OVERLAYS = frozenset(map(chr, (*range(0x0334, 0x0339), *range(0x20D0, 0x20DD))))
_PRESENTATION = frozenset("\ufe0e\ufe0f")
_BLACK_FLAG = "\U0001f3f4"
_TAGS = range(0xE0020, 0xE0080)
_SHARED = {"KATAKANA-HIRAGANA": "KATAKANA", "IDEOGRAPHIC": "CJK"}
"""What Unicode calls the marks that have no script of their own: of a long vowel, and of a sign that is repeated."""
# Enclosed, small and regional letters that NFKC leaves alone, by the end of their names.
_DRESSED = re.compile(
    r"^(?:REGIONAL INDICATOR SYMBOL|NEGATIVE \w+ LATIN CAPITAL|LATIN LETTER SMALL CAPITAL|LATIN SMALL CAPITAL"
    r"|CROSSED NEGATIVE SQUARED LATIN CAPITAL|TAG LATIN (?:SMALL|CAPITAL)|LATIN LETTER SMALL CAPITAL LETTER)"
    r"(?: LETTER)? ([A-Z])$"
)
# Letters that look as Latin ones do, of those scripts that have most of them (UTS 39).
_LOOKALIKES = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408\u04ae\u04c0\u051a\u051c"
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0458\u04bb\u04cf\u0501\u051b"
    "\u051d\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03b1\u03b9\u03ba\u03bd"
    "\u03bf\u03c1\u03c5\u03c7\u0131\u0261\u0251\u0585\u057d\u0578",
    "ABEKMHOPCTYXSIJYIQWabekmhopctyxsijhldqwABEZHIKMNOPTYXaikvopuxigaoun",
)


_FOLDED = _APOSTROPHES | _SIGNS
_CONTROLS = {point: None for point in range(ord(" ")) if not chr(point).isspace()}
"""What is invisible of ASCII, in which most texts are: they are as they seem without a look at each of their signs."""


def is_refused(text: str) -> bool:
    """Say whether a text has signs that no text needs: NUL, half of a pair, or an order of reading forced on others."""
    return _REFUSED.search(text) is not None


def settled(text: str) -> str:
    """Return a text as it may be published: in NFC, without invisible signs that its script doesn't need."""
    if text.isascii():
        return text.translate(_CONTROLS)
    text = unicodedata.normalize("NFC", text)
    reads_leftwards = any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text)
    kept: list[str] = []
    for place, sign in enumerate(text):
        after = text[place + 1 : place + 2]
        if not _is_invisible(sign) or _is_needed(sign, kept, after, reads_leftwards=reads_leftwards):
            kept.append(sign)
    return "".join(kept)


def normal_form(text: str) -> str:
    """Return the form in which a text is judged: NFKC, nothing invisible, plain digits, one apostrophe, one dash."""
    if text.isascii():
        return text.translate(_CONTROLS).translate(_FOLDED)
    # Nor does a frame make another sign, or a line through it: a digit in a box is a digit.
    seen = "".join(sign for sign in text if not (_is_invisible(sign) or _is_frame(sign)))
    return "".join(map(_plain, unicodedata.normalize("NFKC", seen))).translate(_FOLDED)


def skeleton(text: str) -> str:
    """Return a text as a hasty reader takes it: letters that look Latin are Latin, without accents, in lower case."""
    dressed = "".join(_undressed(sign) for sign in normal_form(text))
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", dressed) if not unicodedata.combining(sign))
    return "".join(map(_plain_latin, bare.translate(_LOOKALIKES))).casefold()


def squeezed(text: str) -> str:
    """Return only the letters and digits of a text's skeleton: spaces and signs in between make nothing unreadable."""
    return "".join(sign for sign in skeleton(text) if sign.isalnum())


def script_of(letter: str) -> str:
    """Return the script of a letter by its Unicode name, for example `LATIN`; empty for what is no letter."""
    return _SHARED.get(name := _script(letter), name) if letter.isalpha() else ""


def _is_invisible(sign: str) -> bool:
    if sign.isascii():
        return sign < " " and not sign.isspace()
    if sign in _BLANK or any(ord(sign) in variants for variants in _VARIANTS):
        return True
    return unicodedata.category(sign) in ("Cf", "Cn", "Co", "Cs") or (
        unicodedata.category(sign) == "Cc" and not sign.isspace()
    )


def _is_frame(sign: str) -> bool:
    return sign in _OVERLAYS or unicodedata.category(sign) == "Me"


def _is_needed(sign: str, before: list[str], after: str, *, reads_leftwards: bool) -> bool:
    last = before[-1] if before else ""
    if sign in _MARKS_OF_DIRECTION:
        return reads_leftwards
    if sign in _JOINERS:
        return _joins(last, after, sign)
    if sign in _PRESENTATION:
        return bool(last) and (unicodedata.category(last) in ("So", "Sm", "Po") or last in "#*0123456789\u203c\u2049")
    if ord(sign) in _TAGS:
        return last == _BLACK_FLAG or (bool(last) and ord(last) in _TAGS)
    if ord(sign) in _VARIANTS[2]:
        return script_of(last) == "CJK" if last else False
    # Signs of Arabic and Syriac that stand around a number or a verse are shown.
    return unicodedata.bidirectional(sign) == "AN"


def _joins(last: str, after: str, sign: str) -> bool:
    """Say whether a joiner stands where its script needs it: after a letter that joins, or between pictures."""
    if not last or not after:
        return False
    if unicodedata.category(after) in ("So", "Sk") or after in "\u2640\u2642":
        return sign == "\u200d" and (unicodedata.category(last) in ("So", "Sk") or last in "\ufe0f\u2640\u2642")
    if unicodedata.category(last) == "Mn" and unicodedata.combining(last) == 9:
        return True
    joining = ("ARABIC", "SYRIAC", "MONGOLIAN", "NKO")
    return _script(last) == _script(after) and _script(last) in (*joining, *_INDIC)


_INDIC = (
    *("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA"),
    *("MYANMAR", "KHMER", "THAI", "LAO", "TIBETAN"),
)


def _script(sign: str) -> str:
    return unicodedata.name(sign, "").partition(" ")[0]


def _plain(sign: str) -> str:
    if sign.isascii():
        return sign
    if unicodedata.category(sign) == "Pd" or sign in "\u2212\u2043":
        return "-"
    digit = unicodedata.decimal(sign, None)
    return sign if digit is None else str(digit)


@functools.lru_cache(maxsize=10_000)
def _plain_latin(letter: str) -> str:
    """Return a Latin letter with a stroke or a hook without it."""
    return letter if letter.isascii() or script_of(letter) != "LATIN" else anyascii(letter)


def _undressed(sign: str) -> str:
    if sign.isascii():
        return sign
    found = _DRESSED.match(unicodedata.name(sign, ""))
    return found[1] if found else sign
