"""The settings of the social service."""

from decimal import Decimal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.runtime.sealing import SealedColumn, SealingSettings
from services.runtime.settings import HttpUrl, Port
from services.social.domain.capabilities import Tier


class SocialSettings(SealingSettings):
    """Environment variables with the prefix `PUPPET_SOCIAL_`."""

    model_config = SettingsConfigDict(env_prefix="PUPPET_SOCIAL_", frozen=True, extra="ignore")
    sealed = SealedColumn("account", "sealed_credentials")

    port: Port = 50055
    x_base_url: HttpUrl = "http://127.0.0.1:50061"
    """Where X is: the sandbox, or `https://api.x.com`."""
    x_tier: Tier = Tier.FULL
    """What X lets the app do; only told on in GetCapabilities, since X itself refuses the rest."""
    x_timeout_seconds: float = Field(default=10.0, gt=0)
    """How long X may take for one request; a post whose answer takes longer is OUTCOME_UNKNOWN."""
    posts_a_day: int = Field(default=0, ge=0)
    """How many posts X lets an account make in 24 hours; 0: what X itself says, when it does."""
    reserved_share: Decimal = Field(default=Decimal("0.5"), ge=0, le=1)
    """The share of them that is kept for posts of the account's own; replies get the rest."""
    visibility_seconds: float = Field(default=30.0, gt=0)
    """How long after a lost answer a post may still appear on X; before that it isn't looked for."""
