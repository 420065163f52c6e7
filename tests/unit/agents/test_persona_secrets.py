"""Secrets leave a persona before it is stored."""

import json
from typing import Any

from services.agents.domain.persona import REDACTED, Secrets, XSecrets, read_persona, redact, secrets_of

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


def test_a_redacted_persona_is_valid_and_has_no_secrets() -> None:
    kept = redact(RAW)
    read_persona(kept)
    assert secrets_of(kept) == Secrets(None, "")
    assert redact(kept) == kept


def test_redacting_changes_nothing_in_the_original() -> None:
    before = json.dumps(RAW)
    redact(RAW)
    assert json.dumps(RAW) == before


def test_an_empty_secret_stays_empty() -> None:
    assert redact({"solana_integration": {"private_key": ""}}) == {"solana_integration": {"private_key": ""}}


def test_secrets_are_not_shown() -> None:
    assert "xk-1" not in repr(secrets_of(RAW))
    assert "pk-6" not in repr(secrets_of(RAW))


def test_what_stands_under_a_secret_name_is_secret_whatever_it_is_called() -> None:
    raw = {
        "api_keys": {"openai": "ok-1", "more": ["mk-2"]},
        "wallet": {"secret_key": [174.0, 47.0]},
        "pin": {"passphrase": "pp-3"},
    }
    kept = json.dumps(redact(raw))
    assert not [secret for secret in ("ok-1", "mk-2", "174", "47", "pp-3") if secret in kept]


def test_a_counterpart_whose_name_sounds_secret_keeps_its_numbers() -> None:
    users = {"secret_admirer": {"sentiment": 0.5, "notes": "Sends letters."}}
    kept = redact({"id": "a", "name": "A", "initial_memory": {"relationships": {"users": users}}})
    assert [known.sentiment for known in read_persona(kept).memory.relationships] == [0.5]


def test_a_key_in_the_path_of_a_url_is_secret() -> None:
    urls = {
        "rpc_url": "https://rpc.example/v2/aB3dE6gH9jK2mN5pQ8sT1vW4",
        "site": "https://blog.example/2026/a-long-title-of-a-post",
    }
    assert redact(urls) == urls | {"rpc_url": REDACTED}
