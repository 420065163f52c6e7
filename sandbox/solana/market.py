"""What tokens cost, what a swap would give, and how a token has fared: pure functions of the seed and the time.

Each token has one pool against SOL with a constant product. Arbitrage is perfect: by the next quote the pool is back
at the market's price, so that a swap costs its price impact and moves no market.
"""

import math
from dataclasses import dataclass

from solders.pubkey import Pubkey

from sandbox.solana.prices import PriceWalk
from sandbox.solana.tokens import BY_MINT, TOKENS, WRAPPED_SOL, Token

FEE_BPS = 10
"""The fee of a swap, taken from what comes out, in hundredths of a percent."""

HISTORY_SECONDS = 30 * 86_400.0
"""How long before the chain began its markets did."""

_DAY = 86_400.0
_HOUR = 3600.0
_DAILY_TURNOVER = 1.5
"""A usual day's volume, as a multiple of the liquidity."""


class UnknownTokenError(LookupError):
    """No token in the catalogue has this mint."""


class UnfillableError(ValueError):
    """The amount is too small or too large to be swapped."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a swap would give: amounts in base units, `impact` the fraction (at most 0) lost to the pools' depth."""

    source: Token
    target: Token
    in_amount: int
    out_amount: int
    impact: float
    in_usd: float
    out_usd: float


@dataclass(frozen=True, slots=True)
class Stats:
    """How a token fared in a window: the price's change in percent, and volumes in US dollars."""

    price_change: float
    buy_volume: float
    sell_volume: float
    trades: int


class Market:
    """The markets of one chain; times are Unix seconds."""

    def __init__(self, seed: bytes, began: float) -> None:
        self.began = began
        self._walks = {
            token.mint: PriceWalk(
                seed + token.symbol.encode(), token.usd_price, token.daily_volatility, began - HISTORY_SECONDS
            )
            for token in TOKENS
        }

    def token(self, mint: Pubkey) -> Token:
        """Return the token with this mint; raises UnknownTokenError."""
        if (token := BY_MINT.get(mint)) is None:
            raise UnknownTokenError(f"no token with the mint {mint}")
        return token

    def price(self, token: Token, at: float) -> float:
        """Return the price of a whole token in US dollars."""
        return self._walks[token.mint].price(at)

    def quote(self, source: Token, target: Token, amount: int, at: float) -> Quote:
        """Price the swap of `amount` base units; raises UnfillableError when nothing or everything would come out."""
        lamports = amount if source.mint == WRAPPED_SOL else self._through_pool(source, amount, at, to_sol=True)
        gross = lamports if target.mint == WRAPPED_SOL else self._through_pool(target, lamports, at, to_sol=False)
        out_amount = gross * (10_000 - FEE_BPS) // 10_000
        if out_amount == 0:
            raise UnfillableError("the amount is too small: nothing would come out")
        in_usd = amount / 10**source.decimals * self.price(source, at)
        gross_usd = gross / 10**target.decimals * self.price(target, at)
        out_usd = out_amount / 10**target.decimals * self.price(target, at)
        impact = min(0.0, gross_usd / in_usd - 1)
        if impact < -0.9:
            raise UnfillableError("the amount is too large for the liquidity")
        return Quote(source, target, amount, out_amount, impact, in_usd, out_usd)

    def _through_pool(self, token: Token, amount: int, at: float, *, to_sol: bool) -> int:
        side = token.liquidity / 2
        lamports = int(side / self.price(BY_MINT[WRAPPED_SOL], at) * 1e9)
        units = int(side / self.price(token, at) * 10**token.decimals)
        have, get = (units, lamports) if to_sol else (lamports, units)
        return get * amount // (have + amount)

    def stats(self, token: Token, at: float, seconds: float) -> Stats:
        """Return how a token fared in the last `seconds`."""
        walk = self._walks[token.mint]
        change = (walk.price(at) / walk.price(at - seconds) - 1) * 100
        volume = self._volume(token, at, seconds)
        bought = volume * (0.5 + 0.3 * math.tanh(change / 10))
        return Stats(change, bought, volume - bought, int(volume / (token.liquidity * 2e-4)))

    def _volume(self, token: Token, at: float, seconds: float) -> float:
        """Add up the volume of the hours that the window touches, by the share of each that lies in it."""
        walk = self._walks[token.mint]
        usual = token.liquidity * _DAILY_TURNOVER * _HOUR / _DAY
        start, total = at - seconds, 0.0
        for hour in range(int(start // _HOUR), int(at // _HOUR) + 1):
            share = (min(at, (hour + 1) * _HOUR) - max(start, hour * _HOUR)) / _HOUR
            total += share * usual * (0.4 + 1.2 * walk.chance(hour)) * walk.liveliness(hour * _HOUR)
        return total

    def ranked(self, category: str, at: float, seconds: float) -> list[Token]:
        """Return the tokens except SOL and USDC, the most `toptraded` or `toptrending` of the last `seconds` first."""
        scores: dict[str, float] = {}
        for token in TOKENS:
            stats = self.stats(token, at, seconds)
            volume = stats.buy_volume + stats.sell_volume
            scores[token.symbol] = volume if category == "toptraded" else stats.price_change * math.log10(1 + volume)
        fictional = [token for token in TOKENS if token.is_fictional]
        return sorted(fictional, key=lambda token: scores[token.symbol], reverse=True)
