"""What in a text is for machines: addresses, keys, and text that is encoded; by its structure, whatever it names."""

import base64
import binascii
import codecs
import html
import itertools
import re
import urllib.parse
from collections.abc import Iterator, Sequence

from services.runtime.text.normal import normal_form, skeleton

_RUN = re.compile(r"[A-Za-z0-9+/_=-]{8,}")
_SHORT_RUN = re.compile(r"[A-Za-z0-9+/_=-]{4,}")
_WORD = re.compile(r"[A-Za-z0-9]+")
_HEX_ADDRESS = re.compile(r"(?<![A-Za-z0-9])0x[0-9A-Fa-f]{4,}")
_HEX = re.compile(r"(?<![A-Za-z0-9])[0-9A-Fa-f]{16,}(?![A-Za-z0-9])")
_BECH32 = re.compile(r"(?<![A-Za-z0-9])[a-z]{1,12}1[ac-hj-np-z02-9]{20,}(?![A-Za-z0-9])", re.IGNORECASE)
_BITS = re.compile(r"(?:[01]{7,8}[\s,]*){3,}")
_ESCAPES = re.compile(r"(?:\\u?x?\{?[0-9A-Fa-f]{2,6}\}?\s*){2,}|(?:%[0-9A-Fa-f]{2}){3,}|(?:&#?x?[0-9A-Za-z]{1,8};){2,}")
_HEX_PAIRS = re.compile(r"(?:(?<![A-Za-z0-9])(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,]+){6,}[0-9A-Fa-f]{2}(?![A-Za-z0-9])")
_PUNYCODE = re.compile(r"(?<![A-Za-z0-9])xn--", re.IGNORECASE)
_MIN_RANDOM = 16
_MAX_FRAGMENT = 12
_DOTTED = re.compile(r"(\w)\s*[(\[{<]\s*(?:dot|\.)\s*[)\]}>]\s*(?=\w)|(\w)\s+(?:dot|DOT|Dot)\s+(?=\w)")
_SPELLED = re.compile(r"(?<!\S)\S(?: {1,3}\S){4,}(?!\S)")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_MORSE_RUN = re.compile(r"(?:[.\-\u00b7\u2022_]{1,6}[\s/|]+){2,}[.\-\u00b7\u2022_]{1,6}(?!\S)")
_CODE = """
.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..
"""
_MORSE = dict(zip(_CODE.split(), _ALPHABET, strict=True))
_DOTS = str.maketrans("\u00b7\u2022_", "..-")
# The letters that the six dots of Braille stand for, by the order of Unicode (Braille ASCII).
_BRAILLE = {
    0x2800 + dots: letter
    for dots, letter in enumerate(" a1b'k2l@cif/msp\"e3h9o6r^djg>ntq,*5<-u8v.%[$+x!&;:4\\0z7(_?w]#y)=")
}
_LEET = str.maketrans("0134578@$!", "oieastbasi")


def identifiers(text: str) -> Iterator[str]:
    """Yield what kinds of identifiers and encodings stand in a text, in words that don't repeat them."""
    plain = normal_form(text)
    if _HEX_ADDRESS.search(plain) or _BECH32.search(plain):
        yield "contains an address"
    if any(is_random(run) for run in _runs(plain)) or _HEX.search(plain):
        yield "contains what looks like a key or an address"
    if _is_cut_up(plain):
        yield "contains what looks like a key or an address, cut up"
    if (
        _PUNYCODE.search(plain)
        or _BITS.search(plain)
        or _ESCAPES.search(plain)
        or _HEX_PAIRS.search(plain)
        or any(decoded(run) for run in _runs(plain))
    ):
        yield "contains encoded text"


def decodings(text: str) -> tuple[str, ...]:
    """Return a text as everybody reads it: in normal form first, and with what is plainly encoded decoded."""
    plain = normal_form(text)
    unescaped = html.unescape(urllib.parse.unquote(plain, errors="replace"))
    forms = (
        skeleton(text),
        _ESCAPED.sub(lambda found: _character(found[1] or found[2] or found[3]), unescaped),
        _BITS.sub(lambda found: _from_bits(found[0]), plain),
        _HEX_PAIRS.sub(lambda found: _from_hex(found[0]), plain),
        _SHORT_RUN.sub(lambda run: decoded(run[0], least=3) or run[0], plain),
        decoded("".join(plain.split())),
        plain.translate(_BRAILLE),
        _MORSE_RUN.sub(lambda found: _from_morse(found[0]), plain),
        _SPELLED.sub(lambda found: "".join(found[0].split()), plain),
        _DOTTED.sub(lambda found: f"{found[1] or found[2]}.", plain),
    )
    return tuple(dict.fromkeys((plain, *filter(str.strip, forms))))


def readings(text: str) -> tuple[str, ...]:
    """Return a text in every way in which it might be read: decoded, backwards, in ROT13, with digits as letters."""
    plain = normal_form(text)
    forms = (plain[::-1], codecs.encode(plain, "rot13"), plain.casefold().translate(_LEET))
    return tuple(dict.fromkeys((*decodings(text), *forms)))


def ciphers(text: str) -> Iterator[str]:
    """Yield a text with the alphabet turned by each number of letters, and turned round."""
    plain = text.casefold()
    for turn in range(1, 26):
        yield plain.translate(str.maketrans(_ALPHABET, _ALPHABET[turn:] + _ALPHABET[:turn]))
    yield plain.translate(str.maketrans(_ALPHABET, _ALPHABET[::-1]))


def is_random(run: str) -> bool:
    """Say whether a run of letters and digits is no word of any language: long, and changing its kind of sign often."""
    kinds = [_kind(sign) for sign in run if sign.isalnum()]
    if len(kinds) < _MIN_RANDOM:
        return False
    # A name in camel case changes with each word, a year at its end once more; words joined by hyphens are words.
    return _changes(kinds) >= max(4, len(kinds) // 5) and not all(map(_is_word, re.split(r"[-_/+=]+", run)))


def decoded(run: str, least: int = 5) -> str:
    """Return the text that a run hides in base64, base32 or hexadecimal; empty when it hides none of that length."""
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    for decode in (_base16, _base32, _base64):
        try:
            found = decode(bare).decode()
        except (binascii.Error, ValueError):
            continue
        # By chance a short word gives one or two printable signs, and hardly ever more.
        if len(found) >= least and found.isprintable() and _is_told(found):
            return found
    return ""


_ESCAPED = re.compile(r"\\u\{?([0-9A-Fa-f]{2,6})\}?|\\x([0-9A-Fa-f]{2})|U\+([0-9A-Fa-f]{4,6})\s?")


def _runs(plain: str) -> list[str]:
    return [run for run in _RUN.findall(plain) if run.strip("-_=+/")]


def _kind(sign: str) -> str:
    return "digit" if sign.isdigit() else "upper" if sign.isupper() else "lower"


def _is_word(part: str) -> bool:
    return (part.isalpha() and (part[1:].islower() or part.isupper() or len(part) < 2)) or part.isdigit() or not part


def _is_cut_up(plain: str) -> bool:
    """Say whether several words in a row are pieces of something random."""
    length = mixed = 0
    for word in _WORD.findall(plain):
        changes = _changes([_kind(sign) for sign in word])
        is_mixed = changes > 0 and not word.isalpha()
        if len(word) <= _MAX_FRAGMENT and (is_mixed or changes > 1):
            length, mixed = length + len(word), mixed + is_mixed
        else:
            length = mixed = 0
        # Names in camel case stand in a row, too.
        if length >= _MIN_RANDOM and mixed > 1:
            return True
    return False


def _changes(kinds: Sequence[str]) -> int:
    return sum(kind != before for before, kind in itertools.pairwise(kinds))


def _base16(bare: str) -> bytes:
    return bytes.fromhex(bare.removeprefix("0x"))


def _base32(bare: str) -> bytes:
    return base64.b32decode(bare + "=" * (-len(bare) % 8)) if len(bare) >= 5 else b""


def _base64(bare: str) -> bytes:
    return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)


def _is_told(found: str) -> bool:
    plain = sum(sign.isalnum() or sign in " .,:/@#$-_'!?" for sign in found)
    return plain >= 0.9 * len(found) and (found.isascii() or len({sign for sign in found if not sign.isascii()}) > 2)


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def _from_bits(run: str) -> str:
    return "".join(chr(int(bits, 2)) for bits in re.findall(r"[01]{7,8}", run))


def _from_hex(run: str) -> str:
    return "".join(chr(int(pair, 16)) for pair in re.findall(r"[0-9A-Fa-f]{2}", run.replace("0x", " ")))


def _from_morse(run: str) -> str:
    return "".join(_MORSE.get(sign.translate(_DOTS), " ") for sign in re.split(r"[\s/|]+", run))
