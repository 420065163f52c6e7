"""Ids that carry their kind and sort by the time at which they were made."""

import itertools
import secrets
import time

# Crockford's base 32 (https://www.crockford.com/base32.html), in lower case.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = ["".join(pair) for pair in itertools.product(_ALPHABET, repeat=2)]


def new_id(kind: str) -> str:
    """Return `kind_` and 26 characters, laid out as a ULID: 48 bits of Unix milliseconds, 80 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return f"{kind}_" + "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
