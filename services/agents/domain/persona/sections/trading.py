"""A character's wallet: whether it trades, and within which limits."""

from typing import Annotated

from pydantic import Field

from services.agents.domain.persona.fields import (
    Count,
    Flag,
    FlagOr,
    ListOr,
    NoEffect,
    Number,
    PlainAddress,
    Secret,
    Section,
    Sol,
    Text,
    Texts,
    above_zero,
)

_OF_THE_SERVICE = "has no effect: it is a setting of the trading service"
_OF_THE_WALLET = "has no effect: a wallet's address follows from its key"
_NO_METHODS = "has no effect: no model chooses what is called"
_ALWAYS_CHECKED = "has no effect: every check is always made"
_NEVER_ASKED = "has no effect: a character never trades because somebody says so"
_SMALLEST = "The smallest of the limits of this kind holds."


class TradeSafety(Section):
    """Limits of a wallet, from its making on. Later they are only ever narrowed by a persona, never widened."""

    max_trade_amount_sol: Sol | None = Field(default=None, description=f"What one trade may spend, in SOL. {_SMALLEST}")
    min_wallet_balance_sol: Sol | None = Field(default=None, description="What has to stay in the wallet, in SOL.")
    max_slippage_percent: Annotated[Number, above_zero(50)] | None = Field(
        default=None, description="How much less than its quote a trade may bring, in percent, up to 50."
    )
    max_daily_trades: Count | None = Field(default=None, description=f"How many trades a day may have. {_SMALLEST}")
    max_daily_volume_sol: Sol | None = Field(
        default=None, description="What a day's trades may spend together, in SOL."
    )


class JupiterIntegration(Section):
    """What earlier versions knew of Jupiter."""

    enabled: Flag | None = Field(default=None, description="Whether trades go through Jupiter.")
    slippage_tolerance: Number | None = Field(default=None, description="In percent.")
    use_shared_routes: Flag | None = Field(default=None, description="Whether routes may be shared.")


class SolanaIntegration(Section):
    """A character's wallet."""

    wallet_address: Annotated[Text, NoEffect(_OF_THE_WALLET)] = Field(default="", description="The wallet's address.")
    private_key: Annotated[Text, Secret()] = Field(
        default="",
        description="The wallet's key in base58 or as a list of bytes. It goes to the trading service and stays there; "
        "without one a wallet is made. `[redacted]` leaves it as it is.",
    )
    network: Annotated[Text, NoEffect(_OF_THE_SERVICE)] = Field(default="", description="The Solana cluster.")
    rpc_url: Annotated[Text, PlainAddress(), NoEffect(_OF_THE_SERVICE)] = Field(
        default="", description="A Solana node."
    )
    trading_enabled: Flag = Field(default=False, description="Whether it trades by itself.")
    trade_safety: TradeSafety = Field(default_factory=TradeSafety, description="The wallet's limits.")
    jupiter_integration: Annotated[FlagOr[JupiterIntegration], NoEffect(_OF_THE_SERVICE, unless=(True,))] = Field(
        default=True, description="Whether trades go through Jupiter: they do."
    )


class Methods(Section):
    """What earlier versions let a model call."""

    allowed: Texts = Field(default=(), description="What it might call.")
    autonomous_only: Texts = Field(default=(), description="What it might call by itself only.")


class AutonomyRules(Section):
    """Limits of what a character does by itself."""

    ignore_human_trading_requests: Annotated[Flag, NoEffect(_NEVER_ASKED, unless=(True,))] = Field(
        default=True, description="Whether it trades when it is told to: it doesn't."
    )
    max_daily_trades: Count | None = Field(default=None, description=f"How many trades a day may have. {_SMALLEST}")
    max_single_trade_amount_sol: Sol | None = Field(
        default=None, description=f"What one trade may spend, in SOL. {_SMALLEST}"
    )
    require_trending_validation: Flag = Field(default=False, description="Whether it buys only what is trending.")
    safety_checks: Annotated[Texts, NoEffect(_ALWAYS_CHECKED)] = Field(default=(), description="Checks of a trade.")


class AgentKitIntegration(Section):
    """What earlier versions knew of tools."""

    enabled: Annotated[Flag, NoEffect(_NO_METHODS, unless=(False,))] = Field(
        default=False, description="Whether a model may call tools."
    )
    methods: Annotated[ListOr[Methods], NoEffect(_NO_METHODS)] = Field(default=(), description="Which tools.")
    autonomy_rules: AutonomyRules = Field(
        default_factory=AutonomyRules, description="Limits of what it does by itself."
    )
