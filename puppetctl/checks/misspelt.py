"""Variables of the environment that begin with `PUPPET_` and that nothing of the suite reads."""

from collections.abc import Mapping

from puppetctl.suite import DEFAULT_PORTS, location_setting
from services.runtime.unknown_settings import unknown_settings

_OWN = frozenset(f"PUPPET_CTL_{name}" for name in ("CREDENTIAL", "PASSPHRASE", "TLS_CA", "TLS_CERTIFICATE", "TLS_KEY"))
_DEPLOYMENT = ("PUPPET_POSTGRES_", "PUPPET_BASE_IMAGE")
"""What docker-compose.yml reads, of which nothing reaches a service."""


def misspelt(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that is set and that nobody reads."""
    from sandbox.llm.settings import LlmSandboxSettings
    from sandbox.settings import SandboxSettings
    from sandbox.solana.settings import SolanaSandboxSettings
    from sandbox.x.settings import XSettings
    from services.agents.settings import AgentsSettings
    from services.gateway.settings import GatewaySettings
    from services.llm.settings import LlmSettings
    from services.memory.settings import MemorySettings
    from services.runtime.settings import ProgramSettings
    from services.social.settings import SocialSettings
    from services.trading.settings import TradingSettings

    known = {*_OWN, *map(location_setting, DEFAULT_PORTS)}
    services: tuple[type[ProgramSettings], ...] = (
        AgentsSettings,
        GatewaySettings,
        LlmSettings,
        MemorySettings,
        SocialSettings,
        TradingSettings,
    )
    for service in services:
        known |= service.variables(environment)
    sandboxes: tuple[type[SandboxSettings], ...] = (LlmSandboxSettings, SolanaSandboxSettings, XSettings)
    for sandbox in sandboxes:
        known |= {f"{sandbox.model_config.get('env_prefix', '')}{field.upper()}" for field in sandbox.model_fields}
    names = [name for name, value in environment.items() if value and not name.upper().startswith(_DEPLOYMENT)]
    return unknown_settings(names, "PUPPET_", known)
