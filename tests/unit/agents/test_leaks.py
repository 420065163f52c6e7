"""What looks like a key is refused, whoever it belongs to."""

import pytest

from services.agents.domain.guard.leaks import leaks, redacted

KEYS = pytest.mark.parametrize(
    "key",
    [
        "4wBqpZM9xaSheZzJSMawUKKwhdpChKbZ5eu5ky4Vigw3",
        "5" * 20 + "KxYt" * 17,
        "sk-proj-abcdefghijklmnop1234",
        "AKIAIOSFODNN7EXAMPLE",
        "0x" + "ab12" * 16,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
        "[" + ", ".join(["17"] * 64) + "]",
        "-----BEGIN PRIVATE KEY-----",
        "1234567890-AbCdEfGhIjKlMnOpQrStUvWxYz",
    ],
)


@KEYS
def test_what_looks_like_a_key_is_refused(key: str) -> None:
    assert list(leaks(f"Look at this: {key}"))


@KEYS
def test_what_looks_like_a_key_is_redacted_and_the_rest_stays(key: str) -> None:
    told = redacted(f"Look at this: {key}")
    assert told.startswith("Look at this: ")
    assert "[redacted]" in told
    assert not list(leaks(told))


def test_a_text_that_hides_a_key_in_other_signs_goes_as_a_whole() -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in "sk-proj-abcdefghijklmnop1234")
    assert redacted(f"Look at this: {wide}") == "[redacted]"


ORDINARY = pytest.mark.parametrize(
    "text",
    [
        "The gate at number six was painted in 1987, and 0.02 SOL of MOSS is mine.",
        "Donaudampfschifffahrtsgesellschaftskapitän is one word. Antidisestablishmentarianism is another.",
        "1, 2, 3, 4, 5: the round has begun.",
    ],
)


@ORDINARY
def test_ordinary_words_are_none(text: str) -> None:
    assert not list(leaks(text))


@ORDINARY
def test_ordinary_words_are_not_redacted(text: str) -> None:
    assert redacted(text) == text
