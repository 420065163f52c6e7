"""What may be a secret."""

import json

import pytest

from puppetctl.importing.secrets import looks_secret, names_secret
from tests.support.characters import elizaos, imported, notes

_NAMES = """apiKey OPENAI_API_KEY api_key secrets private_key privateKey TWITTER_PASSWORD accessToken mnemonic
seedPhrase DISCORD_API_TOKEN env credentials accessTokenSecret bot_token cookie"""


@pytest.mark.parametrize("name", _NAMES.split())
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert names_secret((name,))
    assert names_secret((name, "inner"))


@pytest.mark.parametrize(
    "name",
    ["token_budget", "max_tokens", "allowed_tokens", "keys", "author", "key_terms", "environment", "passion", "name"],
)
def test_what_only_sounds_like_one_is_none(name: str) -> None:
    assert not names_secret((name,))


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-0123456789abcdefghij",
        "use ghp_0123456789abcdefghijABCDEFGHIJ123456 for it",
        "AKIA0123456789ABCDEF",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
        "-----BEGIN EC PRIVATE KEY-----",
        "0x" + "ab" * 32,
        "5" * 88,
        "123456789:AAE_0123456789abcdefghijABCDEFGHIJ0",
        "[" + ", ".join(["17"] * 64) + "]",
        "https://me:hunter2@host.example/x",
    ],
)
def test_a_secret_is_known_by_its_looks(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text", ["So11111111111111111111111111111111111111112", "0x" + "ab" * 20, "a plain sentence", "sk-8"]
)
def test_addresses_and_sentences_are_none(text: str) -> None:
    assert not looks_secret(text)


def test_a_secret_is_told_by_its_path_wherever_it_stands_and_never_written() -> None:
    key = "sk-0123456789abcdefghij0123"
    character = elizaos(
        bio=["A bird.", f"My key is {key}."],
        postExamples=[f"{key[:5]}\u200b{key[5:]}"],
        settings={"secrets": {"A": key}, "env": {"B": "hunter2"}, "TWITTER_PASSWORD": "hunter2"},
        adjectives={"apiKey": "hunter2"},
    )
    done = imported(character)
    written = json.dumps(done.persona)
    assert key not in written
    assert "hunter2" not in written
    assert not any(key in row.note or "hunter2" in row.note for row in done.rows)
    left = notes(done)
    for path in ("settings.secrets.A", "settings.env.B", "settings.TWITTER_PASSWORD", "adjectives.apiKey"):
        assert left[path] == "is a secret, and is written nowhere"
    for path in ("bio[1]", "postExamples[0]"):
        assert left[path] == "has something in it that looks like a key"
