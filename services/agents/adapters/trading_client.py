"""Wallets, the market and swaps, at the trading service."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from google.protobuf.field_mask_pb2 import FieldMask

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.agents.adapters.calls import calling
from services.agents.domain.persona import Trading
from services.agents.domain.proposals import Order
from services.agents.domain.trading import WRAPPED_SOL, Allowance, Holding, MarketView, Portfolio, TokenView
from services.agents.ports.neighbours import WalletKey
from services.agents.ports.stored import Progress, Trade
from services.runtime.protobuf import read_optional_time

_PROGRESS = {pb.TRADE_STATE_SETTLED: Progress.SETTLED, pb.TRADE_STATE_FAILED: Progress.FAILED}
_LIMITS = (
    "max_trade_lamports",
    "min_balance_lamports",
    "max_slippage_bps",
    "max_daily_trades",
    "max_daily_volume_lamports",
)
_MAX_TOKENS, _MAX_HOLDINGS, _MAX_MINTS = 50, 100, 100
"""How many tokens and holdings a page has, and how many mints a request."""


class TradingClient:
    """Speaks to the trading service."""

    def __init__(self, trading: TradingServiceStub) -> None:
        self._trading = trading

    async def register(self, agent_id: str, private_key: str, limits: Trading, request_id: str) -> WalletKey:
        """Register an agent's wallet once for every request_id, with the limits that a persona gives.

        Without a key a new one is made.
        """
        request = pb.RegisterWalletRequest(agent_id=agent_id, private_key=private_key, request_id=request_id)
        policy, mask = _policy("", limits)
        if mask.paths:
            request.policy.CopyFrom(policy)
            request.policy_mask.CopyFrom(mask)
        with calling("trading"):
            answer = await self._trading.RegisterWallet(request)
        return WalletKey(answer.wallet.id, answer.wallet.address)

    async def wallet_of(self, agent_id: str) -> WalletKey | None:
        """Return the wallet that an agent has."""
        with calling("trading"):
            answer = await self._trading.ListWallets(pb.ListWalletsRequest(agent_id=agent_id, page_size=1))
        return WalletKey(answer.wallets[0].id, answer.wallets[0].address) if answer.wallets else None

    async def holdings(self, wallet_id: str) -> Mapping[str, int]:
        """Return the base units that a wallet holds, by their mints; of many the first ones."""
        with calling("trading"):
            answer = await self._trading.GetBalances(pb.GetBalancesRequest(wallet_id=wallet_id))
        return {one.mint: one.amount for one in answer.balances if one.amount}

    async def delete_wallet(self, agent_id: str) -> None:
        """Delete the wallet that an agent has, if any. Raises Refused with WALLET_NOT_EMPTY when it holds anything."""
        with calling("trading"):
            await self._trading.DeleteWallet(pb.DeleteWalletRequest(agent_id=agent_id))

    async def tighten(self, wallet_id: str, limits: Trading) -> None:
        """Narrow the wallet's policy to the limits that a persona gives; none of its limits is ever widened."""
        policy, mask = _policy(wallet_id, limits)
        if mask.paths:
            with calling("trading"):
                await self._trading.TightenPolicy(pb.TightenPolicyRequest(policy=policy, update_mask=mask))

    async def portfolio(self, wallet_id: str) -> Portfolio:
        """Return the wallet's SOL, and every token that it has traded."""
        holdings: list[Holding] = []
        request = pb.GetPortfolioRequest(wallet_id=wallet_id, has_trades=True, page_size=_MAX_HOLDINGS)
        while True:
            with calling("trading"):
                page = await self._trading.GetPortfolio(request)
            holdings += map(_holding, page.holdings)
            if not page.next_page_token:
                return Portfolio(page.portfolio.lamports, tuple(holdings))
            request.page_token = page.next_page_token

    async def allowance(self, wallet_id: str, mints: Sequence[str]) -> Allowance:
        """Return what the wallet may trade now, and how much of each of these tokens it may give."""
        told: list[pb.Allowance] = []
        for start in range(0, max(1, len(mints)), _MAX_MINTS):
            request = pb.GetAllowanceRequest(wallet_id=wallet_id, mints=mints[start : start + _MAX_MINTS])
            with calling("trading"):
                told.append((await self._trading.GetAllowance(request)).allowance)
        # Of those that were read one after the other, the last one is right.
        return _allowance(told[-1], [one for part in told for one in part.mints])

    async def market(self, mints: Sequence[str]) -> MarketView:
        """Return the tokens in fashion, and these as far as they have a price."""
        with calling("trading"):
            trending = (
                await self._trading.ListTrendingTokens(pb.ListTrendingTokensRequest(page_size=_MAX_TOKENS))
            ).tokens
            known = {token.mint for token in trending}
            wanted = [mint for mint in dict.fromkeys((WRAPPED_SOL, *mints)) if mint not in known - {WRAPPED_SOL}]
            priced = {price.mint: price for price in await self._prices(wanted)}
        tokens = [_token(token) for token in trending if token.mint != WRAPPED_SOL and token.usd]
        tokens += [_unlisted(price) for mint, price in priced.items() if mint != WRAPPED_SOL]
        sol = priced.get(WRAPPED_SOL)
        return MarketView(Decimal(sol.usd) if sol else Decimal(0), tuple(tokens))

    async def quote(self, input_mint: str, output_mint: str, amount: int) -> int:
        """Return how many base units a swap of this many would give now."""
        request = pb.GetQuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=amount)
        with calling("trading"):
            return (await self._trading.GetQuote(request)).quote.output_amount

    async def holds_key(self, text: str) -> bool:
        """Say whether a text holds the key of any wallet."""
        with calling("trading"):
            return (await self._trading.ScreenText(pb.ScreenTextRequest(text=text))).holds_key

    async def swap(self, order: Order, request_id: str) -> Trade:
        """Carry out an order once for every request_id, with the slippage that the policy allows."""
        request = pb.ExecuteTradeRequest(
            wallet_id=order.wallet_id,
            input_mint=order.input_mint,
            output_mint=order.output_mint,
            amount=order.amount,
            min_output_amount=order.min_output_amount,
            request_id=request_id,
        )
        with calling("trading"):
            return _trade((await self._trading.ExecuteTrade(request)).trade)

    async def trade(self, trade_id: str) -> Trade:
        """Return a trade as it is now."""
        with calling("trading"):
            return _trade((await self._trading.GetTrade(pb.GetTradeRequest(id=trade_id))).trade)

    async def _prices(self, mints: Sequence[str]) -> list[pb.Price]:
        prices: list[pb.Price] = []
        for start in range(0, len(mints), _MAX_TOKENS):
            request = pb.GetPricesRequest(mints=mints[start : start + _MAX_TOKENS])
            prices += (await self._trading.GetPrices(request)).prices
        return prices


def _policy(wallet_id: str, limits: Trading) -> tuple[pb.Policy, FieldMask]:
    """Return the limits that a persona gives, and the names of those that it does give."""
    given = {name: value for name in _LIMITS if (value := getattr(limits, name)) is not None}
    policy = pb.Policy(wallet_id=wallet_id, blocked_mints=limits.blacklist, **given)
    return policy, FieldMask(paths=[*given, "blocked_mints"] if limits.blacklist else [*given])


def _holding(one: pb.Holding) -> Holding:
    return Holding(
        mint=one.mint,
        symbol=one.symbol,
        decimals=one.decimals,
        amount=one.costed_amount,
        cost_lamports=one.cost_lamports,
        pnl_lamports=one.unrealised_pnl_lamports if one.HasField("unrealised_pnl_lamports") else None,
        sale_time=read_optional_time(one, "sale_time"),
    )


def _allowance(told: pb.Allowance, mints: Sequence[pb.MintAllowance]) -> Allowance:
    return Allowance(
        max_input_lamports=told.max_input_lamports,
        max_worth_lamports=told.max_worth_lamports,
        max_slippage_bps=told.policy.max_slippage_bps,
        limit={
            one.mint: one.max_input_amount if one.HasField("max_input_amount") else None
            for one in mints
            if one.is_allowed
        },
        halt_reason=told.halt.reason if told.HasField("halt") else None,
        remaining_trades=told.remaining_trades,
        increase_time=read_optional_time(told, "increase_time"),
    )


def _token(token: pb.Token) -> TokenView:
    return TokenView(
        mint=token.mint,
        symbol=token.symbol,
        decimals=token.decimals,
        usd=Decimal(token.usd),
        change_24h=Decimal(token.change_24h) if token.change_24h else None,
        liquidity_usd=Decimal(token.liquidity_usd) if token.liquidity_usd else None,
        is_verified=token.is_verified,
    )


def _unlisted(price: pb.Price) -> TokenView:
    """Return what a price alone tells of a token that is not in fashion: nobody vouches for it here."""
    change = Decimal(price.change_24h) if price.change_24h else None
    symbol = price.symbol or price.mint[:4]
    return TokenView(price.mint, symbol, None, Decimal(price.usd), change, is_trending=False)


def _trade(trade: pb.Trade) -> Trade:
    return Trade(
        id=trade.id,
        progress=_PROGRESS.get(trade.state, Progress.UNDER_WAY),
        input_mint=trade.input_mint,
        output_mint=trade.output_mint,
        input_amount=trade.input_amount,
        output_amount=trade.output_amount,
        signature=trade.signature,
        reason=trade.state_reason,
    )
