"""The settings of every program, by the names that `up` gives them."""

from pydantic_settings import BaseSettings

from sandbox.llm.settings import LlmSandboxSettings
from sandbox.solana.settings import SolanaSandboxSettings
from sandbox.x.settings import XSettings
from services.agents.settings import AgentsSettings
from services.gateway.settings import GatewaySettings
from services.llm.settings import LlmSettings
from services.memory.settings import MemorySettings
from services.social.settings import SocialSettings
from services.trading.settings import TradingSettings

SETTINGS: dict[str, type[BaseSettings]] = {
    "agents": AgentsSettings,
    "memory": MemorySettings,
    "llm": LlmSettings,
    "trading": TradingSettings,
    "social": SocialSettings,
    "gateway": GatewaySettings,
    "sandbox.x": XSettings,
    "sandbox.solana": SolanaSandboxSettings,
    "sandbox.llm": LlmSandboxSettings,
}
