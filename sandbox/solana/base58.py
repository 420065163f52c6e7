"""Base58 as Solana writes it, for data of any length (solders only converts keys, hashes and signatures)."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}


def encode(data: bytes) -> str:
    """Return the base58 text of the data; each leading zero byte becomes a `1`."""
    number = int.from_bytes(data, "big")
    letters: list[str] = []
    while number:
        number, rest = divmod(number, 58)
        letters.append(_ALPHABET[rest])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(letters))


def decode(text: str) -> bytes:
    """Return the data behind a base58 text; raises ValueError for a letter outside the alphabet."""
    number = 0
    for letter in text:
        if letter not in _VALUES:
            raise ValueError(f"invalid base58 letter {letter!r}")
        number = number * 58 + _VALUES[letter]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
