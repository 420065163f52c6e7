"""`puppetctl portfolio` and `trades`: what a character's wallet holds, what came of it, and what it may still trade."""

from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp
from rich.text import Text

from puppet.trading.v1 import trading_service_pb2 as pb
from puppetctl import DATA_DIR
from puppetctl.clients import Clients, opened, wallet_of
from puppetctl.terminal.display import open_console
from puppetctl.terminal.output import Listing, Rows, as_object, print_document
from puppetctl.terminal.words import plain, shortened

_LAMPORTS = Decimal(10**9)
_SOL = "So11111111111111111111111111111111111111112"
_PAGE_SIZE = 100


async def portfolio(agent_id: str, data_dir: Path = DATA_DIR, *, everything: bool, as_json: bool = False) -> int:
    """Show what a character's wallet holds, with cost, worth and gain in SOL, and what it may still trade.

    Without `everything` only what it has traded. Raises SuiteError for a character without a wallet.
    """
    rows = Rows("token", ">amount", ">cost", ">worth", ">gain", ">realised")
    gain, holdings = 0, []
    async with opened(data_dir) as clients:
        wallet_id = await wallet_of(clients, agent_id)
        request = pb.GetPortfolioRequest(wallet_id=wallet_id, has_trades=not everything, page_size=_PAGE_SIZE)
        while True:
            page = await clients.trading.GetPortfolio(request)
            for one in page.holdings:
                gain += one.unrealised_pnl_lamports
                rows.add(*_row(one))
                holdings.append(as_object(one))
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        allowance = (await clients.trading.GetAllowance(pb.GetAllowanceRequest(wallet_id=wallet_id))).allowance
    if as_json:
        whole = {"portfolio": as_object(page.portfolio), "holdings": holdings, "allowance": as_object(allowance)}
        print_document(whole)
        return 0
    console = open_console()
    if rows:
        console.print(rows.fitted(console.width))
    for words in (_whole(page.portfolio, gain), _left(allowance)):
        console.print(words, markup=False, soft_wrap=True)
    return 0


async def trades(agent_id: str, limit: int, data_dir: Path = DATA_DIR, *, as_json: bool = False) -> int:
    """Show up to `limit` of a character's trades, newest first, with what sales realised in SOL.

    Raises SuiteError for a character without a wallet.
    """
    listing = Listing("when", ">gave", ">for", ">state", "id", as_json=as_json, empty="no trades")
    async with opened(data_dir) as clients:
        wallet_id = await wallet_of(clients, agent_id)
        tokens = {} if as_json else await _tokens(clients, wallet_id)
        request = pb.ListTradesRequest(wallet_id=wallet_id, page_size=min(limit, _PAGE_SIZE))
        while True:
            page = await clients.trading.ListTrades(request)
            for trade in page.trades[: limit - len(listing)]:
                gave = _side(trade.input_mint, trade.input_amount, tokens)
                got = _side(trade.output_mint, trade.output_amount, tokens)
                listing.add(trade, _time(trade.create_time), gave, got, _state(trade), trade.id)
            if not page.next_page_token or len(listing) == limit:
                break
            request.page_token = page.next_page_token
    listing.show()
    return 0


def _row(one: pb.Holding) -> tuple[Text, ...]:
    symbol = one.symbol or shortened(one.mint)
    worth = _sol(one.value_lamports) if one.HasField("value_lamports") else "?"
    gained = _signed(one.unrealised_pnl_lamports) if one.HasField("unrealised_pnl_lamports") else ""
    cost = _sol(one.cost_lamports) if one.costed_amount else ""
    if one.amount > one.costed_amount:
        # What came in otherwise has no known cost.
        cost = f"{cost} + ?" if cost else "?"
    amount = _short(Decimal(one.amount).scaleb(-one.decimals))
    return tuple(map(Text, (plain(symbol), amount, cost, worth, gained, _signed(one.realised_pnl_lamports))))


def _whole(whole: pb.Portfolio, gain: int) -> str:
    told = [f"{_sol(whole.lamports)} SOL", f"{whole.trade_count} trades", f"gain {_signed(gain)}"]
    told.append(f"realised {_signed(whole.realised_pnl_lamports)}")
    if whole.uncosted_proceeds_lamports:
        told.append(f"{_sol(whole.uncosted_proceeds_lamports)} for tokens of unknown cost")
    return ", ".join([*told, f"fees {_sol(whole.fee_lamports)}"])


def _left(allowance: pb.Allowance) -> str:
    if allowance.HasField("halt"):
        reason = f" ({plain(allowance.halt.reason)})" if allowance.halt.reason else ""
        return f"trades nothing: it is halted{reason}"
    volume = _sol(allowance.remaining_volume_lamports)
    words = f"may give {_sol(allowance.max_input_lamports)} SOL now; left of 24 hours: {volume} SOL in "
    words += f"{allowance.remaining_trades} trades"
    if allowance.HasField("increase_time"):
        words += f", more from {_time(allowance.increase_time)}"
    return words


async def _tokens(clients: Clients, wallet_id: str) -> Mapping[str, pb.Holding]:
    """Return what is known of the tokens that a wallet has traded, by their mints."""
    found: dict[str, pb.Holding] = {}
    request = pb.GetPortfolioRequest(wallet_id=wallet_id, has_trades=True, page_size=_PAGE_SIZE)
    while True:
        page = await clients.trading.GetPortfolio(request)
        found |= {one.mint: one for one in page.holdings}
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _side(mint: str, amount: int, tokens: Mapping[str, pb.Holding]) -> str:
    if mint == _SOL:
        return f"{_sol(amount)} SOL"
    if (token := tokens.get(mint)) is None:
        # A trade doesn't say how many base units a token has; they are told as they are.
        return f"{amount} of {shortened(mint)}"
    # A token calls itself what it likes, and one is SOL only by its mint.
    symbol = plain(token.symbol)
    name = symbol if symbol and symbol.strip().upper() != "SOL" else shortened(mint)
    return f"{_short(Decimal(amount).scaleb(-token.decimals))} {name}"


def _state(trade: pb.Trade) -> str:
    state = pb.TradeState.Name(trade.state).removeprefix("TRADE_STATE_").lower().replace("_", " ")
    told = [plain(trade.state_reason)] if trade.state_reason else []
    if trade.HasField("realised_pnl_lamports"):
        told.append(f"realised {_signed(trade.realised_pnl_lamports)}")
    return f"{state}: {'; '.join(told)}" if told else state


def _time(time: Timestamp) -> str:
    return f"{time.ToDatetime(tzinfo=UTC):%Y-%m-%d %H:%M}"


def _sol(lamports: int) -> str:
    return _short(Decimal(lamports) / _LAMPORTS)


def _signed(lamports: int) -> str:
    return f"+{_sol(lamports)}" if lamports > 0 else _sol(lamports)


def _short(number: Decimal) -> str:
    """Return a number with six places at most."""
    text = f"{number:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
