"""The decision: first what to part with, then what to get, and otherwise nothing."""

import random
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from services.agents.domain.memories import TrustedMemory
from services.agents.domain.mood import TradingMood
from services.agents.domain.persona import Persona
from services.agents.domain.trading.appraisal import Appraisal, appetite, appraise, emphasised, is_stable
from services.agents.domain.trading.model import (
    LAMPORTS_PER_SOL,
    WRAPPED_SOL,
    Buy,
    Hold,
    Holding,
    MarketView,
    PastTrade,
    Policy,
    Sell,
    TokenView,
    Wallet,
    sol,
)

_SYMBOL = re.compile(r"[A-Za-z0-9]{1,12}")
_DAY = timedelta(hours=24)
# What a first purchase of a token costs beside its price: the rent of its account, and fees.
_FEE_RESERVE = 5_000_000
_SMALLEST_TRADE = 1_000_000
_STEP = 1_000_000
_LEAST_LIQUIDITY = 25_000
# Policy goes by the larger of quote and price, which may come out a little above the price that was seen.
_ROOM = Decimal("0.95")
# Two scores nearer than this are as good as equal: the draw between them is no decision.
_TIE = 0.02


@dataclass(frozen=True, slots=True)
class _Case:
    """What a decision is made from: `risk` is the appetite for it, `budget` what the limits leave in lamports."""

    persona: Persona
    risk: float
    market: MarketView
    wallet: Wallet
    policy: Policy
    memories: Sequence[TrustedMemory]
    day: Sequence[PastTrade]
    budget: int


def decide(
    persona: Persona,
    mood: TradingMood,
    market: MarketView,
    wallet: Wallet,
    policy: Policy,
    memories: Sequence[TrustedMemory],
    now: datetime,
    rng: random.Random,
) -> Buy | Sell | Hold:
    """Decide what to do, within policy and the persona's own limits; `rng` only draws between equals."""
    own = persona.trading
    day = [trade for trade in wallet.trades if now - trade.time < _DAY]
    most_trades = _lower(policy.max_daily_trades, own.max_daily_trades)
    volume = _lower(policy.max_daily_volume_lamports, own.max_daily_volume_lamports)
    budget = min(
        _lower(policy.max_trade_lamports, own.max_trade_lamports), volume - sum(trade.lamports for trade in day)
    )
    case = _Case(persona, appetite(mood), market, wallet, policy, memories, day, budget)
    wish: Buy | Sell | Hold
    if len(day) >= most_trades:
        wish = _hold(f"has made {len(day)} of {most_trades} trades in 24 hours")
    elif budget < _SMALLEST_TRADE:
        wish = _hold(f"may trade {sol(max(0, budget))} SOL now, by its limits for a trade and for 24 hours")
    elif market.sol_usd <= 0:
        wish = _hold("finds no price of SOL")
    else:
        wish = _part_with(case) or _get(case, rng)
    return replace(wish, reasons=(*wish.reasons, f"feels {mood.felt.label}: appetite for risk {case.risk:.2f}"))


def _part_with(case: _Case) -> Sell | None:
    """Take a profit or cut a loss, the greatest first; what is blocked meanwhile can't be sold either."""
    patience = 0.1 if "calm" in emphasised(case.persona) else 0.0
    profit, loss = 0.15 + 0.25 * case.risk + patience, -0.1 - 0.15 * case.risk - patience
    standings = [
        (gain, worth, holding)
        for holding, worth, gain in _gains(case.market, case.wallet)
        if holding.mint not in case.policy.blocked_mints and not loss < gain < profit
    ]
    for gain, worth, holding in sorted(standings, key=lambda item: -abs(item[0])):
        # A loss is cut whole; of a profit half is left to run.
        portion, amount = ("all", holding.amount) if gain < 0 else ("half of", (holding.amount + 1) // 2)
        most = int(holding.amount * case.budget * _ROOM / worth)
        if most < amount:
            portion, amount = "part of", most
        if worth * amount // holding.amount < _SMALLEST_TRADE:
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
    keep = max(case.policy.min_balance_lamports, case.persona.trading.min_balance_lamports or 0) + _FEE_RESERVE
    means = min(case.budget, case.wallet.lamports - keep)
    if means < _SMALLEST_TRADE:
        return _hold(f"has {sol(case.wallet.lamports)} SOL, and keeps {sol(keep)}")
    # Anybody can send it a token: only what it has bought is a position.
    held = {holding.mint for holding in case.wallet.holdings if holding.amount and case.wallet.bought(holding.mint)}
    # To buy again what it has just sold would only feed the pools.
    sold = {trade.mint for trade in case.day if not trade.is_buy}
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
    stake = min(means * (0.3 + 0.7 * case.risk) * min(1.0, wish + 0.2), case.budget * float(_ROOM))
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
    """Go through the tokens that may be bought: allowed by both, in fashion if asked, vouched for, and liquid."""
    trading, policy = case.persona.trading, case.policy
    for token in case.market.tokens:
        is_listed = token.mint in trading.always_tradable
        if token.mint == WRAPPED_SOL or is_stable(token) or token.usd <= 0:
            continue
        # Anybody can call a token anything, and the symbol gets into a prompt.
        if not _SYMBOL.fullmatch(token.symbol):
            if not is_listed:
                continue
            token = replace(token, symbol=token.mint[:4])
        if token.mint in (*policy.blocked_mints, *trading.blacklist):
            continue
        if policy.allowed_mints and token.mint not in policy.allowed_mints:
            continue
        if not is_listed and not (trading.considers_trending and token.is_trending):
            continue
        if trading.only_trending and not token.is_trending:
            continue
        # Whom the operator lists by its mint needs no other voucher; a symbol is no voucher at all.
        if not is_listed and (not token.is_verified or (token.liquidity_usd or 0) < _LEAST_LIQUIDITY):
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


def _gains(market: MarketView, wallet: Wallet) -> Iterator[tuple[Holding, int, Decimal]]:
    """Go through the holdings as far as price and cost are known: what each is worth in lamports, and its gain.

    A grain of a token that a stranger sends has no cost, and must not keep the rest from being sold.
    """
    for whole in wallet.holdings:
        holding = replace(whole, amount=min(whole.amount, wallet.bought(whole.mint)))
        token, cost = market.token(holding.mint), wallet.cost(holding.mint, holding.amount)
        if token is None or not cost:
            continue
        worth = int(token.usd * holding.amount * LAMPORTS_PER_SOL / (market.sol_usd * 10**holding.decimals))
        if worth > 0:
            yield holding, worth, Decimal(worth - cost) / cost


def _lower(limit: int, own: int | None) -> int:
    return limit if own is None else min(limit, own)
