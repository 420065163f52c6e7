"""The decision: first what to part with, then what to get, and otherwise nothing."""

import random
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.agents.domain.memories import TrustedMemory
from services.agents.domain.mood import TradingMood
from services.agents.domain.persona import Persona
from services.agents.domain.trading.appraisal import Appraisal, appetite, appraise, emphasised, is_stable
from services.agents.domain.trading.model import (
    WRAPPED_SOL,
    Allowance,
    Buy,
    Hold,
    MarketView,
    Portfolio,
    Sell,
    TokenView,
    sol,
)

_SYMBOL = re.compile(r"[A-Za-z0-9]{1,12}")
_DAY = timedelta(hours=24)
_SMALLEST_TRADE = 1_000_000
_STEP = 1_000_000
_MIN_LIQUIDITY = 25_000
# Two scores nearer than this are as good as equal: the draw between them is no decision.
_TIE = 0.02


@dataclass(frozen=True, slots=True)
class _Case:
    """What a decision is made from: `risk` is the appetite for it."""

    persona: Persona
    risk: float
    market: MarketView
    portfolio: Portfolio
    allowance: Allowance
    memories: Sequence[TrustedMemory]
    now: datetime


def decide(
    persona: Persona,
    mood: TradingMood,
    market: MarketView,
    portfolio: Portfolio,
    allowance: Allowance,
    memories: Sequence[TrustedMemory],
    now: datetime,
    rng: random.Random,
) -> Buy | Sell | Hold:
    """Decide what to do, and how much of what is allowed; `rng` only draws between equals."""
    case = _Case(persona, appetite(mood), market, portfolio, allowance, memories, now)
    wish: Buy | Sell | Hold
    if why_not := _why_nothing(allowance):
        wish = _hold(why_not)
    elif market.sol_usd <= 0:
        wish = _hold("finds no price of SOL")
    else:
        wish = _part_with(case) or _get(case, rng)
    return replace(wish, reasons=(*wish.reasons, f"feels {mood.felt.label}: appetite for risk {case.risk:.2f}"))


def _why_nothing(allowance: Allowance) -> str:
    """Return why nothing may be traded that is worth the trouble; empty when something may."""
    if allowance.halt_reason is not None:
        return "is halted" + (f": {allowance.halt_reason}" if allowance.halt_reason else "")
    later = f", and more from {allowance.increase_time:%H:%M} UTC on" if allowance.increase_time else ""
    if not allowance.remaining_trades:
        return f"has made all the trades that it may make in 24 hours{later}"
    if allowance.max_worth_lamports < _SMALLEST_TRADE:
        return f"may trade {sol(allowance.max_worth_lamports)} SOL now, by its limits{later}"
    return ""


def _part_with(case: _Case) -> Sell | None:
    """Take a profit or cut a loss, the greatest first."""
    patience = 0.1 if "calm" in emphasised(case.persona) else 0.0
    profit, loss = 0.15 + 0.25 * case.risk + patience, -0.1 - 0.15 * case.risk - patience
    standings = [
        (gain, holding)
        for holding in case.portfolio.holdings
        if holding.amount and (gain := holding.gain) is not None and not loss < gain < profit
    ]
    for gain, holding in sorted(standings, key=lambda item: -abs(item[0])):
        # A loss is cut whole; of a profit half is left to run.
        portion, amount = ("all", holding.amount) if gain < 0 else ("half of", (holding.amount + 1) // 2)
        limit = case.allowance.limit.get(holding.mint) or 0
        if limit < amount:
            portion, amount = "part of", limit
        if holding.worth_lamports * amount // holding.amount < _SMALLEST_TRADE:
            continue
        rule = f"takes profits from {profit:+.0%}" if gain > 0 else f"cuts losses at {loss:+.0%}"
        # What was bought under a good symbol may have another one by now.
        symbol = holding.symbol if _SYMBOL.fullmatch(holding.symbol) else holding.mint[:4]
        return Sell(
            reasons=(f"{symbol} stands at {gain:+.0%} of its cost", rule),
            scores={symbol: round(float(gain), 3)},
            mint=holding.mint,
            symbol=symbol,
            amount=amount,
            portion=portion,
            gain=gain,
        )
    return None


def _get(case: _Case, rng: random.Random) -> Buy | Hold:
    """Buy the best token when it is good enough for the mood."""
    means = case.allowance.max_input_lamports
    if means < _SMALLEST_TRADE:
        return _hold(f"has {sol(case.portfolio.lamports)} SOL, of which it may give {sol(means)}")
    held = {holding.mint for holding in case.portfolio.holdings if holding.amount}
    # To buy again what it has just sold would only feed the pools.
    sold = {one.mint for one in case.portfolio.holdings if one.sale_time and case.now - one.sale_time < _DAY}
    tokens = [token for token in _eligible(case) if token.mint not in sold]
    wishes = sorted(
        ((_wish(item, held), item) for item in appraise(tokens, case.persona, case.memories)),
        key=lambda wish: -wish[0],
    )
    if not wishes:
        return _hold(f"finds nothing that it may buy among {len(case.market.tokens)} tokens")
    scores = {item.token.symbol: round(wish, 3) for wish, item in wishes}
    wish, best = rng.choice([equal for equal in wishes if wishes[0][0] - equal[0] < _TIE])
    bar = 0.62 - 0.14 * case.risk
    if wish < bar:
        return Hold(reasons=(f"{best.token.symbol} is best with {wish:.2f}, and {bar:.2f} is asked",), scores=scores)
    stake = means * (0.3 + 0.7 * case.risk) * min(1.0, wish + 0.2)
    return Buy(
        reasons=(*_why(best), f"{wish:.2f} where {bar:.2f} is asked"),
        scores=scores,
        mint=best.token.mint,
        symbol=best.token.symbol,
        lamports=max(_SMALLEST_TRADE, int(stake) // _STEP * _STEP),
    )


def _hold(reason: str) -> Hold:
    return Hold(reasons=(reason,), scores={})


def _eligible(case: _Case) -> Iterator[TokenView]:
    """Go through the tokens that may be bought: allowed, in fashion if asked, vouched for, and liquid."""
    trading = case.persona.trading
    for token in case.market.tokens:
        is_listed = token.mint in trading.always_tradable
        if token.mint == WRAPPED_SOL or is_stable(token) or token.usd <= 0:
            continue
        # Anybody can call a token anything, and the symbol gets into a prompt.
        if not _SYMBOL.fullmatch(token.symbol):
            if not is_listed:
                continue
            token = replace(token, symbol=token.mint[:4])
        if not case.allowance.allows(token.mint):
            continue
        if not is_listed and not (trading.considers_trending and token.is_trending):
            continue
        if trading.only_trending and not token.is_trending:
            continue
        # Whom the operator lists by its mint needs no other voucher; a symbol is no voucher at all.
        if not is_listed and (not token.is_verified or (token.liquidity_usd or 0) < _MIN_LIQUIDITY):
            continue
        yield token


def _wish(appraisal: Appraisal, held: Collection[str]) -> float:
    """Return the score, less for what is in the wallet already."""
    return appraisal.score * (0.8 if appraisal.token.mint in held else 1.0)


def _why(appraisal: Appraisal) -> Iterator[str]:
    token = appraisal.token
    if token.change_24h is not None:
        yield f"{token.symbol} moved {token.change_24h:+.1%} in 24 hours"
    if token.liquidity_usd is not None:
        yield f"its pool holds ${token.liquidity_usd:,.0f}"
    yield "it is verified" if token.is_verified else "its operator lists it"
    strongest = max(appraisal.measures, key=lambda measure: appraisal.measures[measure])
    yield f"its strength is {strongest}"
