"""What the doctor says of clocks, and of what would happen in live mode."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from puppetctl.checks.clocks import judged
from puppetctl.checks.findings import Mark
from puppetctl.checks.live import live_mode

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LIVE = {
    "PUPPET_SOCIAL_X_BASE_URL": "https://api.x.com",
    "PUPPET_TRADING_RPC_URL": "https://rpc.example",
    "PUPPET_TRADING_JUPITER_URL": "https://api.jup.ag",
    "PUPPET_LLM_PROVIDERS": "openai",
}


def folder(tmp_path: Path) -> Path:
    wallet = {"trading_enabled": True, "trade_safety": {"max_trade_amount_sol": 0.05, "max_daily_trades": 4}}
    often = {"post_frequency": {"min_hours_between_posts": 2}}
    personas: list[dict[str, Any]] = [
        {"id": "basil", "name": "Basil", "approval": "trades", "solana_integration": wallet},
        {"id": "odd", "name": "Odd", "twitter_credentials": {"apiKey": "k"}, "behavior": often},
        {"id": "rests", "name": "Rests", "is_active": False},
    ]
    for persona in personas:
        (tmp_path / f"{persona['id']}.json").write_text(json.dumps(persona))
    return tmp_path


def test_a_clock_that_is_right_is_told_by_whom() -> None:
    finding = judged({"api.x.com": "Mon, 04 May 2026 09:29:58 GMT", "rpc.example": None}, NOW)
    assert (finding.mark, finding.words) == (Mark.OK, "within 60 s of api.x.com")


def test_a_clock_that_is_off_is_bad_by_the_one_who_differs_most() -> None:
    told = {"a": "Mon, 04 May 2026 09:28:00 GMT", "b": "2026-05-04T09:45:00+00:00"}
    finding = judged(told, NOW)
    assert finding.mark is Mark.BAD
    assert finding.words == "900 s behind b"
    assert "ahead of a" in judged({"a": told["a"]}, NOW).words


def test_a_clock_that_nobody_outside_knows_is_shown() -> None:
    for told in ({}, {"a": None}, {"a": "no time"}):
        finding = judged(told, NOW)
        assert (finding.mark, "2026-05-04 09:30:00 UTC" in finding.words) == (Mark.OK, True)


def test_what_would_happen_live_is_told_for_each_who_is_active(tmp_path: Path) -> None:
    told = [finding.words for finding in live_mode({}, tmp_path / "var", folder(tmp_path))]
    assert told[0].startswith("odd would post in public, at most about 12 times a day")
    assert "basil would have no account on X" in told[1]
    assert any(
        words.startswith("basil would trade real SOL, at most 0.05 SOL a trade, 4 trades a day") for words in told
    )
    assert any("no private_key" in words for words in told)
    assert any(words.startswith("odd ask nobody before they act") for words in told)
    assert "time would run at the pace of life, unless `--speed` says otherwise" in told
    assert not any("rests" in words for words in told)


def test_what_is_live_already_is_told_as_it_is(tmp_path: Path) -> None:
    told = " ".join(finding.words for finding in live_mode(LIVE, tmp_path / "var", folder(tmp_path)))
    assert "odd post in public" in told
    assert "basil trades real SOL" in told
    assert "a provider that bills" in told
    assert "goes live with" not in told


def test_a_folder_without_personas_says_what_is_missing_all_the_same(tmp_path: Path) -> None:
    told = " ".join(finding.words for finding in live_mode({}, tmp_path / "var", tmp_path / "none"))
    assert "PUPPET_SOCIAL_X_BASE_URL" in told
