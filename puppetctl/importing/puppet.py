"""Personas of Puppet Engine's first version, whose fields are ours: what would be refused of them is left."""

import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from puppetctl.importing import limits, texts
from puppetctl.importing.draft import Draft, Node

_PARTS = ("personality", "style_guide", "behavior", "initial_memory", "twitter_credentials", "custom_system_prompt")
_MINT = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_CAPITALS = {
    r"always lower|lowercase only|never capital|no capital|^all lower|^lower": "lowercase",
    r"inconsist|sometimes|mixed|varie|free|occasional": "free",
    r"^(all[_ ]caps|upper)": "uppercase",
    r"^title": "title",
    r"standard|normal|sentence|proper|regular": "standard",
}
"""By what people wrote for it, the styles of ours; the first that is found."""

_HOURS = 24.0 * 365
_MINUTES = 60.0 * 24 * 30
_SOL = 1_000_000.0
_SHORTEST = 1e-4
_UNUSED = "has no effect here"

_TEXTS = {
    "description": limits.DESCRIPTION,
    "custom_system_prompt": limits.SYSTEM_PROMPT,
    "llm_provider": 64,
    "personality.speaking_style": limits.PROSE,
    "personality.background": limits.PROSE,
    "personality.emotional_range.mood_swings": limits.PROSE,
    "style_guide.voice": limits.PROSE,
    "style_guide.tone": limits.PROSE,
    "style_guide.formatting.hashtag_style": limits.ITEM,
    "style_guide.formatting.emoji_frequency": limits.ITEM,
    "style_guide.formatting.sentence_length": limits.ITEM,
    "style_guide.language_constraints.technical_jargon": limits.ITEM,
    "solana_integration.network": limits.ITEM,
}
_LISTS = (
    "personality.traits",
    "personality.values",
    "personality.interests",
    "personality.quirks",
    "personality.emotional_range.stress_triggers",
    "style_guide.vocabulary.key_terms",
    "style_guide.vocabulary.avoid_terms",
    "style_guide.topics_to_avoid",
    "behavior.trading_behavior.trade_decision_factors",
    "agent_kit_integration.autonomy_rules.safety_checks",
)
_FLAGS = (
    "is_active",
    "style_guide.formatting.avoid_hyphens",
    "style_guide.formatting.paragraph_breaks",
    "style_guide.language_constraints.profanity_allowed",
    "behavior.trading_behavior.allowed_tokens.consider_trending",
    "solana_integration.trading_enabled",
    "agent_kit_integration.enabled",
    "agent_kit_integration.autonomy_rules.ignore_human_trading_requests",
    "agent_kit_integration.autonomy_rules.require_trending_validation",
)
_NUMBERS: dict[str, tuple[float, float]] = {
    "llm_config.temperature": (0, 2),
    "llm_config.top_p": (_SHORTEST, 1),
    "llm_config.frequency_penalty": (-2, 2),
    "llm_config.presence_penalty": (-2, 2),
    "behavior.interaction_patterns.reply_probability": (0, 1),
    "behavior.interaction_patterns.quote_tweet_probability": (0, 1),
    "behavior.interaction_patterns.like_probability": (0, 1),
    "behavior.interaction_patterns.retweet_probability": (0, 1),
    "behavior.trading_behavior.trading_frequency.random_probability": (0, 1),
    "behavior.trading_behavior.trade_tweet_probability": (0, 1),
    "behavior.trading_behavior.max_trade_amount_per_transaction": (0, _SOL),
    "solana_integration.trade_safety.max_trade_amount_sol": (0, _SOL),
    "solana_integration.trade_safety.min_wallet_balance_sol": (0, _SOL),
    "solana_integration.trade_safety.max_slippage_percent": (_SHORTEST, 50),
    "solana_integration.trade_safety.max_daily_volume_sol": (0, _SOL),
    "agent_kit_integration.autonomy_rules.max_single_trade_amount_sol": (0, _SOL),
    **{
        f"{part}.content_preferences.{name}": (0, 1)
        for part in ("style_guide", "behavior")
        for name in ("link_sharing_frequency", "original_content_ratio", "quote_tweet_frequency")
    },
}
_WHOLE: dict[str, tuple[float, float]] = {
    "llm_config.max_tokens": (1, 32_768),
    "solana_integration.trade_safety.max_daily_trades": (0, 10_000),
    "agent_kit_integration.autonomy_rules.max_daily_trades": (0, 10_000),
    **{f"{part}.content_preferences.max_thread_length": (1, 25) for part in ("style_guide", "behavior")},
}
_SPANS = (
    ("behavior.post_frequency", "min_hours_between_posts", "max_hours_between_posts", _HOURS),
    ("behavior.trading_behavior.trading_frequency", "min_hours_between_trades", "max_hours_between_trades", _HOURS),
    ("behavior.interaction_patterns.mention_response_time", "min_minutes", "max_minutes", _MINUTES),
)
_LEFT = {
    "twitter_credentials": "is a secret, and is written nowhere",
    "solana_integration.wallet_address": "belongs to the private key, which is a secret: a wallet is made",
    "solana_integration.rpc_url": "is set for the whole suite here: PUPPET_TRADING_RPC_URL",
    "solana_integration.jupiter_integration": _UNUSED,
    "agent_kit_integration.methods": _UNUSED,
    "agent_kit_integration.autonomy_rules.safety_checks": _UNUSED,
}


def recognises(content: Any) -> bool:
    """Tell whether something is a persona of the ancestor's, or one of ours."""
    return (
        isinstance(content, dict)
        and all(isinstance(content.get(name), str) for name in ("id", "name"))
        and any(name in content for name in _PARTS)
        and "spec" not in content
    )


def convert(draft: Draft) -> None:
    """Make a persona of one."""
    root = draft.root
    draft.put("name", root.get("name"), limits.NAME, is_line=True)
    if draft.put("id", root.get("id"), limits.NAME, is_line=True):
        root.get("id").take("id")
    _same(draft, root)
    _prompts(draft, root.get("rotating_system_prompts"))
    _style(draft, root)
    _behavior(draft, root)
    _memory(draft, root.get("initial_memory"))
    _said(draft, root)
    for path, why in _LEFT.items():
        _at(root, path).leave(why)


def _same(draft: Draft, root: Node) -> None:
    """Take the fields whose values are ours, too."""
    for path, limit in _TEXTS.items():
        _text(draft, path, limit)
    if "llm_provider" in draft.persona:
        _text(draft, "llm_config.model", 200)
    root.get("llm_config", "model").leave("needs llm_provider beside it")
    for path in _LISTS:
        draft.add(path, _at(root, path).items(), limits.ITEM, limits.PERSONA_BYTES)
    trading = root.get("solana_integration", "trading_enabled")
    if trading.value is True:
        trading.take("solana_integration.trading_enabled", note="it trades as soon as its wallet has money")
    for path in _FLAGS:
        _checked(draft, path, _flag)
    for table, whole in ((_NUMBERS, False), (_WHOLE, True)):
        for path, (least, highest) in table.items():
            _checked(draft, path, partial(_number, least=least, limit=highest, is_whole=whole))
    for section, low, high, longest in _SPANS:
        _span(draft, section, (low, high), longest)


def _at(root: Node, path: str) -> Node:
    return root.get(*path.split("."))


def _text(draft: Draft, path: str, limit: int) -> None:
    """Take a text, or several as one."""
    node = _at(draft.root, path)
    if isinstance(node.value, list):
        draft.join(path, node.items(), limit)
    elif isinstance(node.value, str):
        draft.put(path, node, limit)


def _checked(draft: Draft, path: str, check: Callable[[Any], str]) -> None:
    """Take a value as it is, unless `check` says why not."""
    node = _at(draft.root, path)
    if node.value is None:
        return
    if why := check(node.value):
        node.leave(why)
    else:
        draft.set(path, node.value)
        node.take(path)


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _number(value: Any, least: float, limit: float, *, is_whole: bool = False) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "must be a number"
    if not least <= value <= limit:
        return f"must be {least:g} to {limit:g}, and is {value:g}"
    return "must be a whole number" if is_whole and value != int(value) else ""


def _span(draft: Draft, section: str, names: tuple[str, str], longest: float) -> None:
    nodes = [_at(draft.root, f"{section}.{name}") for name in names]
    for node in nodes:
        if node.value is not None and (why := _number(node.value, _SHORTEST, longest)):
            node.leave(why)
            return
    low, high = (node.value for node in nodes)
    if low is not None and high is not None and low > high:
        for node in nodes:
            node.leave(f"{names[0]} must be at most {names[1]}")
        return
    for name in names:
        _checked(draft, f"{section}.{name}", lambda _value: "")


def _prompts(draft: Draft, prompts: Node) -> None:
    kept = []
    for node in prompts.items():
        if said := node.text:
            kept.append(texts.cut_anywhere(said, limits.SYSTEM_PROMPT))
            node.take(f"rotating_system_prompts[{len(kept) - 1}]")
    if kept:
        draft.set("rotating_system_prompts", kept)


def _style(draft: Draft, root: Node) -> None:
    formatting = root.get("style_guide", "formatting")
    for name in ("uses_hashtags", "uses_emojis"):
        node = formatting.get(name)
        if isinstance(node.value, str):
            draft.put(f"style_guide.formatting.{name}", node, limits.ITEM)
        else:
            _checked(draft, f"style_guide.formatting.{name}", _flag)
    capitals = formatting.get("capitalization")
    said = capitals.text.casefold()
    style = next((style for pattern, style in _CAPITALS.items() if re.search(pattern, said)), "")
    if said and style:
        draft.set("style_guide.formatting.capitalization", style)
        capitals.take("style_guide.formatting.capitalization", note=f"as {style}")
    elif said:
        capitals.leave("says no style that is known: standard, lowercase, uppercase, title or free")
    for part in ("style_guide", "behavior"):
        _lengths(draft, part)


def _lengths(draft: Draft, part: str) -> None:
    where = f"{part}.content_preferences"
    typical, limit = (_at(draft.root, f"{where}.{name}") for name in ("typical_post_length", "max_post_length"))
    check = partial(_number, least=1, limit=25_000, is_whole=True)
    if not check(typical.value) and not check(limit.value) and typical.value > limit.value:
        typical.leave(f"must be at most max_post_length, which is {limit.value:g}")
    else:
        _checked(draft, f"{where}.typical_post_length", check)
    _checked(draft, f"{where}.max_post_length", check)


def _behavior(draft: Draft, root: Node) -> None:
    posts = root.get("behavior", "post_frequency")
    hours = [node for node in posts.get("peak_posting_hours").items() if not _number(node.value, 0, 23, is_whole=True)]
    for node in hours:
        node.take("behavior.post_frequency.peak_posting_hours")
    if hours:
        draft.set("behavior.post_frequency.peak_posting_hours", list(dict.fromkeys(int(node.value) for node in hours)))
    posts.get("peak_posting_hours").leave("must be whole hours from 0 to 23")
    _checked(draft, "behavior.post_frequency.timezone", _timezone)
    for name in ("always_tradable", "blacklist"):
        path = f"behavior.trading_behavior.allowed_tokens.{name}"
        mints = [node for node in _at(root, path).items() if _MINT.fullmatch(node.raw)]
        draft.add(path, mints, limits.ITEM, limits.PERSONA_BYTES)
        _at(root, path).leave("must be a mint address")
    mood = root.get("personality", "emotional_range", "default_mood")
    if isinstance(mood.value, str):
        draft.put("personality.emotional_range.default_mood", mood, 200)
    for name, least in (("valence", -1), ("arousal", 0), ("dominance", 0)):
        path = f"personality.emotional_range.default_mood.{name}"
        _checked(draft, path, partial(_number, least=least, limit=1))


def _timezone(value: Any) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError, TypeError):
        return "is no time zone's name, such as Europe/Paris"
    return ""


def _memory(draft: Draft, memory: Node) -> None:
    for name in ("core_memories", "recent_events", "tweet_history"):
        draft.remember(f"initial_memory.{name}", map(_remembered, memory.get(name).items()))
    knowledge = memory.get("knowledge_base")
    for heading, node in knowledge.fields():
        for fact in node.items():
            draft.know(heading, fact)
    if isinstance(knowledge.value, list | str):
        for fact in knowledge.items():
            draft.know("knowledge", fact)
    known = memory.get("relationships")
    for group in ("other_agents", "users"):
        for who, node in known.get(group).fields():
            _relationship(draft, group, who, node)
    # The oldest files name characters without saying what they are.
    for who, node in known.fields():
        if who not in ("other_agents", "users"):
            _relationship(draft, "other_agents", who, node)


def _remembered(node: Node) -> Node:
    """Return what is said of a memory; how important it was, and when, is kept by no file that is known."""
    for name in ("content", "text", "description"):
        if isinstance(node.get(name).value, str):
            return node.get(name)
    return node


def _relationship(draft: Draft, group: str, who: str, node: Node) -> None:
    where = texts.line(texts.clean(who))[:200]
    if not where:
        node.leave("names nobody")
        return
    path = f"initial_memory.relationships.{group}"
    known = draft.persona.get("initial_memory", {}).get("relationships", {}).get(group, {})
    seen: dict[str, Any] = {}
    notes = node if isinstance(node.value, str) else next(_notes(node), node.get("notes"))
    if said := notes.text:
        seen["notes"] = texts.cut_anywhere(texts.line(said), limits.NOTES)
        notes.take(f"{path}.{where}.notes")
    for name, least in (("sentiment", -1), ("familiarity", 0), ("trust", -1)):
        value = node.get(name)
        if value.value is not None and not _number(value.value, least, 1):
            seen[name] = value.value
            value.take(f"{path}.{where}.{name}")
    if seen:
        draft.set(path, {**known, where: seen})


def _notes(node: Node) -> Iterator[Node]:
    for name in ("notes", "description", "relationship", "history", "type"):
        if isinstance(node.get(name).value, str):
            yield node.get(name)


def _said(draft: Draft, root: Node) -> None:
    """Take examples in the character's own voice, which our files have and the ancestor's don't."""
    for name, about, answer in (
        ("post_examples", "topic", "post"),
        ("reply_examples", "to", "reply"),
        ("trade_post_examples", "trade", "post"),
    ):
        kept: list[Any] = []
        for node in root.get(name).items():
            said = node.text if isinstance(node.value, str) else node.get(answer).text
            if not said:
                continue
            entry = {about: texts.line(node.get(about).text)[: limits.ITEM], answer: said[: limits.ITEM]}
            if name == "reply_examples" and (memory := node.get("memory").text):
                entry["memory"] = texts.line(memory)[: limits.ITEM]
            kept.append(said[: limits.ITEM] if isinstance(node.value, str) else {k: v for k, v in entry.items() if v})
            for field in (about, answer, "memory") if isinstance(node.value, dict) else ():
                node.get(field).take(f"{name}[{len(kept) - 1}].{field}")
            if isinstance(node.value, str):
                node.take(f"{name}[{len(kept) - 1}]")
        if kept:
            draft.set(name, kept)
