"""What would happen in live mode: who would post in public, trade with real money, and write at a price.

By the settings and the persona files alone: nobody is asked, and nothing is tried.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from puppetctl.characters.personas import persona_files, read_personas
from puppetctl.checks.findings import Finding, Mark
from puppetctl.checks.parties import is_live_now
from puppetctl.suite import LLM, SOLANA, SuiteError, X

_SUBJECT = "live mode"
_MAX_NAMED = 6
_X_SETTINGS = "PUPPET_SOCIAL_X_BASE_URL=https://api.x.com and PUPPET_SOCIAL_X_TIER"
_SOLANA_SETTINGS = "PUPPET_TRADING_RPC_URL and PUPPET_TRADING_JUPITER_URL"
_LLM_SETTINGS = "PUPPET_LLM_PROVIDERS with an _API_KEY"


def live_mode(environment: Mapping[str, str], data_dir: Path, personas: Path | None) -> list[Finding]:
    """Return what is live already or would be, for the characters of a folder."""
    try:
        files, _ = read_personas(persona_files(personas)) if personas is not None else ([], [])
    except SuiteError:
        files = []
    active = [file.persona for file in files if file.persona.get("is_active") is not False]
    is_live = {party.name: is_live_now(party, environment, data_dir) for party in (X, SOLANA, LLM)}
    return [
        Finding(Mark.NOTE, _SUBJECT, words)
        for words in (
            *_posting(active, is_live=is_live[X.name]),
            *_trading(active, is_live=is_live[SOLANA.name]),
            *_writing(is_live=is_live[LLM.name]),
            *_approving(active),
            *_pace(is_live=any(is_live.values())),
        )
    ]


def _posting(personas: Sequence[Mapping[str, Any]], *, is_live: bool) -> Iterator[str]:
    able = [one for one in personas if _section(one, "twitter_credentials").get("apiKey")]
    mute = [one for one in personas if one not in able]
    will = "post" if is_live else "would post"
    if able:
        yield f"{_named(able)} {will} in public, {_range(able)}; X bills each post and each read"
    if mute:
        yield f"{_named(mute)} {'have' if is_live else 'would have'} no account on X: no twitter_credentials"
    if not is_live:
        yield f"X goes live with {_X_SETTINGS}"


def _trading(personas: Sequence[Mapping[str, Any]], *, is_live: bool) -> Iterator[str]:
    for persona in personas:
        wallet = _section(persona, "solana_integration")
        if not wallet.get("trading_enabled"):
            continue
        safety = _section(wallet, "trade_safety")
        limits = [
            f"{safety[name]} {words}"
            for name, words in (
                ("max_trade_amount_sol", "SOL a trade"),
                ("max_daily_trades", "trades a day"),
                ("max_daily_volume_sol", "SOL a day"),
            )
            if name in safety
        ]
        how = f"at most {', '.join(limits)}" if limits else "within the trading service's default limits"
        key = "" if wallet.get("private_key") else "; its file has no private_key, so that it gets a new, empty wallet"
        yield f"{persona['id']} {'trades' if is_live else 'would trade'} real SOL, {how}{key}"
    if not is_live:
        yield f"Solana goes live with {_SOLANA_SETTINGS}, which go together"


def _writing(*, is_live: bool) -> Iterator[str]:
    if is_live:
        yield "words are written by a provider that bills for them: `puppetctl costs` counts"
    else:
        yield f"words stay those of the packaged model until {_LLM_SETTINGS} names a better one"


def _approving(personas: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if unasked := [one for one in personas if one.get("approval", "none") == "none"]:
        yield f"{_named(unasked)} ask nobody before they act: `approval` in the file makes them wait for you"


def _pace(*, is_live: bool) -> Iterator[str]:
    yield f"time {'runs' if is_live else 'would run'} at the pace of life, unless `--speed` says otherwise"


def _range(personas: Iterable[Mapping[str, Any]]) -> str:
    """Return how often they post a day, by their shortest pauses."""
    hours = [_section(_section(one, "behavior"), "post_frequency").get("min_hours_between_posts") for one in personas]
    limit = sum(24 / one for one in hours if isinstance(one, int | float) and one > 0)
    return f"at most about {limit:.0f} times a day together" if limit else "as often as their files say"


def _named(personas: Sequence[Mapping[str, Any]]) -> str:
    names = [str(one["id"]) for one in personas]
    more = len(names) - _MAX_NAMED
    return ", ".join(names[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _section(persona: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = persona.get(name)
    return section if isinstance(section, dict) else {}
