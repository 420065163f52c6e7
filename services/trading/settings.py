"""The settings of the trading service."""

from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.runtime.sealing import SealedColumn, SealingSettings
from services.runtime.settings import HttpUrl, Port


class TradingSettings(SealingSettings):
    """Environment variables with the prefix `PUPPET_TRADING_`."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_TRADING_", frozen=True, extra="ignore")
    sealed = SealedColumn("wallet", "sealed_key")

    port: Port = 50054
    sandbox_url: HttpUrl = "http://127.0.0.1:50062"
    """Where the sandbox is, which stands in for the node and for Jupiter while neither is set."""
    rpc_url: HttpUrl = ""
    """A Solana JSON-RPC node; live: `https://api.mainnet-beta.solana.com` or a provider's; empty: the sandbox's."""
    jupiter_url: HttpUrl = ""
    """Jupiter's API; live: `https://api.jup.ag`; empty: the sandbox's."""
    jupiter_api_key: SecretStr = SecretStr("")
    """Empty: Jupiter's keyless tier, a call every two seconds."""
    birdeye_url: HttpUrl = ""
    """Whose prices count beside Jupiter's, the worse of both: live `https://public-api.birdeye.so`; empty: nobody's."""
    birdeye_api_key: SecretStr = SecretStr("")
    poll_seconds: float = Field(default=0.5, gt=0)
    """How often the chain is asked about a trade that was sent."""
    confirm_seconds: float = Field(default=15.0, gt=0)
    """How long a sent trade may go unconfirmed before it is called OUTCOME_UNKNOWN."""
    max_priority_lamports: int = Field(default=500_000, ge=0)
    """The most that a trade may pay for priority, however much the chain's others pay."""

    @property
    def node_url(self) -> str:
        """Where the node is that is asked."""
        return self.rpc_url or self.sandbox_url

    @property
    def aggregator_url(self) -> str:
        """Where the Jupiter is that is asked."""
        return self.jupiter_url or f"{self.sandbox_url}/jupiter"

    @model_validator(mode="after")
    def _one_chain(self) -> Self:
        """Refuse a real node beside the sandbox's prices and orders, and the other way round."""
        is_sandbox = [url.startswith(self.sandbox_url) for url in (self.node_url, self.aggregator_url)]
        if any(is_sandbox) and not all(is_sandbox):
            live, other = ("JUPITER_URL", "RPC_URL") if is_sandbox[0] else ("RPC_URL", "JUPITER_URL")
            prefix = self.model_config.get("env_prefix", "")
            raise ValueError(
                f"{prefix}{live} is live, so set {prefix}{other} too: one alone would mix Solana with the sandbox"
            )
        return self
