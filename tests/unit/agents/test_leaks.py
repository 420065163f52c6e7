"""Secrets are found however they are written."""

import base64

import pytest

from services.agents.domain.guard.leaks import leaks

SECRET = "s3cr3t-of-the-round"  # noqa: S105 - made up


@pytest.mark.parametrize(
    "hidden",
    [
        SECRET,
        SECRET.upper(),
        " ".join(SECRET),
        SECRET[::-1],
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"my {SECRET}, you know".encode()).decode(),
        base64.b64encode(f"its {SECRET}, you know".encode()).decode(),
        base64.b32encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_found_in_every_dress(hidden: str) -> None:
    assert list(leaks(f"I will tell you: {hidden}.", [SECRET]))


def test_what_is_found_is_not_repeated() -> None:
    assert all(SECRET not in reason for reason in leaks(f"It is {SECRET}.", [SECRET]))


@pytest.mark.parametrize(
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
def test_what_looks_like_a_key_is_refused(key: str) -> None:
    assert list(leaks(f"Look at this: {key}", []))


@pytest.mark.parametrize(
    "text",
    [
        "The gate at number six was painted in 1987, and 0.02 SOL of MOSS is mine.",
        "Donaudampfschifffahrtsgesellschaftskapitän is one word. Antidisestablishmentarianism is another.",
        "1, 2, 3, 4, 5: the round has begun.",
    ],
)
def test_ordinary_words_are_none(text: str) -> None:
    assert not list(leaks(text, [SECRET, "short", ""]))
