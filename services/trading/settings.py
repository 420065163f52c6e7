"""The settings of the trading service."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.runtime.sealing import SealedColumn, SealingSettings


class TradingSettings(SealingSettings):
    """Environment variables with the prefix `PUPPET_TRADING_`."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_TRADING_", frozen=True, extra="ignore")
    sealed = SealedColumn("wallet", "sealed_key")

    port: int = 50054
    rpc_url: str = "http://127.0.0.1:50062"
    """A Solana JSON-RPC node; live: `https://api.mainnet-beta.solana.com` or a provider's."""
    jupiter_url: str = "http://127.0.0.1:50062/jupiter"
    """Jupiter's API; live: `https://api.jup.ag`."""
    jupiter_api_key: SecretStr = SecretStr("")
    """Empty: Jupiter's keyless tier, a call every two seconds."""
    birdeye_url: str = ""
    """Whose prices count beside Jupiter's, the worse of both: live `https://public-api.birdeye.so`; empty: nobody's."""
    birdeye_api_key: SecretStr = SecretStr("")
    poll_seconds: float = Field(default=0.5, gt=0)
    """How often the chain is asked about a trade that was sent."""
    confirm_seconds: float = Field(default=15.0, gt=0)
    """How long a sent trade may go unconfirmed before it is called OUTCOME_UNKNOWN."""
    max_priority_lamports: int = Field(default=500_000, ge=0)
    """The most that a trade may pay for priority, however much the chain's others pay."""
