"""Nothing real is in the reach of a rehearsal."""

from pathlib import Path

import pytest

from puppetctl.characters.personas import PersonaFile
from puppetctl.rehearsal.isolation import isolated, rehearsed
from puppetctl.suite import SuiteError, free_ports, plan_suite

FOLDER = Path("/somewhere")
LIVE = {
    "PATH": "/bin",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://telemetry.example",
    "PUPPET_SOCIAL_X_BASE_URL": "https://api.x.example",
    "PUPPET_TRADING_RPC_URL": "https://rpc.example",
    "PUPPET_TRADING_JUPITER_URL": "https://jup.example",
    "PUPPET_AGENTS_MEMORY_TARGET": "10.0.0.1:50052",
    "PUPPET_AGENTS_DATABASE_URL": "postgresql+asyncpg://real",
    "PUPPET_MEMORY_DATA_DIR": "/real",
    "PUPPET_LLM_PROVIDERS": "openai",
    "PUPPET_LLM_OPENAI_API_KEY": "sk-real",
    "PUPPET_LLM_XAI_API_KEY": "xai-real",
    "PUPPET_SANDBOX_LLM_THREADS": "3",
    "PUPPET_CTL_CREDENTIAL": "/real/operator.json",
    "puppet_trading_birdeye_api_key": "real",
    "XDG_CONFIG_HOME": "/real",
}


def _suite(provider: str) -> dict[str, str]:
    """Return everything that the programs of a rehearsal are handed down."""
    environment = isolated(LIVE, FOLDER, provider, 3600.0, is_alone=False)
    suite = plan_suite(environment, FOLDER, free_ports(), speed=1.0)
    assert not suite.replaced
    assert suite.live == ()
    return {name: value for program in suite.programs for name, value in program.environment.items()}


def test_no_live_setting_reaches_a_rehearsal() -> None:
    given = _suite("local")
    assert [value for value in given.values() if "real" in value or "example" in value] == []
    assert given["XDG_CONFIG_HOME"].startswith(str(FOLDER))
    assert given["PUPPET_SANDBOX_LLM_THREADS"] == "3"


def test_a_provider_that_is_asked_for_brings_its_own_key_and_no_other() -> None:
    given = _suite("openai")
    assert given["PUPPET_LLM_OPENAI_API_KEY"] == "sk-real"
    assert [name for name, value in given.items() if "real" in value] == ["PUPPET_LLM_OPENAI_API_KEY"]
    assert given["PUPPET_LLM_PROVIDERS"] == "openai,local", "the neighbours cost nothing"
    alone = isolated(LIVE, FOLDER, "openai", 3600.0, is_alone=True)
    assert alone["PUPPET_LLM_PROVIDERS"] == "openai"


@pytest.mark.parametrize("provider", ["", "a,b", "x y"])
def test_what_names_no_provider_is_refused(provider: str) -> None:
    with pytest.raises(SuiteError, match="--provider"):
        isolated(LIVE, FOLDER, provider, 3600.0, is_alone=True)


def test_a_persona_is_rehearsed_without_its_secrets_and_the_file_stays_as_it_is() -> None:
    persona = {
        "id": "ann",
        "name": "Ann",
        "is_active": False,
        "approval": "all",
        "twitter_credentials": {"apiKey": "real"},
        "solana_integration": {"private_key": "real", "trading_enabled": True},
        "llm_provider": "openai",
        "llm_config": {"model": "gpt-5-mini", "temperature": 0.5},
    }
    file = PersonaFile(Path("ann.json"), persona)
    assert rehearsed(file, "local").persona == {
        "id": "ann",
        "name": "Ann",
        "solana_integration": {"trading_enabled": True},
        "llm_provider": "local",
        "llm_config": {"temperature": 0.5},
    }
    assert rehearsed(file, "openai").persona["llm_config"] == {"model": "gpt-5-mini", "temperature": 0.5}
    assert persona["twitter_credentials"] == {"apiKey": "real"}
