"""Secrets leave a persona before it is stored, and so does whatever nobody here knows."""

import json
from typing import Any

import pytest

from services.agents.domain.persona import (
    REDACTED,
    Secrets,
    XSecrets,
    read_persona,
    redact,
    secrets_of,
    unknown_fields,
)
from tests.conftest import ROOT

RAW: dict[str, Any] = {
    "id": "a",
    "name": "A",
    "twitter_credentials": {
        "apiKey": "xk-1",
        "apiKeySecret": "xs-2",
        "accessToken": "xt-3",
        "accessTokenSecret": "xu-4",
        "bearerToken": "xb-5",
    },
    "solana_integration": {
        "private_key": "pk-6",
        "rpc_url": "https://rpc.example/?api-key=rk-7",
        "wallet_address": "w",
    },
    "llm_config": {"api_key": "lk-8", "max_tokens": 40},
    "tools": [{"password": "pw-9"}],
    "style_guide": {"vocabulary": {"key_terms": ["the key"]}},
}


def test_secrets_are_found() -> None:
    assert secrets_of(RAW) == Secrets(XSecrets("xk-1", "xs-2", "xt-3", "xu-4"), "pk-6")


def test_no_secret_is_left_anywhere_in_a_redacted_persona() -> None:
    kept = json.dumps(redact(RAW))
    assert not [
        secret for secret in ("xk-1", "xs-2", "xt-3", "xu-4", "xb-5", "pk-6", "rk-7", "lk-8", "pw-9") if secret in kept
    ]
    assert redact(RAW)["style_guide"] == RAW["style_guide"]
    assert redact(RAW)["llm_config"] == {"api_key": REDACTED, "max_tokens": 40}
    assert redact(RAW)["solana_integration"]["wallet_address"] == "w"
    assert redact(RAW)["tools"] == REDACTED


def test_a_redacted_persona_is_valid_and_has_no_secrets() -> None:
    kept = redact(RAW)
    read_persona(kept)
    assert secrets_of(kept) == Secrets(None, "")
    assert redact(kept) == kept
    assert unknown_fields(kept) == unknown_fields(RAW)


def test_redacting_changes_nothing_in_the_original() -> None:
    before = json.dumps(RAW)
    redact(RAW)
    assert json.dumps(RAW) == before


def test_an_empty_secret_stays_empty() -> None:
    raw: dict[str, Any] = {"solana_integration": {"private_key": ""}, "unknown": [], "more": None}
    assert redact(raw) == raw


def test_secrets_are_not_shown() -> None:
    assert "xk-1" not in repr(secrets_of(RAW))
    assert "pk-6" not in repr(secrets_of(RAW))


HIDDEN: tuple[Any, ...] = (
    "5Kb8kLf9zgWQnogidDA76MzPL6TsZZY36hWXMssSzNydYXYB69KF",
    "correct horse battery staple",
    "-----BEGIN RSA PRIVATE KEY-----",
    174_047,
    [174, 47, 3],
    {"deeper": {"and": ["deeper", {"still": "s3cr3t"}]}},
    "postgres://user:hunter2@db/agents",
)
PLACES: tuple[tuple[str, ...], ...] = (
    (),
    ("personality",),
    ("personality", "emotional_range"),
    ("style_guide", "formatting"),
    ("initial_memory",),
    ("initial_memory", "relationships"),
    ("behavior", "post_frequency"),
    ("behavior", "trading_behavior", "allowed_tokens"),
    ("solana_integration",),
    ("solana_integration", "trade_safety"),
    ("agent_kit_integration", "autonomy_rules"),
    ("llm_config",),
    ("twitter_credentials",),
)


@pytest.mark.parametrize("place", PLACES, ids=".".join)
@pytest.mark.parametrize("value", HIDDEN, ids=lambda value: str(value)[:20])
def test_what_nobody_knows_is_kept_by_its_path_only(
    sample_persona: dict[str, Any], place: tuple[str, ...], value: Any
) -> None:
    section = sample_persona
    for name in place:
        section = section.setdefault(name, {})
    section["telegram"] = value
    kept: Any = redact(sample_persona)
    assert unknown_fields(sample_persona) == unknown_fields(kept) == {".".join((*place, "telegram")): ""}
    for name in place:
        kept = kept[name]
    assert kept["telegram"] == REDACTED


@pytest.mark.parametrize("name", ["jupiter_integration", "private_key"])
def test_what_is_known_and_not_used_is_kept_by_its_name_only(name: str) -> None:
    kept = redact({"id": "a", "name": "A", "solana_integration": {name: "s3cr3t"}})
    assert kept["solana_integration"] == {name: REDACTED}


def test_what_is_unknown_in_an_entry_of_a_list_is_not_kept() -> None:
    raw = {
        "id": "a",
        "name": "A",
        "initial_memory": {"core_memories": ["plain", {"content": "told", "importance": 0.5, "key": "s3cr3t"}]},
        "post_examples": [{"topic": "rain", "post": "Rain.", "token": "s3cr3t"}],
    }
    kept = redact(raw)
    assert "s3cr3t" not in json.dumps(kept)
    assert kept["initial_memory"]["core_memories"] == [
        "plain",
        {"content": "told", "importance": 0.5, "key": REDACTED},
    ]
    assert read_persona(kept).memory == read_persona(raw).memory


@pytest.mark.parametrize("path", sorted((ROOT / "personas").glob("*.json")), ids=lambda path: path.stem)
def test_everything_in_a_known_persona_is_kept(path: Any) -> None:
    raw = json.loads(path.read_text())
    assert redact(raw) == raw
    assert list(unknown_fields(raw)) == []


def test_a_counterpart_whose_name_sounds_secret_keeps_its_numbers() -> None:
    users = {"secret_admirer": {"sentiment": 0.5, "notes": "Sends letters."}}
    kept = redact({"id": "a", "name": "A", "initial_memory": {"relationships": {"users": users}}})
    assert [known.sentiment for known in read_persona(kept).memory.relationships] == [0.5]


@pytest.mark.parametrize(
    ("url", "is_kept"),
    [
        ("https://api.mainnet-beta.solana.com", True),
        ("http://127.0.0.1:8899/", True),
        ("https://rpc.example/v2/aB3dE6gH9jK2mN5pQ8sT1vW4", False),
        ("https://rpc.example/abc", False),
        ("https://user@rpc.example", False),
        ("https://rpc.example?k=1", False),
        ("https://rpc.example#k", False),
        ("rk-secret", False),
        ("https://[broken", False),
    ],
)
def test_of_a_url_that_says_more_than_its_host_nothing_is_kept(url: str, is_kept: bool) -> None:
    kept = redact({"id": "a", "name": "A", "solana_integration": {"rpc_url": url}})
    assert (kept["solana_integration"]["rpc_url"] == url) == is_kept


def test_names_that_nobody_knows_are_bounded_too() -> None:
    raw = {"id": "a", "name": "A", "n" * 10**6: "v"} | {f"field{number}": number for number in range(5_000)}
    assert len(unknown_fields(raw)) == 1_000
    assert max(map(len, unknown_fields(raw))) <= 100
    assert len(json.dumps(redact(raw))) < 10**6
