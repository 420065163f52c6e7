"""What a character makes of a token: market data weighed by what it says it goes by, and by what it remembers."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.agents.domain.memories import TrustedMemory
from services.agents.domain.mood import TradingMood
from services.agents.domain.persona import Persona
from services.agents.domain.trading.model import TokenView

_WEIGHTS: Mapping[str, float] = {
    "momentum": 0.25,
    "liquidity": 0.25,
    "verification": 0.2,
    "popularity": 0.1,
    "calm": 0.1,
    "dip": 0.0,
    "memory": 0.1,
}
_EMPHASIS = 0.3

# What people write under `trade_decision_factors`, by the measure that it means.
_FACTORS: Mapping[str, str] = {
    "momentum": r"momentum|gain|rising|growth|strength",
    "liquidity": r"liquid|deep|depth|volume",
    "verification": r"verif|safe|audit|trust|known",
    "popularity": r"trending|popular|hype|buzz|social|viral",
    "calm": r"calm|stable|steady|patien|slow|quiet|volatil",
    "dip": r"\bdip|value|cheap|contrarian|oversold|fear|discount",
    "memory": r"memor|experience|history|lesson|intuition|research",
}
# "patience over momentum" names what counts, then what doesn't.
_RATHER_THAN = re.compile(r"\b(?:over|not|never|rather than|instead of|avoid)\b.*", re.IGNORECASE)

_CHANGE = 0.2
_SMALL_POOL, _DECADES = 10_000, 3


@dataclass(frozen=True, slots=True)
class Appraisal:
    """A token's score, 0 to 1, with the measures that it comes from."""

    token: TokenView
    score: float
    measures: Mapping[str, float]


def appetite(mood: TradingMood) -> float:
    """Return how much risk a mood likes, 0 to 1: the happy and the sure dare more, the upset less."""
    felt = mood.felt
    unrest = felt.arousal - 0.5 if felt.valence < 0 else 0.0
    return min(1.0, max(0.0, 0.5 + 0.3 * felt.valence + 0.3 * (felt.dominance - 0.5) - 0.3 * unrest))


def emphasised(persona: Persona) -> frozenset[str]:
    """Return the measures that a character says it goes by."""
    return frozenset(measure for factor in persona.trading.decision_factors for measure in measures_in(factor))


def measures_in(factor: str) -> list[str]:
    """Return the measures that a decision factor names; none when it isn't known."""
    said = _RATHER_THAN.sub("", factor.replace("_", " ")).casefold()
    return [measure for measure, pattern in _FACTORS.items() if re.search(pattern, said)]


def appraise(tokens: Sequence[TokenView], persona: Persona, memories: Sequence[TrustedMemory]) -> Iterator[Appraisal]:
    """Yield what the character makes of each token."""
    named = emphasised(persona)
    weights = {measure: weight + _EMPHASIS * (measure in named) for measure, weight in _WEIGHTS.items()}
    if named & {"calm", "dip"} and "momentum" not in named:
        weights["momentum"] = 0.0
    for place, token in enumerate(tokens):
        measures = {
            **_price_measures(token.change_24h),
            "liquidity": _liquidity(token.liquidity_usd),
            "verification": float(token.is_verified),
            "popularity": 1 - place / len(tokens) if token.is_trending else 0.0,
            "memory": _remembered(token, memories),
        }
        total = sum(weights[measure] * value for measure, value in measures.items()) / sum(weights.values())
        yield Appraisal(token, total, measures)


def is_stable(token: TokenView) -> bool:
    """Say whether a token is money rather than a position: it costs a dollar, and stays there."""
    return abs(token.usd - 1) < Decimal("0.02") and abs(token.change_24h or Decimal(0)) < Decimal("0.01")


def _price_measures(change: Decimal | None) -> dict[str, float]:
    if change is None:
        return {"momentum": 0.4, "calm": 0.4, "dip": 0.4}
    pull = math.tanh(float(change) / _CHANGE)
    return {
        "momentum": 0.5 + 0.5 * pull,
        "calm": max(0.0, 1 - abs(float(change)) / (2 * _CHANGE)),
        "dip": 0.5 - 0.5 * pull,
    }


def _liquidity(usd: Decimal | None) -> float:
    if usd is None or usd <= 0:
        return 0.0
    return min(1.0, max(0.0, math.log10(float(usd) / _SMALL_POOL) / _DECADES))


def weighing(memories: Sequence[TrustedMemory], tokens: Sequence[TokenView]) -> list[TrustedMemory]:
    """Return the memories that move the score of any of these tokens."""
    return [memory for memory in memories if any(_is_about(memory, token) for token in tokens)]


def _remembered(token: TokenView, memories: Sequence[TrustedMemory]) -> float:
    """Return 0.5 for a token of which nothing is remembered, more for good memories, less for bad ones."""
    feelings = [memory.valence for memory in memories if _is_about(memory, token)]
    return 0.5 + 0.5 * max(-1.0, min(1.0, sum(feelings))) if feelings else 0.5


def _is_about(memory: TrustedMemory, token: TokenView) -> bool:
    name = rf"(?<!\w){re.escape(token.symbol)}(?!\w)"
    return memory.subject == token.mint or re.search(name, memory.text) is not None
