"""From the persona file to a Persona: the one place that knows the names of its fields."""

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from services.agents.domain.mood import Mood
from services.agents.domain.persona.memories import read_initial_memory
from services.agents.domain.persona.model import (
    Behavior,
    Example,
    LlmChoice,
    Persona,
    Personality,
    QuietHours,
    Trading,
)
from services.agents.domain.persona.secrets import REDACTED, X_FIELDS
from services.agents.domain.persona.section import Findings, Lenient, Section
from services.agents.domain.persona.style import read_style
from services.runtime.errors import InvalidRequest, quoted

LAMPORTS_PER_SOL = 1_000_000_000

_ROOT = "persona"
# It is part of request and workflow ids, which have to stay short and may not hold a slash.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MINT = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_MOST_HOURS = 24.0 * 365
_MOST_SOL = 1_000_000.0


def read_persona(raw: Mapping[str, Any]) -> Persona:
    """Return the persona of a file. Raises InvalidRequest with every violation by its path; unknown fields are none."""
    findings = Findings()
    persona = _read(Section(raw, _ROOT, findings))
    if findings.violations:
        raise InvalidRequest(findings.violations)
    return persona


def read_kept(raw: Mapping[str, Any]) -> Persona:
    """Return the persona of what was kept of a file, as far as it goes: what was read once is never refused."""
    return _read(Section(raw, _ROOT, Lenient()))


def unknown_fields(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a file that nothing here knows, by their paths without the leading `persona.`.

    The value is the name that may have been meant; it is empty where none is like it.
    """
    findings = Lenient()
    _read(Section(raw, _ROOT, findings))
    return {path.removeprefix(f"{_ROOT}."): meant for path, meant in findings.unknown.items()}


def redact(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a persona that may be stored and shown: the values of known fields that are no secrets.

    `[redacted]` stands for every other value; what is empty stays empty.
    """
    root = Section(raw, _ROOT, Lenient())
    _read(root)
    return root.kept()


def _read(root: Section) -> Persona:
    style, behavior = root.section("style_guide"), root.section("behavior")
    persona = Persona(
        id=_id(root),
        name=root.text("name", 100, required=True),
        description=root.text("description", 2_000),
        is_active=root.flag("is_active"),
        personality=_personality(root.section("personality")),
        style=read_style(style, behavior.section("content_preferences")),
        memory=read_initial_memory(root),
        behavior=_behavior(behavior),
        trading=_trading(root, behavior.section("trading_behavior")),
        llm=_llm(root),
        system_prompts=_system_prompts(root),
        post_examples=_examples(root, "post_examples", "topic", "post"),
        reply_examples=_examples(root, "reply_examples", "to", "reply"),
        trade_post_examples=_examples(root, "trade_post_examples", "trade", "post"),
    )
    _credentials(root.section("twitter_credentials"))
    if root.text("approval") not in ("", "none"):
        # To publish what its owner wants to see first would be worse than to refuse the character.
        root.refuse("approval", "must be `none`: this version has no inbox for drafts")
    root.close()
    return persona


def _id(root: Section) -> str:
    value = root.text("id", 64, required=True)
    if value and not _ID.fullmatch(value):
        root.refuse("id", "must begin with a letter or digit, and have only letters, digits, `.`, `_` and `-`")
    return value


def _personality(section: Section) -> Personality:
    emotions = section.section("emotional_range")
    emotions.prose("mood_swings")
    return Personality(
        traits=section.texts("traits"),
        values=section.texts("values"),
        speaking_style=section.prose("speaking_style"),
        interests=section.texts("interests"),
        background=section.prose("background"),
        quirks=section.texts("quirks"),
        default_mood=_mood(emotions),
        stress_triggers=emotions.texts("stress_triggers"),
    )


def _mood(emotions: Section) -> str | Mood:
    if not isinstance(emotions.raw("default_mood"), Mapping):
        return emotions.text("default_mood", 200)
    given = emotions.section("default_mood")
    valence, arousal, dominance = (
        given.number("valence", -1, 1),
        given.number("arousal", 0, 1),
        given.number("dominance", 0, 1),
    )
    return Mood(
        0.1 if valence is None else valence,
        0.4 if arousal is None else arousal,
        0.5 if dominance is None else dominance,
    )


def _behavior(section: Section) -> Behavior:
    posts, patterns = section.section("post_frequency"), section.section("interaction_patterns")
    low, high = posts.span("min_hours_between_posts", "max_hours_between_posts", (2.0, 6.0), _MOST_HOURS)
    quick, slow = patterns.section("mention_response_time").span(
        "min_minutes", "max_minutes", (1.0, 10.0), 60 * 24 * 30
    )
    for name in ("quote_tweet_probability", "like_probability", "retweet_probability"):
        patterns.number(name, 0, 1)
    reply = patterns.number("reply_probability", 0, 1)
    return Behavior(
        min_hours_between_posts=low,
        max_hours_between_posts=high,
        peak_posting_hours=_hours(posts),
        timezone=_timezone(posts),
        reply_probability=0.8 if reply is None else reply,
        min_response_minutes=quick,
        max_response_minutes=slow,
        quiet_hours=_quiet_hours(section.section("quiet_hours")),
    )


def _quiet_hours(section: Section) -> QuietHours | None:
    begin, end = section.whole("from", 0, 23), section.whole("to", 0, 23)
    if begin is None and end is None:
        return None
    if begin is None or end is None:
        section.refuse("to" if end is None else "from", "is required beside the other one")
        return None
    if begin == end:
        section.refuse("to", "must be another hour than from")
        return None
    return QuietHours(begin, end)


def _hours(posts: Section) -> frozenset[int]:
    name = "peak_posting_hours"
    given = posts.raw(name) or []
    hours = given if isinstance(given, list | tuple) else [given]
    if hours is not given:
        posts.refuse(name, "must be a list of whole hours")
    right = {int(hour) for hour in hours if isinstance(hour, int | float) and hour in range(24)}
    if any(isinstance(hour, bool) or hour not in range(24) for hour in hours):
        posts.refuse(name, "must be whole hours from 0 to 23")
    return frozenset(right)


def _timezone(posts: Section) -> tzinfo:
    name = posts.text("timezone", 64)
    if name in ("", "UTC"):
        # It needs no time zone database, which a bare machine may not have.
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        posts.refuse("timezone", f"no time zone is called {quoted(name)}; use a name such as Europe/Paris")
        return UTC


def _trading(root: Section, habits: Section) -> Trading:
    chain = root.section("solana_integration")
    safety, kit = chain.section("trade_safety"), root.section("agent_kit_integration")
    rules, allowed = kit.section("autonomy_rules"), habits.section("allowed_tokens")
    chain.text("wallet_address")
    chain.text("network")
    chain.secret("private_key")
    chain.address("rpc_url")
    chain.unused("jupiter_integration")
    kit.raw("methods")
    kit.flag("enabled")
    rules.raw("safety_checks")
    rules.flag("ignore_human_trading_requests", default=True)
    frequency = habits.section("trading_frequency")
    low, high = frequency.span("min_hours_between_trades", "max_hours_between_trades", (12.0, 72.0), _MOST_HOURS)
    frequency.number("random_probability", 0, 1)
    post = habits.number("trade_tweet_probability", 0, 1)
    slippage = safety.positive("max_slippage_percent", 50)
    return Trading(
        is_enabled=chain.flag("trading_enabled"),
        min_hours_between_trades=low,
        max_hours_between_trades=high,
        decision_factors=habits.texts("trade_decision_factors"),
        post_probability=1.0 if post is None else post,
        always_tradable=_mints(allowed, "always_tradable"),
        considers_trending=allowed.flag("consider_trending", default=True),
        only_trending=rules.flag("require_trending_validation"),
        blacklist=_mints(allowed, "blacklist"),
        max_trade_lamports=_least(
            _lamports(safety, "max_trade_amount_sol"),
            _lamports(habits, "max_trade_amount_per_transaction"),
            _lamports(rules, "max_single_trade_amount_sol"),
        ),
        min_balance_lamports=_lamports(safety, "min_wallet_balance_sol"),
        max_slippage_bps=None if slippage is None else max(1, round(slippage * 100)),
        max_daily_trades=_least(
            safety.whole("max_daily_trades", 0, 10_000), rules.whole("max_daily_trades", 0, 10_000)
        ),
        max_daily_volume_lamports=_lamports(safety, "max_daily_volume_sol"),
    )


def _mints(section: Section, name: str) -> tuple[str, ...]:
    mints = section.texts(name, 64)
    for index, mint in enumerate(mints):
        if not _MINT.fullmatch(mint):
            section.refuse(f"{name}[{index}]", "must be a mint address: 32 to 44 characters of base58")
    return mints


def _lamports(section: Section, name: str) -> int | None:
    sol = section.number(name, 0, _MOST_SOL)
    return None if sol is None else int(Decimal(repr(sol)) * LAMPORTS_PER_SOL)


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _llm(root: Section) -> LlmChoice:
    config = root.section("llm_config")
    provider, model = root.text("llm_provider", 64), config.text("model", 200)
    if model and not provider:
        root.refuse("llm_provider", "is required beside llm_config.model")
    return LlmChoice(
        provider=provider,
        model=model,
        temperature=config.number("temperature", 0, 2),
        top_p=config.positive("top_p", 1),
        max_tokens=config.whole("max_tokens", 1, 32_768),
        frequency_penalty=config.number("frequency_penalty", -2, 2),
        presence_penalty=config.number("presence_penalty", -2, 2),
    )


def _system_prompts(root: Section) -> tuple[str, ...]:
    custom = root.text("custom_system_prompt", 16_000)
    return root.texts("rotating_system_prompts", 16_000) or ((custom,) if custom else ())


def _examples(root: Section, name: str, about: str, text: str) -> tuple[Example, ...]:
    examples = []
    for entry in root.entries(name):
        if isinstance(entry, str):
            examples.append(Example("", entry))
        else:
            memory = entry.text("memory") if name == "reply_examples" else ""
            examples.append(Example(entry.text(about), entry.text(text, required=True), memory))
    return tuple(examples)


def _credentials(section: Section) -> None:
    values = {name: section.secret(name) for name in X_FIELDS}
    given = {name: value for name, value in values.items() if value}
    if len({value == REDACTED for value in given.values()}) > 1:
        section.refuse(
            next(iter(given)), f"give all four anew, or leave all four {REDACTED}: one alone can't be changed"
        )
    elif given:
        for name in values.keys() - given.keys():
            section.refuse(name, "is required beside the others")
