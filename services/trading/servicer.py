"""The gRPC class of the trading service: check, convert, call, convert back."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import grpc

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1 import trading_service_pb2_grpc as pb_grpc
from services.runtime.pages import Page, Paged
from services.runtime.protobuf import request_key
from services.runtime.rpc.answers import fill, fill_from
from services.runtime.rpc.archives import exported, read_import
from services.runtime.rpc.boundary import patience
from services.runtime.rpc.limits import check, page_of
from services.trading import wire
from services.trading.domain.portfolio import Realisation
from services.trading.domain.trade import Trade
from services.trading.domain.wallet import Wallet
from services.trading.service.allowances import Allowances
from services.trading.service.archive import Archive
from services.trading.service.halts import Halts
from services.trading.service.market import Market
from services.trading.service.portfolios import Portfolios
from services.trading.service.screening import Screening
from services.trading.service.trades import Trades
from services.trading.service.wallets import Wallets

Context = grpc.aio.ServicerContext[Any, Any]


class TradingServicer(pb_grpc.TradingServiceServicer):
    """Serves `puppet.trading.v1.TradingService`."""

    def __init__(
        self,
        wallets: Wallets,
        halts: Halts,
        market: Market,
        trades: Trades,
        allowances: Allowances,
        portfolios: Portfolios,
        screening: Screening,
        archive: Archive,
    ) -> None:
        self._archive = archive
        self._wallets = wallets
        self._halts = halts
        self._market = market
        self._trades = trades
        self._allowances = allowances
        self._portfolios = portfolios
        self._screening = screening

    async def RegisterWallet(self, request: pb.RegisterWalletRequest, context: Context) -> pb.RegisterWalletResponse:
        """Register an agent's wallet."""
        limits = wire.read_registration(request)
        wallet = await self._wallets.register(request.agent_id, request.private_key, request_key(request), limits)
        return pb.RegisterWalletResponse(wallet=(await self._written([wallet]))[0])

    async def GetWallet(self, request: pb.GetWalletRequest, context: Context) -> pb.GetWalletResponse:
        """Return one wallet."""
        check(request)
        return pb.GetWalletResponse(wallet=wire.write_wallet(*await self._wallets.with_halt(request.id)))

    async def ListWallets(self, request: pb.ListWalletsRequest, context: Context) -> pb.ListWalletsResponse:
        """List wallets."""
        check(request)
        page = page_of(request, [request.agent_id], (datetime, str))

        async def read(part: Page) -> Paged[pb.Wallet]:
            listed = await self._wallets.page(request.agent_id, part)
            return listed.turned(await self._written(listed.rows))

        return await fill_from(pb.ListWalletsResponse(), page, read, lambda wallet: wallet, [request.agent_id])

    async def DeleteWallet(self, request: pb.DeleteWalletRequest, context: Context) -> pb.DeleteWalletResponse:
        """Delete an agent's wallet."""
        check(request)
        return pb.DeleteWalletResponse(trade_count=await self._archive.delete(request.agent_id, request_key(request)))

    async def ExportWallet(
        self, request: pb.ExportWalletRequest, context: Context
    ) -> AsyncIterator[pb.ExportWalletResponse]:
        """Stream an agent's wallet with its trades."""
        check(request)
        async for row in exported(pb.ExportWalletResponse, self._archive.export(request.agent_id, request.sealing_key)):
            yield row

    async def ImportWallet(
        self, requests: AsyncIterator[pb.ImportWalletRequest], context: Context
    ) -> pb.ImportWalletResponse:
        """Store what was exported."""
        given = await read_import(requests, "puppet.trading.v1.ImportWallet")
        count = await self._archive.import_all(given)
        return pb.ImportWalletResponse(row_count=count, is_repeated=not count)

    async def GetBalances(self, request: pb.GetBalancesRequest, context: Context) -> pb.GetBalancesResponse:
        """Read a wallet's balances from the chain."""
        check(request)
        filters = [request.wallet_id]
        listed = await self._wallets.balances(request.wallet_id, page_of(request, filters, (str,)))
        return fill(pb.GetBalancesResponse(), listed, wire.write_balance, filters)

    async def GetQuote(self, request: pb.GetQuoteRequest, context: Context) -> pb.GetQuoteResponse:
        """Return what a swap would give now."""
        pair = wire.read_pair(request)
        return pb.GetQuoteResponse(quote=wire.write_quote(await self._market.quote(pair)))

    async def ExecuteTrade(self, request: pb.ExecuteTradeRequest, context: Context) -> pb.ExecuteTradeResponse:
        """Swap once for every request_id."""
        pair, least = wire.read_pair(request), request.min_output_amount
        trade = await self._trades.execute(request.wallet_id, pair, least, request_key(request), patience())
        return pb.ExecuteTradeResponse(trade=(await self._told([trade]))[0])

    async def GetTrade(self, request: pb.GetTradeRequest, context: Context) -> pb.GetTradeResponse:
        """Return one trade."""
        check(request)
        return pb.GetTradeResponse(trade=(await self._told([await self._trades.get(request.id)]))[0])

    async def ListTrades(self, request: pb.ListTradesRequest, context: Context) -> pb.ListTradesResponse:
        """List a wallet's trades."""
        states = wire.read_states(request)
        filters = [request.wallet_id, states]
        page = page_of(request, filters, (datetime, str))

        async def read(part: Page) -> Paged[pb.Trade]:
            listed = await self._trades.page(request.wallet_id, states, part)
            return listed.turned(await self._told(listed.rows))

        # The ledger is read for every part of a page.
        answer = pb.ListTradesResponse()
        return await fill_from(answer, page, read, lambda trade: trade, filters, first=page.size)

    async def GetAllowance(self, request: pb.GetAllowanceRequest, context: Context) -> pb.GetAllowanceResponse:
        """Say what a wallet may still trade."""
        wire.check_mints(request)
        allowance, mints = await self._allowances.of(request.wallet_id, request.mints)
        return pb.GetAllowanceResponse(allowance=wire.write_allowance(allowance, mints))

    async def GetPortfolio(self, request: pb.GetPortfolioRequest, context: Context) -> pb.GetPortfolioResponse:
        """Return what a wallet holds, what that cost, and what it gained or lost."""
        check(request)
        filters = [request.wallet_id, request.has_trades]
        page = page_of(request, filters, (str,))
        portfolio, listed = await self._portfolios.page(request.wallet_id, page, only_traded=request.has_trades)
        answer = pb.GetPortfolioResponse(portfolio=wire.write_portfolio(portfolio))
        return fill(answer, listed, wire.write_holding, filters)

    async def GetPrices(self, request: pb.GetPricesRequest, context: Context) -> pb.GetPricesResponse:
        """Return what tokens cost."""
        wire.check_mints(request)
        prices = await self._market.prices(request.mints)
        return pb.GetPricesResponse(prices=[wire.write_price(price) for price in prices])

    async def ListTrendingTokens(
        self, request: pb.ListTrendingTokensRequest, context: Context
    ) -> pb.ListTrendingTokensResponse:
        """List the tokens that trend now."""
        check(request)
        page = page_of(request, [], (int,))
        listed = await self._market.trending(page)
        return fill(pb.ListTrendingTokensResponse(), listed, wire.write_token, [])

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: Context) -> pb.GetPolicyResponse:
        """Return the policy of a wallet."""
        check(request)
        return pb.GetPolicyResponse(policy=wire.write_policy(await self._wallets.policy(request.wallet_id)))

    async def UpdatePolicy(self, request: pb.UpdatePolicyRequest, context: Context) -> pb.UpdatePolicyResponse:
        """Set fields of a wallet's policy."""
        values = wire.read_policy_values(request)
        given = request.policy
        policy = await self._wallets.update_policy(given.wallet_id, values, given.etag, request_key(request))
        return pb.UpdatePolicyResponse(policy=wire.write_policy(policy))

    async def TightenPolicy(self, request: pb.TightenPolicyRequest, context: Context) -> pb.TightenPolicyResponse:
        """Narrow fields of a wallet's policy."""
        values = wire.read_policy_values(request)
        policy = await self._wallets.tighten_policy(request.policy.wallet_id, values, request_key(request))
        return pb.TightenPolicyResponse(policy=wire.write_policy(policy))

    async def HaltTrading(self, request: pb.HaltTradingRequest, context: Context) -> pb.HaltTradingResponse:
        """Halt trading of one wallet, or of all."""
        check(request)
        halt = await self._halts.halt(request.wallet_id, request.reason, request_key(request))
        return pb.HaltTradingResponse(halt=wire.write_halt(halt))

    async def ResumeTrading(self, request: pb.ResumeTradingRequest, context: Context) -> pb.ResumeTradingResponse:
        """Lift the halt of one wallet, or the one over all."""
        check(request)
        halt = await self._halts.resume(request.wallet_id, request_key(request))
        return pb.ResumeTradingResponse(halt=wire.write_halt(halt))

    async def ScreenText(self, request: pb.ScreenTextRequest, context: Context) -> pb.ScreenTextResponse:
        """Say whether a text holds a wallet's key."""
        wire.check_screening(request)
        return pb.ScreenTextResponse(holds_key=await self._screening.holds_key(request.text))

    async def _written(self, wallets: Sequence[Wallet]) -> list[pb.Wallet]:
        halts = await self._wallets.halts(wallets)
        return [wire.write_wallet(wallet, halts.get(wallet.id)) for wallet in wallets]

    async def _told(self, trades: Sequence[Trade]) -> list[pb.Trade]:
        realised = await self._portfolios.realisations(trades)
        return [wire.write_trade(trade, realised.get(trade.id, Realisation())) for trade in trades]
