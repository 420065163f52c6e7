"""Between protobuf and domain; every request is checked here, all its violations at once."""

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from puppet.trading.v1 import trading_service_pb2 as pb
from services.runtime.checks import Checks
from services.runtime.protobuf import write_time
from services.runtime.rpc.limits import RequestChecks, check
from services.runtime.text.fingerprints import MAX_SIGNS, unfolds_too_far
from services.trading.domain.allowance import Allowance, MintAllowance
from services.trading.domain.market import Balance, Pair, Price, Quote, Token, is_address
from services.trading.domain.portfolio import Holding, Portfolio, Realisation
from services.trading.domain.trade import Cause, Trade, TradeState
from services.trading.domain.wallet import Halt, Policy, Wallet

_STATES = {pb.TradeState.Value(f"TRADE_STATE_{state.name}"): state for state in TradeState}
_STATE_NUMBERS = {state: number for number, state in _STATES.items()}
_CAUSE_NUMBERS = {
    cause: pb.TradeStateCause.Value(f"TRADE_STATE_CAUSE_{cause.value or 'UNSPECIFIED'}") for cause in Cause
}


def read_registration(request: pb.RegisterWalletRequest) -> dict[str, Any]:
    """Return the limits of a new wallet, by name; whether its key is one is for the keystore to say."""
    with RequestChecks(request) as checks:
        if request.policy.wallet_id:
            checks.refuse("policy.wallet_id", "must be left empty: the wallet is yet to be made")
        if request.HasField("policy") and not request.policy_mask.paths:
            checks.refuse("policy_mask", "is required with a policy")
        _check_policy(checks, request.policy, request.policy_mask.paths)
    return _policy_values(request.policy, request.policy_mask.paths)


def check_screening(request: pb.ScreenTextRequest) -> None:
    """Check a text that is to be screened."""
    with RequestChecks(request) as checks:
        if not checks.count and unfolds_too_far(request.text):
            checks.refuse("text", f"must have at most {MAX_SIGNS} characters in its normal form (NFKC)")


def read_states(request: pb.ListTradesRequest) -> list[TradeState]:
    """Return which trades are wanted; checks everything of the request but its page."""
    check(request)
    return [_STATES[number] for number in request.states]


def read_pair(request: pb.GetQuoteRequest | pb.ExecuteTradeRequest) -> Pair:
    """Return the swap that is asked for."""
    with RequestChecks(request) as checks:
        _mint(checks, "input_mint", request.input_mint)
        _mint(checks, "output_mint", request.output_mint)
        if request.input_mint == request.output_mint:
            checks.refuse("output_mint", "must be another one than input_mint")
    return Pair(request.input_mint, request.output_mint, request.amount, request.slippage_bps)


def check_mints(request: pb.GetPricesRequest | pb.GetAllowanceRequest) -> None:
    """Check which mints are asked about."""
    with RequestChecks(request) as checks:
        _mints(checks, "mints", request.mints)


def read_policy_values(request: pb.UpdatePolicyRequest | pb.TightenPolicyRequest) -> dict[str, Any]:
    """Return the fields of the policy to set, by name; those that the mask leaves out are not looked at."""
    with RequestChecks(request) as checks:
        _check_policy(checks, request.policy, request.update_mask.paths)
    return _policy_values(request.policy, request.update_mask.paths)


def write_wallet(wallet: Wallet, halt: Halt | None) -> pb.Wallet:
    """Return a wallet as it goes over the wire, without its key."""
    return pb.Wallet(
        id=wallet.id,
        agent_id=wallet.agent_id,
        address=wallet.address,
        create_time=write_time(wallet.create_time),
        halt=write_halt(halt),
    )


def write_halt(halt: Halt | None) -> pb.Halt | None:
    """Return a halt as it goes over the wire; None leaves it out."""
    if halt is None:
        return None
    return pb.Halt(reason=halt.reason, create_time=write_time(halt.create_time), is_for_all=halt.is_for_all)


def write_balance(balance: Balance) -> pb.Balance:
    """Return a balance as it goes over the wire."""
    return pb.Balance(mint=balance.mint, amount=balance.amount, decimals=balance.decimals, symbol=balance.symbol)


def write_quote(quote: Quote) -> pb.Quote:
    """Return a quote as it goes over the wire."""
    return pb.Quote(
        input_mint=quote.pair.input_mint,
        output_mint=quote.pair.output_mint,
        input_amount=quote.pair.amount,
        output_amount=quote.output_amount,
        min_output_amount=quote.min_output_amount,
        slippage_bps=quote.slippage_bps,
        price_impact=write_decimal(quote.price_impact),
    )


def write_trade(trade: Trade, realised: Realisation) -> pb.Trade:
    """Return a trade, and what it realised, as it goes over the wire."""
    return pb.Trade(
        id=trade.id,
        wallet_id=trade.wallet_id,
        input_mint=trade.input_mint,
        output_mint=trade.output_mint,
        input_amount=trade.input_amount,
        output_amount=trade.output_amount,
        fee_lamports=trade.fee_lamports,
        slippage_bps=trade.slippage_bps,
        state=_STATE_NUMBERS[trade.state],
        state_reason=trade.state_reason,
        signature=trade.signature,
        last_valid_block_height=trade.last_valid_block_height,
        create_time=write_time(trade.create_time),
        finish_time=write_time(trade.finish_time),
        request_id=trade.request_id,
        min_output_amount=trade.min_output_amount,
        worth_lamports=trade.worth_lamports,
        state_cause=_CAUSE_NUMBERS[trade.state_cause],
        realised_pnl_lamports=realised.pnl_lamports,
        uncosted_proceeds_lamports=realised.uncosted_proceeds,
    )


def write_price(price: Price) -> pb.Price:
    """Return a price as it goes over the wire."""
    return pb.Price(
        mint=price.mint,
        usd=write_decimal(price.usd),
        change_24h=write_decimal(price.change_24h),
        symbol=price.symbol,
    )


def write_token(token: Token) -> pb.Token:
    """Return a token as it goes over the wire."""
    return pb.Token(
        mint=token.mint,
        symbol=token.symbol,
        name=token.name,
        decimals=token.decimals,
        usd=write_decimal(token.usd),
        change_24h=write_decimal(token.change_24h),
        liquidity_usd=write_decimal(token.liquidity_usd),
        is_verified=token.is_verified,
    )


def write_policy(policy: Policy) -> pb.Policy:
    """Return a policy as it goes over the wire."""
    return pb.Policy(
        wallet_id=policy.wallet_id,
        max_trade_lamports=policy.max_trade_lamports,
        min_balance_lamports=policy.min_balance_lamports,
        max_slippage_bps=policy.max_slippage_bps,
        max_daily_trades=policy.max_daily_trades,
        max_daily_volume_lamports=policy.max_daily_volume_lamports,
        allowed_mints=policy.allowed_mints,
        blocked_mints=policy.blocked_mints,
        max_price_deviation_bps=policy.max_price_deviation_bps,
        max_price_impact_bps=policy.max_price_impact_bps,
        allow_unpriced=policy.allow_unpriced,
        update_time=write_time(policy.update_time),
        etag=policy.etag,
    )


def write_allowance(allowance: Allowance, mints: Iterable[MintAllowance]) -> pb.Allowance:
    """Return an allowance as it goes over the wire."""
    return pb.Allowance(
        policy=write_policy(allowance.policy),
        halt=write_halt(allowance.halt),
        remaining_trades=allowance.remaining_trades,
        remaining_volume_lamports=allowance.remaining_volume,
        max_worth_lamports=allowance.max_worth,
        free_lamports=allowance.free_lamports,
        fee_reserve_lamports=allowance.fee_reserve,
        max_input_lamports=allowance.max_input,
        increase_time=write_time(allowance.increase_time),
        mints=[
            pb.MintAllowance(
                mint=one.mint, is_allowed=one.is_allowed, amount=one.amount, max_input_amount=one.max_input
            )
            for one in mints
        ],
    )


def write_portfolio(portfolio: Portfolio) -> pb.Portfolio:
    """Return a wallet as a whole as it goes over the wire."""
    return pb.Portfolio(
        wallet_id=portfolio.wallet_id,
        lamports=portfolio.lamports,
        trade_count=portfolio.book.trades,
        realised_pnl_lamports=portfolio.book.realised_lamports,
        uncosted_proceeds_lamports=portfolio.book.uncosted_proceeds,
        fee_lamports=portfolio.book.fee_lamports,
        read_time=write_time(portfolio.read_time),
    )


def write_holding(holding: Holding) -> pb.Holding:
    """Return a token of a wallet as it goes over the wire."""
    balance, position, quotation = holding.balance, holding.position, holding.quotation
    return pb.Holding(
        mint=balance.mint,
        symbol=balance.symbol,
        amount=balance.amount,
        decimals=balance.decimals,
        costed_amount=holding.costed_amount,
        cost_lamports=holding.cost_lamports,
        usd=write_decimal(quotation.token.usd) if quotation else "",
        price_time=write_time(quotation.time) if quotation else None,
        value_lamports=holding.value_lamports,
        unrealised_pnl_lamports=holding.unrealised_lamports,
        realised_pnl_lamports=position.realised_lamports,
        uncosted_proceeds_lamports=position.uncosted_proceeds,
        purchase_time=write_time(position.purchase_time),
        sale_time=write_time(position.sale_time),
    )


def write_decimal(value: Decimal | None) -> str:
    """Return a decimal without an exponent and without zeros at its end; empty for None."""
    if value is None:
        return ""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text


def _mint(checks: Checks, field: str, value: str) -> None:
    if value.strip() and not is_address(value):
        checks.refuse(field, "is not a mint's address: 32 bytes in base58")


def _mints(checks: Checks, field: str, values: Iterable[str]) -> None:
    for index, value in enumerate(values):
        _mint(checks, f"{field}[{index}]", value)


def _check_policy(checks: Checks, given: pb.Policy, paths: Collection[str]) -> None:
    for path in {"allowed_mints", "blocked_mints"} & {*paths}:
        _mints(checks, f"policy.{path}", getattr(given, path))


def _policy_values(given: pb.Policy, paths: Collection[str]) -> dict[str, Any]:
    values = {path: getattr(given, path) for path in paths}
    return {path: list(dict.fromkeys(value)) if path.endswith("_mints") else value for path, value in values.items()}
