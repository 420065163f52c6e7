"""The catalogue of tokens that trade in the sandbox.

Wrapped SOL and USDC keep their mainnet addresses. The others are fictional, and their mint addresses depend on their
symbols only, so that a persona or a policy can name them whatever the data directory.
"""

import functools
import hashlib
from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey

WRAPPED_SOL = Pubkey.from_string("So11111111111111111111111111111111111111112")
USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
_MAINNET_MINTS = {"SOL": WRAPPED_SOL, "USDC": USDC}


@dataclass(frozen=True)
class Token:
    """A token: prices and liquidity in US dollars, supply in whole tokens, age in days when the chain began.

    `daily_volatility` is the standard deviation of a day's log return.
    """

    symbol: str
    name: str
    decimals: int
    usd_price: float
    daily_volatility: float
    liquidity: float
    supply: int
    age_days: float
    verified: bool = True
    suspicious: bool = False
    """Its maker can still mint, and it is hardly traded: the token that a careful trader leaves alone."""

    @property
    def is_fictional(self) -> bool:
        """Whether the token exists in the sandbox only."""
        return self.symbol not in _MAINNET_MINTS

    @functools.cached_property
    def mint_key(self) -> Keypair:
        """The key that signs the creation of a fictional token's mint."""
        return Keypair.from_seed(hashlib.sha256(b"puppet-sandbox-mint:" + self.symbol.encode()).digest())

    @functools.cached_property
    def mint(self) -> Pubkey:
        """The mint's address."""
        return self.mint_key.pubkey() if self.is_fictional else _MAINNET_MINTS[self.symbol]


TOKENS: tuple[Token, ...] = (
    Token("SOL", "Wrapped SOL", 9, 150.0, 0.04, 400_000_000, 600_000_000, 2_000),
    Token("USDC", "USD Coin", 6, 1.0, 0.0, 80_000_000, 10_000_000_000, 2_000),
    Token("SOCK", "The Other Sock", 6, 0.012, 0.35, 1_200_000, 1_000_000_000, 210),
    Token("HONK", "Goose With A Plan", 5, 0.00042, 0.45, 900_000, 40_000_000_000, 160),
    Token("SOUP", "Soup Season", 6, 0.081, 0.25, 1_600_000, 100_000_000, 300),
    Token("NAP", "Nap Protocol", 9, 0.37, 0.2, 700_000, 25_000_000, 120),
    Token("MOSS", "Mostly Moss", 6, 0.0056, 0.3, 450_000, 800_000_000, 45),
    Token("TOAST", "Lands Butter Side Up", 6, 0.0021, 0.4, 300_000, 2_000_000_000, 12),
    Token("PLOP", "Distant Plop", 6, 0.00009, 0.6, 60_000, 9_000_000_000, 1.5, verified=False),
    Token("FINE", "Everything Is Fine", 9, 0.0013, 0.8, 4_000, 500_000_000, 0.3, verified=False, suspicious=True),
)

BY_MINT = {token.mint: token for token in TOKENS}
BY_ADDRESS = {str(mint): token for mint, token in BY_MINT.items()}
